#ifndef POSTERN_ROWS_H
#define POSTERN_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"

/*
 * Rows of the two tables as PostgreSQL or the JSON store delivers them: the input of the builders
 * of users and profiles. The text is borrowed.
 */
enum cell_kind {
	CELL_NULL, /* NULL, or the column does not exist */
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
	USER_PROFILE_ID, /* profileId; also found as profileid */
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
	int required; /* it is an error if a result lacks it */
	int is_list;
	const char
		*without; /* what holds if a result lacks it, for a note; NULL: nothing to note */
};

extern const struct column user_columns[USER_COLUMNS];
extern const struct column profile_columns[PROFILE_COLUMNS];

/*
 * Map the columns of a result: map_r[i] becomes the table's column for names[i], or -1 for one that
 * is not used. Returns 0, or -1 with err set when a required column is missing or a column occurs
 * twice.
 */
int rows_map(const struct column *table, size_t table_len, const char *const *names, size_t count,
	int *map_r, struct errmsg *err);

/* Note the columns that restrict users and that a result lacks: somebody may have renamed or
 * dropped one. */
void rows_report_missing(const struct column *table, size_t table_len, unsigned present,
	const char *where, struct problems *problems);

/*
 * Report a column that the table does not have. It is a problem if it is probably a mistyped name
 * of a column that is missing, or contains that (enabled_old): one that is not among those of
 * `present` (one bit for each column of the table). Else it is a note. The columns createdAt and
 * updatedAt, which pg-profile's tables have, are not reported. where begins the text; problems may
 * be NULL.
 */
void rows_report_unknown(const struct column *table, size_t table_len, unsigned present,
	const char *where, const char *name, struct problems *problems);

/*
 * Iterates over the items of a list column, trimmed, without empty ones. Text is split at its
 * commas; commas inside brackets, braces and parentheses, or after a backslash, belong to a regex.
 */
struct cell_items {
	const char *at, *end;
	char separator;	 /* ',' or NUL */
	int regex;	 /* commas inside (), [] and {} do not separate */
	uint32_t number; /* of the last item, from 1 */
};

void cell_items_init(struct cell_items *items, const struct cell *cell, int regex);
int cell_items_next(struct cell_items *items, const char **item_r,
	size_t *len_r); /* 0 at the end */

/*
 * Read a boolean as PostgreSQL, JSON or a person writes it; for NULL, *value_r is when_null.
 * Returns 0, or -1 when it is not a boolean.
 */
int cell_bool(const struct cell *cell, bool when_null, bool *value_r);

/* Return whether all of the text, or of the items, is UTF-8 (RFC 3629). NULL is. */
bool cell_is_utf8(const struct cell *cell);

/* Return whether two cells are equal. */
bool cell_equal(const struct cell *a, const struct cell *b);

/*
 * Compare two ids: numbers by their values and before all others, other ids as text. This is a
 * total order, so that of any rows the same one is in force, whichever was read first. Returns a
 * negative number, 0 if they are the same text, or a positive one.
 */
int row_ids_compare(const char *a, const char *b);

#endif
