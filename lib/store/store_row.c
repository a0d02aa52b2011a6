/*
 * Passes the rows of a JSON store to the builders of users and profiles, and reports bad ones.
 * Holds no state; any thread. t/unit/test_store_read.c covers it.
 */
#include "lib/store/store_row.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/ascii.h"
#include "lib/base/text.h"

_Static_assert((int)PROFILE_COLUMNS <= STORE_COLUMNS_MAX && (int)USER_COLUMNS <= STORE_COLUMNS_MAX,
	"room");

/* The columns of a table. */
struct table {
	const struct column *columns;
	int count;
};

static struct table columns_of(enum store_table table)
{
	if (table == STORE_PROFILES)
		return (struct table){ profile_columns, PROFILE_COLUMNS };
	return (struct table){ user_columns, USER_COLUMNS };
}

/* One row while a tree of it is read. */
struct reading {
	struct store_rows *rows;
	enum store_table table;
	const struct column *columns;
	int count;
	struct cell cells[STORE_COLUMNS_MAX];
	size_t starts[STORE_COLUMNS_MAX]; /* of the texts in the scratch buffer */
	bool in_scratch[STORE_COLUMNS_MAX];
	char why[160]; /* why the row is unusable; "": it is usable */
};

const char *store_table_name(enum store_table table)
{
	return table == STORE_PROFILES ? "profiles" : "users";
}

/* The column of a key, or -1. Keys mostly have the order of the table, so that next is tried first.
 */
static int find_column(const struct reading *r, const char *key, int next)
{
	int i;

	if (next < r->count && strcmp(r->columns[next].name, key) == 0)
		return next;
	for (i = 0; i < r->count; i++) {
		if (strcasecmp(r->columns[i].name, key) == 0)
			return i;
	}
	return -1;
}

static void fail(struct reading *r, int column, const char *why)
{
	if (r->why[0] != '\0')
		return; /* report only the first reason */
	(void)text_format(r->why, sizeof(r->why), "%s: %s", r->columns[column].name, why);
}

/* Read an array into a cell: each item is followed by a NUL. */
static void read_list(struct reading *r, int column, const json_t *array)
{
	struct strbuf *buf = &r->rows->scratch;
	const json_t *item;
	size_t i;

	r->starts[column] = buf->len;
	json_array_foreach (array, i, item) {
		if (!json_is_string(item)) {
			fail(r, column, "an item of the list is not text");
			return;
		}
		if (strlen(json_string_value(item)) != json_string_length(item)) {
			fail(r, column, "contains a NUL byte");
			return;
		}
		strbuf_add(buf, json_string_value(item), json_string_length(item) + 1);
	}
	r->cells[column].kind = CELL_LIST;
	r->cells[column].len = buf->len - r->starts[column];
	r->in_scratch[column] = true;
}

static void set_text(struct cell *cell, const char *text, size_t len)
{
	*cell = (struct cell){ .kind = CELL_TEXT, .text = text, .len = len };
}

