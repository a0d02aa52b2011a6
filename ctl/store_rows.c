/*
 * Changes users and profiles in the text of a JSON store. Owns nothing.
 * t/integration/test_store_commands.py covers it.
 */
#include "ctl/store_rows.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/conf/option_value.h"

const json_t *store_rows_value(const json_t *row, const char *column)
{
	void *at;

	for (at = json_object_iter((json_t *)row); at != NULL;
		at = json_object_iter_next((json_t *)row, at))
		if (strcasecmp(json_object_iter_key(at), column) == 0)
			return json_object_iter_value(at);
	return NULL;
}

/* Count the rows with a name (ASCII, caseless); *index_r is the last one. */
static size_t count_named(const struct store_file *file, const struct rows_table *table,
	const char *name, size_t *index_r)
{
	const json_t *row;
	size_t i, found = 0;

	json_array_foreach (json_object_get(file->tree, table->name), i, row) {
		const char *other = json_string_value(store_rows_value(row, table->key));

		if (other == NULL || strcasecmp(other, name) != 0)
			continue;
		*index_r = i;
		found++;
	}
	return found;
}

long store_rows_find(const struct store_file *file, const struct rows_table *table,
	const char *name, struct errmsg *err)
{
	size_t index = 0;

	switch (count_named(file, table, name, &index)) {
	case 1:
		return (long)index;
	case 0:
		return errmsg_set(err, "there is no %s \"%s\"", table->command, name);
	default:
		return errmsg_set(err, "several rows are named \"%s\"; edit %s by hand", name,
			file->path);
	}
}

/* ---- values ---------------------------------------------------------------------- */

/* Return JSON as text, which the caller frees; takes over the value. NULL when out of memory. */
static char *dump(json_t *value)
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	json_decref(value);
	return text;
}

