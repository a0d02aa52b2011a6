#ifndef POSTERN_PG_TABLE_H
#define POSTERN_PG_TABLE_H

#include "lib/rules/rows.h"
#include "milter/pg/pg_private.h"

/* Reading a query's rows into the shape that the builders take. Of the files pg_*.c alone. */
struct pg_table {
	const char *name; /* of the key: "users_query" */
	const char *query;
	const struct column *columns;
	size_t column_count;

	/* Takes a row; 0 to go on, -1 when out of memory. The cells live as long as the call. */
	int (*take)(void *context, const struct cell *row);
	void *context;
};

/* In a transaction. PG_REFUSED too when a column is missing. */
enum pg_outcome pg_table_read(struct pg *pg, const struct pg_table *table);

#endif
