#ifndef POSTERN_PG_READS_H
#define POSTERN_PG_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "milter/pg/feed_changes.h"
#include "milter/pg/pg_connection.h"

/*
 * What the configured queries read, and marks that change when any of it becomes something else.
 *
 * pg_reads_ask() has the server EXPLAIN the query of each table. Whoever loads the tables
 * can lock `relations` before the database snapshot of the load: those with is_lockable, by LOCK
 * TABLE name, ... IN ACCESS SHARE MODE, which also locks partitions, children, and the tables of
 * views. The others must be compared before and after the load, by oid and pg_relation_filenode().
 */
struct pg_relation {
	uint32_t oid;
	char kind; /* pg_class.relkind: r, p, v, m (materialized view), f (foreign), S, ... */
	bool is_lockable; /* a table or view that our role may SELECT */
	char *name;	  /* "schema"."name", quoted for SQL */
};

struct pg_reads {
	/*
	 * The relations that the queries scan, the views in them, and the parents, partitions and
	 * children of all of these; in order of their oids, each once.
	 */
	struct pg_relation *relations;
	size_t count;
	char *functions; /* the oids of called functions, except for PostgreSQL's own: "{1,2}" */

	/* Whether that query (the first index) reads that table of the feed. */
	bool uses[FEED_TABLES][FEED_TABLES];

	/*
	 * The name of the id in the query's result, quoted for SQL, if single rows of it can be
	 * read by their ids (pg_by_row.h). NULL: they cannot, for the reason `whole`, for people.
	 */
	struct {
		char *id, *whole;
	} by_row[FEED_TABLES];

	/*
	 * EXPLAIN has waited for a transaction that created or renamed a table, which the
	 * transaction's database snapshot does not show: ask again.
	 */
	bool is_stale;

	/*
	 * Why the feed's triggers cannot tell of every change: relations without complete triggers,
	 * functions that are not immutable, the time, ... For people, joined by "; ". NULL: they
	 * can.
	 */
	char *untold;
};

/*
 * Find out what the queries read. PG_REFUSED if the server cannot EXPLAIN a query, which
 * pg_error() then names. Run this in a transaction that pg_begin() began, before the one that loads
 * the tables, because it locks what the queries read. On PG_OK the caller must pg_reads_free() the
 * result.
 */
enum pg_outcome pg_reads_ask(struct pg *pg, struct pg_reads **reads_r);

void pg_reads_free(struct pg_reads **reads); /* accepts NULL */

/*
 * The marks of what `reads` consists of, as the transaction's database snapshot sees it: a short
 * text, which is another one after any change of definition of those relations and functions, such
 * as one of their names, columns, files, policies, triggers, rules, partitions, children or
 * subscriptions. It locks nothing and costs less than a millisecond for some hundred partitions.
 */
#define PG_MARKS_SIZE 64
enum pg_outcome pg_marks(struct pg *pg, const struct pg_reads *reads, char marks_r[PG_MARKS_SIZE]);

#endif
