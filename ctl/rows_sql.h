#ifndef POSTERN_ROWS_SQL_H
#define POSTERN_ROWS_SQL_H

#include "ctl/rows_args.h"
#include "lib/base/strbuf.h"

/*
 * The statements with which an administrator changes the tables of a database, in place of the
 * commands. schema is [database] schema, "" for none; hash is that of a password, or NULL. Text is
 * quoted so that standard_conforming_strings makes no difference. If a profile is set by a name
 * that does not exist, a statement changes nothing.
 */
void rows_sql_add(const struct rows_table *table, const char *schema, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *out);
void rows_sql_set(const struct rows_table *table, const char *schema, const char *name,
	const char *hash, const struct rows_value *values, size_t count, struct strbuf *out);
void rows_sql_del(const struct rows_table *table, const char *schema, const char *name,
	struct strbuf *out);

#endif
