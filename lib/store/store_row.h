#ifndef POSTERN_STORE_ROW_H
#define POSTERN_STORE_ROW_H

#include <jansson.h>

#include "lib/base/problems.h"
#include "lib/base/strbuf.h"
#include "lib/base/strmap.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"

/* Rows of a JSON store on their way into the builders. Part of store_read.c. */
struct store_rows {
	const char *path;
	struct profiles_builder *profiles;
	struct users_builder *users;
	struct problems *problems;
	struct strmap *unread; /* columns that were noted; NULL: don't note any */
	struct strbuf scratch; /* texts of one row */
};

enum store_table { STORE_PROFILES, STORE_USERS };

/* "profiles", "users" */
const char *store_table_name(enum store_table table);

/* Give one row, an object, to its builder. Bad ones are named in problems. -1 only when out of
 * memory. */
int store_row_add(struct store_rows *rows, enum store_table table, const json_t *row);

/*
 * The same with a row as a line of text, which is written over. -1 when out of memory.
 */
int store_row_add_line(struct store_rows *rows, enum store_table table, char *line, size_t len);

/* Leave the row out because of what is wrong with it as a whole. -1 only when out of memory. */
int store_row_refuse(struct store_rows *rows, enum store_table table, const json_t *row,
	const char *why);

#endif
