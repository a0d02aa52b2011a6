/*
 * Reads a JSON store: the form that store_write() makes, line by line, or any JSON that people
 * wrote, as a tree. Holds no state; any thread. t/unit/test_store_read.c also covers store_row.c.
 */
#include "lib/store/store_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/auth/password.h"
#include "lib/base/near_name.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/store/store_checksum.h"
#include "lib/store/store_format.h"
#include "lib/store/store_row.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ADVICE "; restore it from a backup, or remove it"

/* The content of the first line of a written store. */
struct store_head {
	char *revision; /* the caller's to free() */
	int64_t written;
};

/* ---- the form of store_write() -------------------------------------------------- */

static bool is_machine_text(const char *text, size_t len)
{
	return len >= strlen(STORE_HEAD) && memcmp(text, STORE_HEAD, strlen(STORE_HEAD)) == 0;
}

/* The lines of a text that are still to be read. */
struct lines {
	char *at, *end;
};

/* Get the next line, with a NUL in place of its LF. Returns false at the end. */
static bool next_line(struct lines *lines, char **line_r, size_t *len_r)
{
	char *stop;

	if (lines->at == lines->end)
		return false;
	if ((stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at))) == NULL)
		return false; /* a line without LF is torn */
	*stop = '\0';
	*line_r = lines->at;
	*len_r = (size_t)(stop - lines->at);
	lines->at = stop + 1;
	return true;
}

/* The beginning of the last line, which ends with LF; NULL if there is none. */
static char *last_line(char *text, size_t len)
{
	char *before;

	if (len < 2 || text[len - 1] != '\n')
		return NULL;
	before = memrchr(text, '\n', len - 1);
	return before == NULL ? NULL : before + 1;
}

/* Compare the checksum in the last line with that of the text before it. */
static int verify_checksum(char *text, const char *last, size_t last_len, struct errmsg *err)
{
	const size_t label = strlen(STORE_CHECKSUM), digits = STORE_CHECKSUM_SIZE - 1;
	struct store_checksum *checksum;
	char hex[STORE_CHECKSUM_SIZE];
	int ret;

	if (last == NULL || last_len != label + digits + strlen("\"}\n") ||
		memcmp(last, STORE_CHECKSUM, label) != 0 ||
		memcmp(last + label + digits, "\"}\n", 3) != 0)
		return errmsg_set(err, "torn: its last line, the checksum, is missing" ADVICE);
	if ((checksum = store_checksum_new()) == NULL)
		return errmsg_set(err, "out of memory");
	ret = store_checksum_add(checksum, text, (size_t)(last - text)) < 0 ||
			store_checksum_end(checksum, hex) < 0 ?
		-1 :
		0;
	store_checksum_free(&checksum);
	if (ret < 0)
		return errmsg_set(err, "its checksum cannot be computed");
	if (memcmp(hex, last + label, digits) != 0)
		return errmsg_set(err,
			"altered: its content does not match the checksum in its last line" ADVICE
			"; to keep changes made by hand, remove revision, written and checksum");
	return 0;
}

