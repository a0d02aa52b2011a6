#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/store/store_text.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * jansson refuses a whole text for one byte that is not UTF-8, but one bad row must not
 * take the others with it: such bytes become U+FFFD. A copy, or NULL when out of memory.
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

static json_t *parse(const char *text, size_t len, bool *mended_r, struct errmsg *err)
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

/* Whether any text of the row had bytes that were no UTF-8. */
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

static int take_rows(struct store_rows *rows, enum store_table table, const json_t *root,
	bool mended, struct errmsg *err)
{
	const char *name = store_table_name(table);
	const json_t *array = json_object_get(root, name), *row;
	size_t i;

	if (array == NULL || json_is_null(array))
		return 0;
	if (!json_is_array(array))
		return errmsg_set(err, "\"%s\" is no list of rows: [{...}, ...]", name);
	json_array_foreach (array, i, row) {
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

/* Whether it is a store at all, and one that we know. */
static int check_format(const json_t *root, struct errmsg *err)
{
	const json_t *format = json_object_get(root, "format");

	if (!json_is_string(format))
		return errmsg_set(err,
			"is no store of Postern's: there is no \"format\": \"" STORE_FORMAT
			"\" in it");
	if (strncmp(json_string_value(format), "postern-store-", 14) != 0)
		return errmsg_set(err,
			"is no store of Postern's: its format is \"%.80s\", not \"" STORE_FORMAT
			"\"",
			json_string_value(format));
	if (strcmp(json_string_value(format), STORE_FORMAT) != 0)
		return errmsg_set(err,
			"its format is \"%.80s\", which another version of Postern writes; this one "
			"reads \"" STORE_FORMAT "\"",
			json_string_value(format));
	if (json_object_get(root, "checksum") != NULL)
		return errmsg_set(err,
			"altered: it has a checksum, but no longer the form that goes with it; take "
			"revision, written and checksum out of it to keep the changes, or remove it");
	if (json_object_get(root, "profiles") == NULL && json_object_get(root, "users") == NULL)
		return errmsg_set(err, "has neither \"profiles\" nor \"users\"");
	return 0;
}

int store_text_hand(struct store_rows *rows, const char *text, size_t len, struct errmsg *err)
{
	json_t *root;
	bool mended;
	int ret = -1;

	if (len == 0)
		return errmsg_set(err, "is empty: torn, or never filled; restore it, or remove it");
	if ((root = parse(text, len, &mended, err)) == NULL)
		return -1;
	if (check_format(root, err) == 0 &&
		take_rows(rows, STORE_PROFILES, root, mended, err) == 0 &&
		take_rows(rows, STORE_USERS, root, mended, err) == 0)
		ret = 0;
	json_decref(root);
	return ret;
}
