#ifndef POSTERN_PG_LOAD_H
#define POSTERN_PG_LOAD_H

#include "lib/base/problems.h"
#include "milter/pg/pg_connection.h"
#include "milter/pg/row_tables.h"

/* The inputs of a load besides the connection. Only the problems are changed. */
struct pg_load {
	enum feed_table table;
	struct row_context context;
	const void *previous;	   /* the table's set, with which the new one shares; may be NULL */
	struct problems *problems; /* receives the bad rows, which are left out */
};

/*
 * Load a table by its query, in a transaction that pg_begin() began. On PG_OK the caller owns
 * *set_r, the table's set. After PG_REFUSED, pg_error() gives the query's name.
 */
enum pg_outcome pg_load_table(struct pg *pg, const struct pg_load *load, void **set_r);

#endif
