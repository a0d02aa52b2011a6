#ifndef POSTERN_PG_BY_ROW_H
#define POSTERN_PG_BY_ROW_H

#include "lib/base/strbuf.h"
#include "milter/pg/pg_private.h"
#include "milter/pg/row_tables.h"

/*
 * Whether single rows of a query can be read in place of all: those whose ids the change feed has
 * reported. This is so if it is proved that
 * - the result's id is the column id of the feed's table, whose values are unique (PQftable,
 *   PQftablecol and the catalogs): the feed's row_id therefore selects the rows that can differ;
 * - each row of the result comes from one row of that table alone (plan_rows.h);
 * - WHERE id = ANY (...) around the query reaches an index.
 * The functions and operators in the query are immutable if struct pg_reads has no `untold`. For
 * the files pg_*.c only.
 */
struct by_row {
	char *id;	   /* the id's name in the result, quoted for SQL; NULL: not proved */
	struct errmsg why; /* why not, for people; "" if it is */
};

/*
 * Prove it, or set why; plan is the query's plan from EXPLAIN. Runs in a transaction, in a
 * savepoint. On PG_OK the caller must free() id.
 */
enum pg_outcome pg_by_row_ask(struct pg *pg, enum feed_table table, const char *plan,
	struct by_row *by_row_r);

/* Append the query for the rows with these ids, a literal. */
void pg_by_row_query(struct strbuf *sql, const char *query, const char *id, const char *ids);

/* Return the length of a query without a semicolon at its end. */
size_t pg_query_len(const char *query);

#endif
