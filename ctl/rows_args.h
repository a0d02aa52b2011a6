#ifndef POSTERN_ROWS_ARGS_H
#define POSTERN_ROWS_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/json_edit.h"
#include "lib/base/errmsg.h"
#include "lib/rules/rows.h"

/* One of the two tables, as the commands user and profile see it. */
struct rows_table {
	const char *command; /* "user" */
	const char *name;    /* "users" */
	const char *key;     /* the column that names a row */
	const struct column *columns;
	size_t count;
	bool has_passwords;
};

extern const struct rows_table rows_users, rows_profiles;

enum rows_kind { ROWS_TEXT, ROWS_NUMBER, ROWS_BOOL };

/* Return the kind of a column's values. */
enum rows_kind rows_kind_of(const char *column);

/* "COLUMN=VALUE" of a command line. */
struct rows_value {
	const char *column; /* of the table; "profile" of a user is the name of a profile */
	const char *text;
};

#define ROWS_VALUES_MAX 16

/*
 * Read the arguments of a change. A column that does not exist, has the wrong kind of value, is
 * given twice or is set otherwise (id, password) is an error. Returns the number of values, or -1
 * with err set.
 */
int rows_read_values(const struct rows_table *table, int argc, char **argv,
	struct rows_value values_r[ROWS_VALUES_MAX], struct errmsg *err);

/* Return 0 if a text can be shown as it is, or -1 with err set: it contains characters that cannot
 * be seen, or is not UTF-8. */
int rows_check_text(const char *text, struct errmsg *err);

#endif
