#ifndef POSTERN_PG_LOAD_H
#define POSTERN_PG_LOAD_H

#include "lib/base/problems.h"
#include "milter/pg/pg_connection.h"
#include "milter/pg/row_tables.h"

/* The inputs of a load besides the connection. Only the problems are changed. */
struct pg_load {
	enum feed_table table;
	struct row_context context;
	void *previous;		   /* the table's set, with which the new one shares; may be NULL */
	struct problems *problems; /* receives the bad rows, which are left out */
};

/*
 * Load a table by its query, in a transaction that pg_begin() began. On PG_OK the caller owns
 * *set_r, the table's set. After PG_REFUSED, pg_error() gives the query's name.
 */
enum pg_outcome pg_load_table(struct pg *pg, const struct pg_load *load, void **set_r);

/* Some rows of a table. */
struct pg_row_ids {
	const char *column; /* the name of the id in the query's result, quoted for SQL */
	const char *const *ids;
	size_t count;
};

/*
 * Read these rows alone, and make the set in which they replace those of load->previous: what
 * pg_load_table() would make, if struct pg_reads has by_row[table].id and every other row is
 * unchanged. On PG_OK *set_r may be NULL: then load the whole table.
 */
enum pg_outcome pg_load_rows(struct pg *pg, const struct pg_load *load,
	const struct pg_row_ids *ids, void **set_r);

#endif
