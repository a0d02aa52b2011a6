/*
 * Reads a JSON store that people or other programs wrote. Holds no state; any thread.
 * t/unit/test_store_read.c covers it.
 */
#include "lib/store/store_hand.h"

#include <string.h>

#include "lib/base/near_name.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
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

int store_hand_read(struct store_rows *rows, const char *text, size_t len, struct errmsg *err)
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
