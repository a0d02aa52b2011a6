/*
 * Reads a JSON store that people or other programs wrote: once to see whether all of it is JSON,
 * and then row by row, in several threads if it is long. jansson makes a tree of the whole text
 * only if the scanner does not accept it. Holds no state; any thread. t/unit/test_store_read.c
 * covers it.
 */
#include "lib/store/store_hand.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/near_name.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/store/store_parts.h"
#include "lib/store/store_read.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Copy text with U+FFFD in place of bytes that are not UTF-8. jansson refuses a whole text because
 * of one such byte, but one bad row must not remove the others. NULL when out of memory.
 */
static char *mend_utf8(const char *text, size_t len, size_t *len_r)
{
	struct strbuf mended = STRBUF_INIT;
	size_t valid;

	while ((valid = utf8_valid_len(text, len)) < len) {
		strbuf_add(&mended, text, valid);
		strbuf_add_str(&mended, REPLACEMENT);
		text += valid + 1;
		len -= valid + 1;
	}
	strbuf_add(&mended, text, len);
	*len_r = mended.len;
	return strbuf_take(&mended);
}

/* Where a part of the users begins. */
struct cut {
	const char *at;
	size_t before; /* rows before it */
};

/* A store, and what is known of it before its rows are read. */
struct document {
	const char *text; /* valid UTF-8 */
	size_t len;
	char *mended;			       /* the same text if bytes of it were replaced */
	json_t *root;			       /* the members; tables that were scanned are empty */
	struct json_scan tables[STORE_TABLES]; /* the scanned ones; at is NULL for the others */
	struct cut cuts[PARALLEL_MAX + 1];     /* of the users, if they were scanned */
	unsigned cuts_count;
};

/* ---- the whole text -------------------------------------------------------------- */

/* Begin the next part of the users here if the text is long enough for it. */
static void cut_users(const struct store_rows *rows, struct document *doc, const char *at,
	size_t before)
{
	const size_t part = doc->len / rows->parts;

	if (doc->cuts_count == 0 ||
		(doc->cuts_count < rows->parts && at >= doc->cuts[0].at + doc->cuts_count * part))
		doc->cuts[doc->cuts_count++] = (struct cut){ at, before };
}

/* Move behind a list of rows. Returns false if jansson has to judge it. */
static bool skip_rows(struct store_rows *rows, struct document *doc, enum store_table table,
	struct json_scan *s)
{
	struct store_scan *scan = rows->scans[table];
	struct cell cells[STORE_COLUMNS_MAX];
	size_t before = 0;

	if (!json_scan_byte(s, '['))
		return false;
	json_scan_space(s);
	if (json_scan_byte(s, ']'))
		return true;
	do {
		json_scan_space(s);
		if (table == STORE_USERS)
			cut_users(rows, doc, s->at, before++);
		if (!store_scan_row(scan, s, cells) && !json_scan_skip(s))
			return false;
		json_scan_space(s);
	} while (json_scan_byte(s, ','));
	return json_scan_byte(s, ']');
}

/* The table whose list of rows begins at s as the value of key, or STORE_TABLES. */
static enum store_table table_at(const struct json_scan *s, const char *key)
{
	int table;

	for (table = 0; table < STORE_TABLES; table++)
		if (s->at < s->end && *s->at == '[' &&
			strcmp(store_table_name((enum store_table)table), key) == 0)
			break;
	return (enum store_table)table;
}

/* Read the value of a member, which is an empty list for a table. Returns NULL if jansson has to
 * judge it. */
static json_t *read_value(struct store_rows *rows, struct document *doc, struct json_scan *s,
	const char *key)
{
	const enum store_table table = table_at(s, key);
	const char *start = s->at;

	if (table == STORE_TABLES)
		return json_scan_skip(s) ? json_loadb(start, (size_t)(s->at - start),
						   STORE_JSON | JSON_DECODE_ANY, NULL) :
					   NULL;
	if (!skip_rows(rows, doc, table, s))
		return NULL;
	doc->tables[table] = (struct json_scan){ start, s->at };
	return json_array();
}

/* Read a member of the store. Returns false if jansson has to judge it. */
static bool read_member(struct store_rows *rows, struct document *doc, struct json_scan *s)
{
	struct strbuf key = STRBUF_INIT;
	struct json_quoted span;
	bool is_read = false;

	json_scan_space(s);
	if (!json_scan_string(s, &span))
		return false;
	json_scan_unescape(&span, &key);
	json_scan_space(s);
	if (!key.failed && strlen(key.text) == key.len && json_scan_byte(s, ':') &&
		json_object_get(doc->root, key.text) == NULL) {
		json_scan_space(s);
		is_read = json_object_set_new(doc->root, key.text,
				  read_value(rows, doc, s, key.text)) == 0;
	}
	strbuf_free(&key);
	return is_read;
}