static void read_value(struct reading *r, int column, const json_t *value)
{
	struct strbuf *buf = &r->rows->scratch;
	struct cell *cell = &r->cells[column];

	switch (json_typeof(value)) {
	case JSON_NULL:
		break;
	case JSON_TRUE:
		set_text(cell, "t", 1);
		break;
	case JSON_FALSE:
		set_text(cell, "f", 1);
		break;
	case JSON_STRING:
		set_text(cell, json_string_value(value), json_string_length(value));
		if (memchr(cell->text, '\0', cell->len) != NULL)
			fail(r, column, "contains a NUL byte");
		break;
	case JSON_INTEGER:
		r->starts[column] = buf->len;
		strbuf_addf(buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		set_text(cell, NULL, buf->len - r->starts[column]);
		r->in_scratch[column] = true;
		break;
	case JSON_ARRAY:
		read_list(r, column, value);
		break;
	case JSON_REAL:
		fail(r, column, "has a fraction or an exponent");
		break;
	case JSON_OBJECT:
		fail(r, column,
			"is an object; it must be text, a number, true, false, null or a list");
		break;
	}
}

/* Note an unknown column of a row with these columns. Returns 0, or -1 when out of memory. */
static int note_unread(struct store_rows *rows, unsigned columns, const char *key)
{
	return strmap_add(rows->unread, key, strlen(key), columns) < 0 ? -1 : 0;
}

int store_row_report_unread(const struct store_rows *rows, enum store_table table, unsigned columns,
	const char *key, size_t len)
{
	const struct table t = columns_of(table);
	struct strbuf where = STRBUF_INIT, name = STRBUF_INIT;
	int ret = -1;

	strbuf_addf(&where, "%s: %s", rows->path, store_table_name(table));
	strbuf_add(&name, key, len);
	strbuf_add_char(&name, '\0');
	if (!where.failed && !name.failed) {
		rows_report_unknown(t.columns, (size_t)t.count, columns, where.text, name.text,
			rows->problems);
		ret = 0;
	}
	strbuf_free(&where);
	strbuf_free(&name);
	return ret;
}

static int report_all_unread(struct reading *r, const json_t *row, unsigned columns)
{
	const char *key;
	void *at;

	for (at = json_object_iter((json_t *)row); at != NULL;
		at = json_object_iter_next((json_t *)row, at)) {
		key = json_object_iter_key(at);
		if (find_column(r, key, 0) < 0 && note_unread(r->rows, columns, key) < 0)
			return -1;
	}
	return 0;
}

static int read_columns(struct reading *r, const json_t *row)
{
	const char *key;
	unsigned seen = 0;
	bool all_known = true;
	int column, next = 0;
	void *at;

	/* json_object_foreach() would look each key up again. */
	for (at = json_object_iter((json_t *)row); at != NULL;
		at = json_object_iter_next((json_t *)row, at)) {
		key = json_object_iter_key(at);
		if ((column = find_column(r, key, next)) < 0) {
			all_known = false;
			continue;
		}
		if (seen & 1U << column) {
			fail(r, column, "is repeated");
			continue; /* the cell keeps the first value */
		}
		seen |= 1U << column;
		next = column + 1;
		read_value(r, column, json_object_iter_value(at));
	}
	return all_known ? 0 : report_all_unread(r, row, seen);
}

/* Report the row by its id and second column, as the builders do, and what becomes of it. */
static void report_row(struct reading *r, const char *fate)
{
	_Static_assert((int)PROFILE_ID == 0 && (int)USER_ID == 0, "cells[0]");
	_Static_assert((int)PROFILE_NAME == 1 && (int)USER_NAME == 1, "cells[1]");
	const struct cell *id = &r->cells[0], *name = &r->cells[1];

	problems_add(r->rows->problems, "%s id %.*s (%.*s): %s; %s", store_table_name(r->table),
		id->kind == CELL_TEXT ? (int)text_fit(id->text, id->len, 40) : 4,
		id->kind == CELL_TEXT ? id->text : "NULL",
		name->kind == CELL_TEXT ? (int)text_fit(name->text, name->len, 80) : 4,
		name->kind == CELL_TEXT ? name->text : "NULL", r->why, fate);
}

/* Pass only the id of an unusable profile to the builder: its users may send to nobody. */
static int mark_bad_profile(struct reading *r)
{
	return profiles_builder_add_bad(r->rows->profiles, &r->cells[PROFILE_ID],
		&r->cells[PROFILE_NAME]);
}

/* Pass only the name of an unusable user to the builder, so that it is not an unknown user. Returns
 * 1, 0 if the row has no usable name, or -1 when out of memory. */
static int mark_bad_user(struct reading *r)
{
	struct cell row[USER_COLUMNS] = { [USER_ENABLED] = { .kind = CELL_LIST, .text = "" } };

	row[USER_ID] = r->cells[USER_ID];
	row[USER_NAME] = r->cells[USER_NAME];
	return users_builder_add(r->rows->users, row, NULL);
}

static struct reading begin(struct store_rows *rows, enum store_table table)
{
	const struct table t = columns_of(table);
	struct reading r = { .rows = rows, .table = table, .columns = t.columns, .count = t.count };

	strbuf_reset(&rows->scratch);
	return r;
}

/* Fill the cells. Returns 0, or -1 when out of memory. */
static int read_row(struct reading *r, const json_t *row)
{
	const struct strbuf *scratch = &r->rows->scratch;
	int i;

	if (read_columns(r, row) < 0 || scratch->failed)
		return -1;
	for (i = 0; i < r->count; i++) {
		if (r->in_scratch[i])
			r->cells[i].text = scratch->len > 0 ? scratch->text + r->starts[i] : "";
	}
	return 0;
}

static int leave_out(struct reading *r)
{
	int marked;

	if (r->table == STORE_PROFILES) {
		report_row(r, "left out");
		return mark_bad_profile(r) < 0 ? -1 : 0;
	}
	if ((marked = mark_bad_user(r)) < 0)
		return -1;
	report_row(r, marked > 0 ? "the user is switched off" : "left out");
	return 0;
}

const char *store_row_key(enum store_table table, const struct cell *cells,
	char folded[STORE_KEY_MAX], size_t *len_r)
{
	const struct cell *key = &cells[table == STORE_USERS ? (int)USER_NAME : (int)PROFILE_ID];

	if (key->kind != CELL_TEXT || key->len == 0 ||
		(table == STORE_USERS && key->len > STORE_KEY_MAX))
		return NULL;
	*len_r = key->len;
	if (table != STORE_USERS)
		return key->text;
	ascii_lower_bytes(key->text, key->len, folded);
	return folded;
}

/* Return whether a journal replaces or removes the row. */
static bool is_replaced(const struct store_rows *rows, enum store_table table,
	const struct cell *cells)
{
	char folded[STORE_KEY_MAX];
	const char *key;
	size_t len;

	return rows->replaced[table] != NULL &&
		(key = store_row_key(table, cells, folded, &len)) != NULL &&
		strmap_find(rows->replaced[table], key, len, NULL);
}

/* Pass a row to its builder. Returns 0, or -1 when out of memory. */
static int add_to_builder(struct store_rows *rows, enum store_table table, const struct cell *cells)
{
	int added;

	if (is_replaced(rows, table, cells))
		return 0;
	added = table == STORE_PROFILES ? profiles_builder_add(rows->profiles, cells) :
					  users_builder_add(rows->users, cells, rows->problems);
	return added < 0 ? -1 : 0;
}

/* Leave out a row that is not an object. */
static int leave_out_value(const struct store_rows *rows, enum store_table table, const json_t *row)
{
	char *shown = json_dumps(row, JSON_ENCODE_ANY | JSON_COMPACT);

	if (shown == NULL)
		return -1;
	problems_add(rows->problems, "%s: %s row %zu is not an object, {...}, but %.*s; left out",
		rows->path, store_table_name(table), rows->number, TEXT_CUT(shown, 80));
	free(shown);
	return 0;
}

int store_row_add(struct store_rows *rows, enum store_table table, const json_t *row)
{
	struct reading r = begin(rows, table);

	if (!json_is_object(row))
		return leave_out_value(rows, table, row);
	if (read_row(&r, row) < 0)
		return -1;
	if (r.why[0] != '\0')
		return leave_out(&r);
	return add_to_builder(rows, table, r.cells);
}

int store_row_add_scanned(struct store_rows *rows, enum store_table table, const struct cell *cells)
{
	struct store_scan *scan = rows->scans[table];
	const char *key;

	while ((key = store_scan_new_key(scan)) != NULL)
		if (note_unread(rows, store_scan_columns(scan), key) < 0)
			return -1;
	return add_to_builder(rows, table, cells);
}

int store_row_refuse(struct store_rows *rows, enum store_table table, const json_t *row,
	const char *why)
{
	struct reading r = begin(rows, table);

	if (read_row(&r, row) < 0)
		return -1;
	(void)text_format(r.why, sizeof(r.why), "%s", why);
	return leave_out(&r);
}
