#ifndef POSTERN_ROWS_H
#define POSTERN_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

/*
 * Rows of the two tables as they come from PostgreSQL or JSON, before they are
 * looked at: the one shape that the builders take. Borrowed text.
 */
enum cell_kind {
	CELL_NULL, /* NULL, or the column isn't there */
	CELL_TEXT, /* len bytes of text; numbers and booleans as PostgreSQL writes them ("17", "t",
		      "f"; "true" too) */
	CELL_LIST, /* items of a list column, each followed by a NUL; len counts all of it */
};

struct cell {
	enum cell_kind kind;
	const char *text;
	size_t len;
};

enum user_column {
	USER_ID,
	USER_NAME, /* username */
	USER_PASSWORD,
	USER_FROMS,	 /* list */
	USER_PROFILE_ID, /* profileId; found as profileid too */
	USER_ENABLED,	 /* optional */
	USER_COLUMNS
};

enum profile_column {
	PROFILE_ID,
	PROFILE_NAME,
	PROFILE_DESC, /* optional */
	PROFILE_OPEN,
	PROFILE_LIMITS,	 /* optional */
	PROFILE_MAXSIZE, /* optional */
	PROFILE_HOST,	 /* list */
	PROFILE_RCPT,	 /* list */
	PROFILE_RCPT_RE, /* list */
	PROFILE_COLUMNS
};

struct column {
	const char *name;
	int required; /* a result without it is an error that names it */
	int is_list;
};

extern const struct column user_columns[USER_COLUMNS];
extern const struct column profile_columns[PROFILE_COLUMNS];

/*
 * Where a result's columns go: map_r[i] is the table's column for names[i], or
 * -1 for one that nobody needs. -1 with err set when a needed column is not
 * there, or one is there twice.
 */
int rows_map(const struct column *table, size_t table_len, const char *const *names, size_t count,
	int *map_r, struct errmsg *err);

/*
 * The items of a list column, trimmed; empty ones are skipped. Text is split at its commas; those
 * inside brackets, braces and parentheses, or behind a backslash, belong to a regex.
 */
struct cell_items {
	const char *at, *end;
	char separator;	 /* ',' or NUL */
	int regex;	 /* commas inside (), [] and {} don't separate */
	uint32_t number; /* of the item that came last, from 1 */
};

void cell_items_init(struct cell_items *items, const struct cell *cell, int regex);
int cell_items_next(struct cell_items *items, const char **item_r,
	size_t *len_r); /* 0 at the end */

/*
 * A boolean as PostgreSQL, JSON or a person writes it; NULL gives *value_r = when_null. 0, or -1
 * when it is none.
 */
int cell_bool(const struct cell *cell, bool when_null, bool *value_r);

/* Whether two cells hold the same. */
bool cell_equal(const struct cell *a, const struct cell *b);

#endif
