#ifndef POSTERN_PG_TABLE_H
#define POSTERN_PG_TABLE_H

#include "lib/rules/rows.h"
#include "milter/pg/pg_private.h"

/* Reads a query's rows in the shape that the builders accept. For the files pg_*.c only. */
struct pg_table {
	const char *name; /* of the query's key: "users_query" */
	const char *query;
	const struct column *columns;
	size_t column_count;
	struct problems *problems; /* receives unknown columns */

	/*
	 * Accepts a row, on line_worker's thread. Returns 0 to go on, -1 when out of memory. The
	 * cells live as long as the call.
	 */
	int (*take)(void *context, const struct cell *row);
	void *context;
};

/* Read all rows, in a transaction. A missing column is PG_REFUSED, too. */
enum pg_outcome pg_table_read(struct pg *pg, const struct pg_table *table);

#endif