/* Return a list column's text as an array, if that is the form of the old value. */
static json_t *list_of(const char *text)
{
	const struct cell cell = { CELL_TEXT, text, strlen(text) };
	json_t *array = json_array();
	struct cell_items items;
	const char *item;
	size_t len;

	cell_items_init(&items, &cell, 1);
	while (cell_items_next(&items, &item, &len))
		if (json_array_append_new(array, json_stringn(item, len)) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

/* Return the JSON of a value, which the caller frees; old is the present one, or NULL. */
static char *json_of(const struct rows_value *value, const json_t *old)
{
	switch (rows_kind_of(value->column)) {
	case ROWS_BOOL:
		return strdup(option_bool(value->text) == 1 ? "true" : "false");
	case ROWS_NUMBER:
		return strdup(*value->text == '\0' ? "null" : value->text);
	case ROWS_TEXT:
		break;
	}
	return dump(json_is_array(old) ? list_of(value->text) : json_string(value->text));
}

/* Return the JSON of the id of the profile with that name. */
static char *profile_id(const struct store_file *file, const char *name, struct errmsg *err)
{
	const long index = store_rows_find(file, &rows_profiles, name, err);
	const json_t *id;
	char *text;

	if (index < 0)
		return NULL;
	id = store_rows_value(json_array_get(json_object_get(file->tree, "profiles"),
				      (size_t)index),
		"id");
	if (!json_is_integer(id) && !json_is_string(id)) {
		(void)errmsg_set(err, "the profile \"%s\" has no usable id", name);
		return NULL;
	}
	if ((text = json_dumps(id, JSON_ENCODE_ANY)) == NULL)
		(void)errmsg_set(err, "out of memory");
	return text;
}

/* Make the key and the JSON of a value. Returns 0 with *json_r, which the caller frees, or -1. */
static int make_pair(const struct store_file *file, const struct rows_value *value,
	const json_t *old_row, const char **key_r, char **json_r, struct errmsg *err)
{
	if (strcmp(value->column, "profile") == 0) {
		*key_r = "profileId";
		*json_r = profile_id(file, value->text, err);
		return *json_r == NULL ? -1 : 0;
	}
	*key_r = value->column;
	*json_r = json_of(value, old_row == NULL ? NULL : store_rows_value(old_row, value->column));
	return *json_r == NULL ? errmsg_set(err, "out of memory") : 0;
}

/* Return the highest number in a column of a table; 0 if there is none. */
static json_int_t highest_in(const struct store_file *file, const char *table, const char *column)
{
	const json_t *row;
	json_int_t id, highest = 0;
	size_t i;

	json_array_foreach (json_object_get(file->tree, table), i, row) {
		const json_t *value = store_rows_value(row, column);

		id = json_is_string(value) ? strtoll(json_string_value(value), NULL, 10) :
					     json_integer_value(value);
		if (id > highest)
			highest = id;
	}
	return highest;
}

/* Set the next id: one more than the highest. A user whose profile was deleted must not get the new
 * one. Returns 0, or -1 with err set. */
static int next_id(const struct store_file *file, const struct rows_table *table, json_int_t *id_r,
	struct errmsg *err)
{
	json_int_t highest = highest_in(file, table->name, "id"), used = 0;

	if (table == &rows_profiles)
		used = highest_in(file, rows_users.name, "profileId");
	if (used > highest)
		highest = used;
	if (highest == INT64_MAX)
		return errmsg_set(err,
			"the id %" JSON_INTEGER_FORMAT " leaves no number for a new row; edit %s "
			"by hand",
			highest, file->path);
	*id_r = highest + 1;
	return 0;
}

/* ---- changes --------------------------------------------------------------------- */

/* Find the rows of a table. Returns 0, or -1 with err set if its key is written with escapes. */
static int find_array(const char *text, size_t len, const struct rows_table *table,
	struct json_span *array_r, struct errmsg *err)
{
	return json_edit_member(text, json_edit_root(text, len), table->name, JSON_KEYS_EXACT,
		       array_r) ?
		0 :
		errmsg_set(err, "the store does not contain the key \"%s\" as plain text",
			table->name);
}

/* Set one key of a row in text. */
static int set_key(struct strbuf *text, const struct rows_table *table, size_t index,
	const char *key, const char *json, struct errmsg *err)
{
	struct strbuf changed = STRBUF_INIT;
	struct json_span array, row;

	if (find_array(text->text, text->len, table, &array, err) != 0)
		return -1;
	if (!json_edit_element(text->text, array, index, &row))
		return errmsg_set(err, "the row is not found");
	json_edit_set(text->text, text->len, row, key, json, &changed);
	strbuf_free(text);
	*text = changed;
	return changed.failed ? errmsg_set(err, "out of memory") : 0;
}

/* Set the hash of a password. */
static int set_hash(struct strbuf *text, const struct rows_table *table, size_t index,
	const char *hash, struct errmsg *err)
{
	char *json = dump(json_string(hash));
	int ret = json == NULL ? errmsg_set(err, "out of memory") :
				 set_key(text, table, index, "password", json, err);

	free(json);
	return ret;
}

/* A new name must be free. */
static int check_free_name(const struct store_file *file, const struct rows_table *table,
	const char *name, const char *old, struct errmsg *err)
{
	size_t unused;

	if (old != NULL && strcasecmp(name, old) == 0)
		return 0;
	return count_named(file, table, name, &unused) == 0 ?
		0 :
		errmsg_set(err, "there is already a %s \"%s\"", table->command, name);
}

/* The daemon leaves out a row with a column twice, in whatever letters. */
static int check_columns(const struct store_file *file, const struct rows_table *table,
	const json_t *row, struct errmsg *err)
{
	const char *column;
	unsigned found;
	void *at;

	for (size_t i = 0; i < table->count; i++) {
		column = table->columns[i].name;
		found = 0;
		for (at = json_object_iter((json_t *)row); at != NULL;
			at = json_object_iter_next((json_t *)row, at))
			found += strcasecmp(json_object_iter_key(at), column) == 0;
		if (found > 1)
			return errmsg_set(err,
				"the row has the column \"%s\" twice; edit %s by hand", column,
				file->path);
	}
	return 0;
}

int store_rows_set(const struct store_file *file, const struct rows_table *table, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *text_r,
	struct errmsg *err)
{
	const long index = store_rows_find(file, table, name, err);
	const json_t *row;
	const char *key;
	char *json;
	int ret = 0;

	if (index < 0)
		return -1;
	row = json_array_get(json_object_get(file->tree, table->name), (size_t)index);
	if (check_columns(file, table, row, err) != 0)
		return -1;
	strbuf_add(text_r, file->text, file->len);
	for (size_t i = 0; i < count && ret == 0; i++) {
		if (strcmp(values[i].column, table->key) == 0 &&
			check_free_name(file, table, values[i].text, name, err) != 0)
			return -1;
		json = NULL;
		ret = make_pair(file, &values[i], row, &key, &json, err);
		if (ret == 0)
			ret = set_key(text_r, table, (size_t)index, key, json, err);
		free(json);
	}
	if (ret == 0 && hash != NULL)
		ret = set_hash(text_r, table, (size_t)index, hash, err);
	return ret;
}

int store_rows_add(const struct store_file *file, const struct rows_table *table, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *text_r,
	struct errmsg *err)
{
	struct json_pair pairs[ROWS_VALUES_MAX + 3];
	char *texts[ROWS_VALUES_MAX + 3] = { NULL };
	struct json_span array;
	size_t n = 0;
	int ret = check_free_name(file, table, name, NULL, err);
	json_int_t id = 0;

	if (ret != 0 || next_id(file, table, &id, err) != 0)
		return -1;
	texts[n] = dump(json_integer(id));
	pairs[n++].key = "id";
	texts[n] = dump(json_string(name));
	pairs[n++].key = table->key;
	if (hash != NULL) {
		texts[n] = dump(json_string(hash));
		pairs[n++].key = "password";
	}
	for (size_t i = 0; i < count && ret == 0; i++, n++)
		ret = make_pair(file, &values[i], NULL, &pairs[n].key, &texts[n], err);
	for (size_t i = 0; i < n && ret == 0; i++) {
		pairs[i].value = texts[i];
		if (texts[i] == NULL)
			ret = errmsg_set(err, "out of memory");
	}
	if (ret == 0)
		ret = find_array(file->text, file->len, table, &array, err);
	if (ret == 0)
		json_edit_append(file->text, file->len, array, pairs, n, text_r);
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	return ret;
}

int store_rows_del(const struct store_file *file, const struct rows_table *table, const char *name,
	struct strbuf *text_r, struct errmsg *err)
{
	const long index = store_rows_find(file, table, name, err);
	struct json_span array;

	if (index < 0)
		return -1;
	if (find_array(file->text, file->len, table, &array, err) != 0)
		return -1;
	json_edit_remove(file->text, file->len, array, (size_t)index, text_r);
	return 0;
}