/* Read the first line: an object that continues in the next lines. */
static int read_head(char *line, size_t len, struct store_head *head_r, struct errmsg *err)
{
	const char *revision = NULL, *written = NULL;
	struct tm tm = { 0 };
	json_t *head = NULL;

	if (len > 0 && line[len - 1] == ',') {
		line[len - 1] = '}';
		head = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	}
	if (head == NULL ||
		json_unpack(head, "{s:s, s?s}", "revision", &revision, "written", &written) < 0 ||
		(head_r->revision = strdup(revision)) == NULL) {
		json_decref(head);
		return errmsg_set(err, "its first line is unreadable" ADVICE);
	}
	head_r->written = written != NULL && strptime(written, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL ?
		(int64_t)timegm(&tm) :
		0;
	json_decref(head);
	return 0;
}

/* Read the rows of a table up to the line that ends it. */
static int read_rows(struct store_rows *rows, enum store_table table, struct lines *lines,
	struct errmsg *err)
{
	char *line;
	size_t len;

	rows->number = 0;
	while (next_line(lines, &line, &len)) {
		if (strcmp(line, "],") == 0)
			return 0;
		if (len > 0 && line[len - 1] == ',')
			len--;
		rows->number++;
		if (store_row_add_line(rows, table, line, len) < 0)
			return errmsg_set(err, "out of memory");
	}
	return errmsg_set(err, "the end of its %s is missing" ADVICE, store_table_name(table));
}

static int expect_line(struct lines *lines, const char *want, struct errmsg *err)
{
	char *line;
	size_t len;

	if (next_line(lines, &line, &len) && strcmp(line, want) == 0)
		return 0;
	return errmsg_set(err, "the line %s is missing" ADVICE, want);
}

static int read_machine_text(struct store_rows *rows, char *text, size_t len,
	struct store_head *head_r, struct errmsg *err)
{
	char *last = last_line(text, len), *line;
	struct lines lines = { .at = text, .end = last };
	struct store_head head = { 0 };

	if (verify_checksum(text, last, last != NULL ? len - (size_t)(last - text) : 0, err) < 0)
		return -1;
	if (!next_line(&lines, &line, &len))
		return errmsg_set(err, "its first line is unreadable" ADVICE);
	if (read_head(line, len, &head, err) < 0 ||
		expect_line(&lines, "\"profiles\":[", err) < 0 ||
		read_rows(rows, STORE_PROFILES, &lines, err) < 0 ||
		expect_line(&lines, "\"users\":[", err) < 0 ||
		read_rows(rows, STORE_USERS, &lines, err) < 0) {
		free(head.revision);
		return -1;
	}
	*head_r = head;
	return 0;
}

/* ---- the form that people write -------------------------------------------------- */

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

static json_t *parse_json(const char *text, size_t len, bool *mended_r, struct errmsg *err)
{
	json_error_t where;
	json_t *root;
	char *copy = NULL;

	*mended_r = utf8_valid_len(text, len) < len;
	if (*mended_r) {
		if ((copy = mend_utf8(text, len, &len)) == NULL) {
			(void)errmsg_set(err, "out of memory");
			return NULL;
		}
		text = copy;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	if (root == NULL)
		(void)errmsg_set(err, "line %d, column %d: %s", where.line, where.column,
			where.text);
	free(copy);
	return root;
}

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

static int add_rows(struct store_rows *rows, enum store_table table, const json_t *root,
	bool mended, struct errmsg *err)
{
	const char *name = store_table_name(table);
	const json_t *array = json_object_get(root, name), *row;
	size_t i;

	if (array == NULL || json_is_null(array))
		return 0;
	if (!json_is_array(array))
		return errmsg_set(err, "\"%s\" must be a list of rows: [{...}, ...]", name);
	json_array_foreach (array, i, row) {
		rows->number = i + 1;
		if (mended && has_replacement(row)) {
			if (store_row_refuse(rows, table, row, "a byte that is not UTF-8") < 0)
				return errmsg_set(err, "out of memory");
			continue;
		}
		if (store_row_add(rows, table, row) < 0)
			return errmsg_set(err, "out of memory");
	}
	return 0;
}

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

/* Report members other than the tables: a mistyped name of a table is a problem. */
static void report_members(const struct store_rows *rows, const json_t *root)
{
	static const char *const members[] = { "format", "profiles", "users", "revision",
		"written" };
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
		if (near != NULL && json_object_get(root, near) == NULL)
			problems_add(rows->problems,
				"%s: \"%.*s\" is unknown and ignored; did you mean \"%s\"?",
				rows->path, TEXT_CUT(key, 100), near);
		else if (near == NULL || strcmp(near, key) != 0)
			problems_note(rows->problems, "%s: \"%.*s\" is unknown and ignored",
				rows->path, TEXT_CUT(key, 100));
	}
}

static int read_hand_text(struct store_rows *rows, const char *text, size_t len, struct errmsg *err)
{
	json_t *root;
	bool mended;
	int ret = -1;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark, as in lists */
		text += 3;
		len -= 3;
	}
	if (len == 0)
		return errmsg_set(err,
			"is empty (torn, or never written); restore it from a backup, or remove it");
	if ((root = parse_json(text, len, &mended, err)) == NULL)
		return -1;
	if (check_format(root, err) == 0) {
		report_members(rows, root);
		if (add_rows(rows, STORE_PROFILES, root, mended, err) == 0 &&
			add_rows(rows, STORE_USERS, root, mended, err) == 0)
			ret = 0;
	}
	json_decref(root);
	return ret;
}

/* ---- both ------------------------------------------------------------------------ */

static int rows_init(struct store_rows *rows, const char *path, const struct store_source *source)
{
	*rows = (struct store_rows){
		.path = path,
		.profiles = profiles_builder_new(source->rcpt_re_anchored),
		.users = users_builder_new(),
		.problems = source->problems,
		.unread = strmap_new(),
	};
	if (rows->profiles == NULL || rows->users == NULL || rows->unread == NULL)
		return -1;
	users_builder_test_passwords(rows->users, password_usable_or_lock);
	return 0;
}