/* Read the members of the store, and find its tables. Returns false if jansson has to judge it. */
static bool scan_document(struct store_rows *rows, struct document *doc)
{
	struct json_scan s = { doc->text, doc->text + doc->len };

	json_scan_space(&s);
	if ((doc->root = json_object()) == NULL || !json_scan_byte(&s, '{'))
		return false;
	do {
		if (!read_member(rows, doc, &s))
			return false;
		json_scan_space(&s);
	} while (json_scan_byte(&s, ','));
	if (!json_scan_byte(&s, '}'))
		return false;
	json_scan_space(&s);
	return s.at == s.end;
}

static int parse_document(struct document *doc, struct errmsg *err)
{
	json_error_t where;

	json_decref(doc->root);
	memset(doc->tables, 0, sizeof(doc->tables));
	doc->cuts_count = 0;
	doc->root = json_loadb(doc->text, doc->len, STORE_JSON, &where);
	if (doc->root != NULL)
		return 0;
	return errmsg_set(err, "line %d, column %d: %s", where.line, where.column, where.text);
}

/* ---- rows ------------------------------------------------------------------------ */

/* Return whether a text of the row contained bytes that were not UTF-8. */
static bool has_replacement(const json_t *row)
{
	const json_t *value, *item;
	size_t i;
	void *at;

	for (at = json_object_iter((json_t *)row); at != NULL;
		at = json_object_iter_next((json_t *)row, at)) {
		value = json_object_iter_value(at);
		if (json_is_string(value) && strstr(json_string_value(value), REPLACEMENT) != NULL)
			return true;
		json_array_foreach (value, i, item) {
			if (json_is_string(item) &&
				strstr(json_string_value(item), REPLACEMENT) != NULL)
				return true;
		}
	}
	return false;
}

/* Pass a row to its builder. Returns 0, or -1 when out of memory. */
static int add_tree(struct store_rows *rows, enum store_table table, const struct document *doc,
	const json_t *row)
{
	if (doc->mended != NULL && has_replacement(row))
		return store_row_refuse(rows, table, row, "a byte that is not UTF-8");
	return store_row_add(rows, table, row);
}

/* Return whether a row may have a text with U+FFFD, as it is or escaped. */
static bool may_have_replacement(const struct json_scan *row)
{
	const size_t len = (size_t)(row->end - row->at);

	return memchr(row->at, '\\', len) != NULL ||
		memmem(row->at, len, REPLACEMENT, strlen(REPLACEMENT)) != NULL;
}

static int add_trees(struct store_rows *rows, enum store_table table, const struct document *doc,
	const json_t *array)
{
	const json_t *row;
	size_t i;

	json_array_foreach (array, i, row) {
		rows->number = i + 1;
		if (add_tree(rows, table, doc, row) < 0)
			return -1;
	}
	return 0;
}

/* Read a row of a table that was scanned, and move behind it. Returns 0, or -1 when out of memory.
 */
static int add_row(struct store_rows *rows, enum store_table table, const struct document *doc,
	struct json_scan *s)
{
	struct json_scan row = *s;
	struct cell cells[STORE_COLUMNS_MAX];
	bool is_scanned = store_scan_row(rows->scans[table], s, cells);
	json_t *tree;
	int ret;

	if (!is_scanned && !json_scan_skip(s))
		return -1;
	row.end = s->at;
	if (is_scanned && (doc->mended == NULL || !may_have_replacement(&row)))
		return store_row_add_scanned(rows, table, cells);
	tree = json_loadb(row.at, (size_t)(row.end - row.at), STORE_JSON | JSON_DECODE_ANY, NULL);
	if (tree == NULL)
		return -1;
	ret = add_tree(rows, table, doc, tree);
	json_decref(tree);
	return ret;
}

/* Read a part of the rows of a table that was scanned. Returns 0, or -1 when out of memory. */
static int add_scanned(struct store_rows *rows, enum store_table table, const struct document *doc,
	unsigned part, unsigned parts)
{
	struct json_scan s = doc->tables[table];
	const char *end = NULL;

	s.at++; /* behind [ */
	if (parts > 1) {
		s.at = doc->cuts[part].at;
		end = doc->cuts[part + 1].at;
		rows->number = doc->cuts[part].before;
	}
	for (json_scan_space(&s); s.at != end && !json_scan_byte(&s, ']'); json_scan_space(&s)) {
		rows->number++;
		if (add_row(rows, table, doc, &s) < 0)
			return -1;
		json_scan_space(&s);
		(void)json_scan_byte(&s, ',');
	}
	return 0;
}

/* A table of a document. */
struct table_of {
	const struct document *doc;
	enum store_table table;
	const json_t *array; /* its rows, if it was not scanned */
};

