#ifndef POSTERN_PG_PRIVATE_H
#define POSTERN_PG_PRIVATE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "milter/pg/pg_connection.h"

/* The statements of each poll, which are prepared because the server takes longer to plan than to
 * run them. */
enum pg_prepared { PG_MARKS, PG_REVISION, PG_STALE_ROWS, PG_PREPARED };

/* The connection, and how statements are run on it: for the files pg_*.c only. */
struct pg {
	PGconn *conn;
	const struct config *config; /* a reference */
	const struct pg_waiter *waiter;
	struct errmsg error;
	char sqlstate[6];	      /* of error; "" if it has none */
	bool has_notice;	      /* and it was logged */
	bool notified;		      /* since the last pg_take_notifications() */
	bool is_pooled, knows_pooled; /* pg_is_pooled(), once it was asked */
	char probe[40];	    /* the channel of pg_loses_notifications() while it runs; else "" */
	bool probe_arrived; /* a notification on it */
	char *prepared[PG_PREPARED]; /* their texts; NULL: not prepared yet */
	uint64_t prepared_suffix;    /* of their names */
	bool no_prepare;	     /* something between us and the server forgets them */
	bool no_copy; /* read rows by SELECT: something between us and the tables has no COPY */
	struct characters *characters; /* those of the rows, if they are not UTF-8; NULL: none */
};

/* Keep message, which may have several lines, as a one-line error. Returns PG_LOST. */
enum pg_outcome pg_fail(struct pg *pg, const char *message);

/* Return whether the last error has that SQLSTATE. */
bool pg_failed_with(const struct pg *pg, const char *sqlstate);

/* The deadline of a statement that reads tables; CLOCK_NEVER without a statement_timeout. */
int64_t pg_statement_deadline(const struct pg *pg);

/* The deadline of a statement that costs nothing: a connection silent for that long is dead. */
int64_t pg_short_deadline(const struct pg *pg);

/*
 * The deadline of a statement that may wait for locks, of which each waits for a second at most,
 * and reads only catalogs.
 */
int64_t pg_lock_deadline(const struct pg *pg);

/* Read the input that has arrived, without waiting. Returns PG_OK or PG_LOST. */
enum pg_outcome pg_take_input(struct pg *pg);

/* Wait for input until the deadline and read it. PG_OK, PG_LOST or PG_GIVEN_UP. */
enum pg_outcome pg_wait_input(struct pg *pg, int64_t deadline);

/*
 * Run sql to its end, or until the rows of a COPY begin. sql may hold several statements if count
 * is 0. params: count texts of unspecified type. *result_r, on PG_OK alone, is the last statement's
 * result, which the caller must PQclear(); it may be NULL. result_r may be NULL.
 */
enum pg_outcome pg_run(struct pg *pg, const char *sql, int count, const char *const *params,
	int64_t deadline, PGresult **result_r);

/* pg_run() of one statement that is run again and again with the same text, and is planned once. */
enum pg_outcome pg_run_prepared(struct pg *pg, enum pg_prepared statement, const char *sql,
	int count, const char *const *params, int64_t deadline, PGresult **result_r);

/* pg_run() without parameters; frees sql's text. */
enum pg_outcome pg_run_built(struct pg *pg, struct strbuf *sql, int64_t deadline,
	PGresult **result_r);

/* Have the server describe a query's columns without running it. *result_r as in pg_run(). */
enum pg_outcome pg_describe(struct pg *pg, const char *query, PGresult **result_r);

/* Have the server explain a query; the caller must free() the plan, which is JSON. */
enum pg_outcome pg_explain(struct pg *pg, const char *query, char **plan_r);

/* Flush the output that a PQsend...() queued; sent is the value that it returned. */
enum pg_outcome pg_flush(struct pg *pg, int sent, int64_t deadline);

/* Wait for the next result of the statement that was sent; *result_r is NULL after the last one. */
enum pg_outcome pg_next_result(struct pg *pg, int64_t deadline, PGresult **result_r);

/* PG_OK, or PG_REFUSED with the error kept when result is an error. Does not clear result. */
enum pg_outcome pg_check_result(struct pg *pg, const PGresult *result);

/* Read all results of the statement that was sent, as pg_run() does. */
enum pg_outcome pg_read_results(struct pg *pg, int64_t deadline, PGresult **result_r);

/* Read the rest of a statement's results after an error. PG_REFUSED, PG_LOST or PG_GIVEN_UP. */
enum pg_outcome pg_drain(struct pg *pg, int64_t deadline);

#endif