static void rows_clear(struct store_rows *rows)
{
	profiles_builder_free(&rows->profiles);
	users_builder_free(&rows->users);
	strmap_free(&rows->unread);
	strbuf_free(&rows->scratch);
}

/* Build the tables into *store. Returns 0, or -1 when out of memory. */
static int finish_store(struct store_rows *rows, const struct store_source *source,
	struct store *store)
{
	store->profiles =
		profiles_builder_finish(&rows->profiles, source->previous_profiles, rows->problems);
	if (store->profiles == NULL)
		return -1;
	store->users = users_builder_finish(&rows->users, source->previous, store->profiles,
		rows->problems);
	if (store->revision == NULL)
		store->revision = strdup("");
	return store->users == NULL || store->revision == NULL ? -1 : 0;
}

enum store_result store_parse(const char *path, char *text, size_t len,
	const struct store_source *source, struct store *store_r, struct errmsg *err)
{
	struct store store = { .is_machine = is_machine_text(text, len) };
	struct store_head head = { 0 };
	struct store_rows rows;
	int ret;

	problems_begin(source->problems);
	if (rows_init(&rows, path, source) < 0)
		ret = errmsg_set(err, "out of memory");
	else if (store.is_machine)
		ret = read_machine_text(&rows, text, len, &head, err);
	else
		ret = read_hand_text(&rows, text, len, err);
	store.revision = head.revision;
	store.written = head.written;
	if (ret == 0 && finish_store(&rows, source, &store) < 0)
		ret = errmsg_set(err, "out of memory");
	problems_end(source->problems, path, "row");
	rows_clear(&rows);
	if (ret < 0) {
		store_clear(&store);
		(void)errmsg_prefix(err, "%s: ", path);
		return STORE_REFUSED;
	}
	*store_r = store;
	return STORE_READ;
}

/* Return 1 if the user has a password hash that can be guessed. */
static int has_hash(void *context, const struct user *user)
{
	(void)context;
	return password_usable(user->password, NULL) == 0;
}

enum store_result store_read(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err)
{
	static const char can[] = "add a user and change all rules of users";
	struct file_stamp stamp;
	enum store_result result;
	char *text;
	size_t len;

	switch (file_read(path, STORE_MAX, &text, &len, &stamp, err)) {
	case FILE_MISSING:
		return STORE_MISSING;
	case FILE_FAILED:
		return STORE_REFUSED;
	case FILE_READ:
		break;
	}
	result = store_parse(path, text, len, source, store_r, err);
	free(text);
	if (result == STORE_READ) {
		store_r->stamp = stamp;
		file_note_loose(path, can, source->problems);
		file_note_replaceable(path, can, source->problems);
		if (users_each(store_r->users, has_hash, NULL) != 0)
			file_note_readable(path, "the password hashes in it", source->problems);
	}
	return result;
}

enum store_result store_read_with_prev(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err)
{
	struct errmsg why = { "" }, prev_why = { "" };
	enum store_result result = store_read(path, source, store_r, &why);
	struct file_stamp stamp = { 0 };
	char *prev;

	if (result == STORE_READ)
		return result;
	(void)errmsg_set(err, "%s", why.text);
	if (asprintf(&prev, "%s.prev", path) < 0)
		return result;
	if (file_stamp(prev, &stamp, NULL) == 0 && stamp.exists) {
		problems_add(source->problems, "%s; its predecessor %s is used instead", why.text,
			prev);
		result = store_read(prev, source, store_r, &prev_why);
		if (result == STORE_READ)
			store_r->from_prev = true;
		else
			(void)errmsg_set(err, "%s; and %s", why.text, prev_why.text);
	}
	free(prev);
	return result;
}

bool store_is_missing(const char *path)
{
	struct file_stamp stamp, prev_stamp;
	char *prev;
	bool missing;

	if (*path == '\0')
		return true;
	if (asprintf(&prev, "%s.prev", path) < 0)
		return false;
	missing = file_stamp(path, &stamp, NULL) == 0 && !stamp.exists &&
		file_stamp(prev, &prev_stamp, NULL) == 0 && !prev_stamp.exists;
	free(prev);
	return missing;
}

void store_clear(struct store *store)
{
	profiles_unref(&store->profiles);
	users_unref(&store->users);
	free(store->revision);
	*store = (struct store){ 0 };
}