static int read_part(void *context, struct store_rows *rows, unsigned part, unsigned parts)
{
	const struct table_of *of = context;

	return of->doc->tables[of->table].at != NULL ?
		add_scanned(rows, of->table, of->doc, part, parts) :
		add_trees(rows, of->table, of->doc, of->array);
}

static int add_rows(struct store_rows *rows, enum store_table table, const struct document *doc,
	struct errmsg *err)
{
	const char *name = store_table_name(table);
	const json_t *array = json_object_get(doc->root, name);
	struct table_of of = { doc, table, array };
	const unsigned parts = table == STORE_USERS && doc->cuts_count > 0 ? doc->cuts_count : 1;

	if (array == NULL)
		return 0;
	if (!json_is_array(array))
		return errmsg_set(err, "\"%s\" must be a list of rows: [{...}, ...]", name);
	return store_parts_read(rows, table, parts, read_part, &of) < 0 ?
		errmsg_set(err, "out of memory") :
		0;
}

/* ---- the store ------------------------------------------------------------------- */

/* Check that the text is a store of a known format. */
static int check_format(const json_t *root, struct errmsg *err)
{
	const json_t *format = json_object_get(root, "format");

	if (!json_is_string(format))
		return errmsg_set(err,
			"is not a store of Postern: it lacks \"format\": \"" STORE_FORMAT "\"");
	if (strncmp(json_string_value(format), "postern-store-", 14) != 0)
		return errmsg_set(err,
			"is not a store of Postern: its format is \"%.*s\", not \"" STORE_FORMAT
			"\"",
			TEXT_CUT(json_string_value(format), 80));
	if (strcmp(json_string_value(format), STORE_FORMAT) != 0)
		return errmsg_set(err,
			"its format is \"%.*s\", which another version of Postern writes; this one "
			"reads \"" STORE_FORMAT "\"",
			TEXT_CUT(json_string_value(format), 80));
	if (json_object_get(root, "checksum") != NULL)
		return errmsg_set(err,
			"altered: it has a checksum, but not the form that Postern writes; to keep "
			"the changes, remove revision, written and checksum; else remove the file");
	if (json_object_get(root, "profiles") == NULL && json_object_get(root, "users") == NULL)
		return errmsg_set(err, "has neither \"profiles\" nor \"users\"");
	return 0;
}

/* Report members other than the tables: a mistyped name of a table is a problem. Users that are
 * missing otherwise are a note. */
static void report_members(const struct store_rows *rows, const json_t *root)
{
	static const char *const members[] = { "format", "profiles", "users", "revision",
		"written" };
	bool has_users = json_object_get(root, "users") != NULL;
	const char *key, *near;
	json_t *value;
	unsigned best;
	size_t i;

	json_object_foreach ((json_t *)root, key, value) {
		near = NULL;
		best = NEAR_NAME_MAX;
		for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
			if (near_name_better(key, members[i], &best))
				near = members[i];
		}
		if (near != NULL && json_object_get(root, near) == NULL) {
			problems_add(rows->problems,
				"%s: \"%.*s\" is unknown and ignored; did you mean \"%s\"?",
				rows->path, TEXT_CUT(key, 100), near);
			has_users |= strcmp(near, "users") == 0;
		} else if (near == NULL || strcmp(near, key) != 0) {
			problems_note(rows->problems, "%s: \"%.*s\" is unknown and ignored",
				rows->path, TEXT_CUT(key, 100));
		}
	}
	if (!has_users)
		problems_note(rows->problems,
			"%s: \"users\" is missing, so that the store has no users; "
			"write \"users\": [] if that is intended",
			rows->path);
}

static int read_document(struct store_rows *rows, struct document *doc, struct errmsg *err)
{
	if (!scan_document(rows, doc) && parse_document(doc, err) < 0)
		return -1;
	if (check_format(doc->root, err) < 0)
		return -1;
	report_members(rows, doc->root);
	return add_rows(rows, STORE_PROFILES, doc, err) < 0 ||
			add_rows(rows, STORE_USERS, doc, err) < 0 ?
		-1 :
		0;
}

int store_hand_read(struct store_rows *rows, const char *text, size_t len, struct errmsg *err)
{
	const size_t mark = utf8_mark_len(text, len);
	struct document doc = { .text = text + mark, .len = len - mark };
	int ret;

	if (doc.len == 0)
		return errmsg_set(err,
			"is empty (torn, or never written); restore it from a backup, or remove it");
	if (utf8_valid_len(doc.text, doc.len) < doc.len) {
		if ((doc.mended = mend_utf8(doc.text, doc.len, &doc.len)) == NULL)
			return errmsg_set(err, "out of memory");
		doc.text = doc.mended;
	}
	ret = read_document(rows, &doc, err);
	json_decref(doc.root);
	free(doc.mended);
	return ret;
}
