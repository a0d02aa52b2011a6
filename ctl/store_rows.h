#ifndef POSTERN_STORE_ROWS_H
#define POSTERN_STORE_ROWS_H

#include "ctl/rows_args.h"
#include "ctl/store_file.h"

/* Changes of the rows of a JSON store. Each function sets *text_r to the text of the changed store;
 * they return 0, or -1 with err set. */

/* Add a row; hash is that of a password, or NULL. */
int store_rows_add(const struct store_file *file, const struct rows_table *table, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *text_r,
	struct errmsg *err);

/* Set values of a row, and its password unless hash is NULL. */
int store_rows_set(const struct store_file *file, const struct rows_table *table, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *text_r,
	struct errmsg *err);

int store_rows_del(const struct store_file *file, const struct rows_table *table, const char *name,
	struct strbuf *text_r, struct errmsg *err);

/* Return the value of a column of a row (ASCII, caseless); NULL if there is none. */
const json_t *store_rows_value(const json_t *row, const char *column);

/* Return the number of the row with the name; -1 with err set if there is none, or more than one.
 */
long store_rows_find(const struct store_file *file, const struct rows_table *table,
	const char *name, struct errmsg *err);

#endif
