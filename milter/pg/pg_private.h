#ifndef POSTERN_PG_PRIVATE_H
#define POSTERN_PG_PRIVATE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "milter/pg/pg_connection.h"

/* Of the files pg_*.c alone. */
struct pg {
	PGconn *conn;
	const struct config_database *config;
	const struct pg_waiter *waiter;
	struct errmsg error;
	char sqlstate[6];
	bool notified; /* since the last pg_take_notifications() */
	bool no_copy;
};

/* The text as one line: libpq's messages have several. Returns PG_LOST. */
enum pg_outcome pg_fail(struct pg *pg, const char *message);

/* When a statement that reads tables has to have ended: CLOCK_NEVER without a statement_timeout. */
int64_t pg_statement_deadline(const struct pg *pg);

/* When one that costs nothing has: a connection that is silent for so long is dead. */
int64_t pg_short_deadline(const struct pg *pg);

/* Wait for input until the deadline and take it in. PG_OK, PG_LOST or PG_GIVEN_UP. */
enum pg_outcome pg_wait_input(struct pg *pg, int64_t deadline);

/*
 * Run sql (several statements only without parameters) until its end; with COPY until
 * its rows begin. params: count texts, types unspecified. *result_r: the last statement's,
 * the caller's to PQclear(), on PG_OK alone; it may be NULL.
 */
enum pg_outcome pg_run(struct pg *pg, const char *sql, int count, const char *const *params,
	int64_t deadline, PGresult **result_r);

/* Send what was PQsend...()ed: sent is what that returned. */
enum pg_outcome pg_sent(struct pg *pg, int sent, int64_t deadline);

/* The next result of what was sent; *result_r NULL: there is no further one. */
enum pg_outcome pg_next_result(struct pg *pg, int64_t deadline, PGresult **result_r);

/* Run sql as it was put together, without parameters, and free it; as pg_run(). */
enum pg_outcome pg_run_built(struct pg *pg, struct strbuf *sql, int64_t deadline,
	PGresult **result_r);

/* PG_OK when the result is none of an error; else PG_REFUSED, with the error kept. Clears nothing.
 */
enum pg_outcome pg_check_result(struct pg *pg, const PGresult *result);

/* The results of what was sent, to their end; as pg_run(). */
enum pg_outcome pg_finish(struct pg *pg, int64_t deadline, PGresult **result_r);

/* After an error: take in what is left of the statement. PG_REFUSED, or what is worse. */
enum pg_outcome pg_drain(struct pg *pg, int64_t deadline);

/* Whether there was an error of that SQLSTATE. */
bool pg_failed_with(const struct pg *pg, const char *sqlstate);

#endif
