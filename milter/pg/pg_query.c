/*
 * Runs statements on a connection in libpq's non-blocking mode, and keeps the error of the last
 * one. Shown by t/integration/test_database.py and t/integration/test_database_outage.py.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/text.h"
#include "milter/loop/clock.h"
#include "milter/pg/pg_private.h"

#define GRACE_MS 5000  /* for a server that does not cancel by its own statement_timeout */
#define LOCKS_MS 20000 /* for several locks of which each is waited for */

bool pg_failed_with(const struct pg *pg, const char *sqlstate)
{
	return strcmp(pg->sqlstate, sqlstate) == 0;
}

bool pg_is_locked(const struct pg *pg)
{
	return pg_failed_with(pg, "55P03"); /* lock_not_available */
}

bool pg_refusal_passes(const struct pg *pg)
{
	/* Classes: rolled back, resources, object busy, operator intervention, system error. */
	static const char *const passing[] = { "40", "53", "55", "57", "58" };
	size_t i;

	for (i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (strncmp(pg->sqlstate, passing[i], 2) == 0)
			return true;
	return false;
}

/*
 * Join the lines of a libpq message by "; ". libpq indents advice about an error with a tab; a
 * space precedes a further line of such advice.
 */
static void join_lines(const char *message, struct errmsg *joined)
{
	char *to = joined->text, *full = joined->text + sizeof(joined->text) - 3;
	bool is_advice = false, is_next_advice;

	message += strspn(message, " \t\r\n");
	for (; *message != '\0' && to < full; message++) {
		if (*message != '\n') {
			*to++ = *message == '\t' || *message == '\r' ? ' ' : *message;
			continue;
		}
		is_next_advice = message[1 + strspn(message + 1, "\r\n")] == '\t';
		message += strspn(message + 1, " \t\r\n");
		if (message[1] == '\0')
			break;
		if (!is_advice || !is_next_advice)
			*to++ = ';';
		*to++ = ' ';
		is_advice = is_next_advice;
	}
	while (to > joined->text && to[-1] == ' ')
		to--;
	*to = '\0';
}

enum pg_outcome pg_fail(struct pg *pg, const char *message)
{
	pg->sqlstate[0] = '\0';
	join_lines(message != NULL ? message : "", &pg->error);
	if (pg->error.text[0] == '\0')
		(void)errmsg_set(&pg->error, "the connection was lost");
	return PG_LOST;
}

int64_t pg_statement_deadline(const struct pg *pg)
{
	const uint32_t timeout = pg->config->database.statement_timeout;

	return timeout == 0 ? CLOCK_NEVER : clock_ms() + (int64_t)timeout * 1000 + GRACE_MS;
}

int64_t pg_lock_deadline(const struct pg *pg)
{
	const int64_t deadline = pg_short_deadline(pg) + LOCKS_MS;

	return clock_earlier(deadline, pg_statement_deadline(pg));
}

int64_t pg_short_deadline(const struct pg *pg)
{
	return clock_ms() + (int64_t)pg->config->database.connect_timeout * 1000;
}

/* ---- waiting -------------------------------------------------------------------- */

static enum pg_outcome wait_for_socket(struct pg *pg, bool for_write, int64_t deadline)
{
	switch (pg->waiter->wait(pg->waiter->context, PQsocket(pg->conn), for_write, deadline)) {
	case PG_WAIT_READY:
		return PG_OK;
	case PG_WAIT_TIMEOUT:
		return pg_fail(pg, "the server does not answer");
	default:
		return PG_GIVEN_UP;
	}
}

enum pg_outcome pg_take_input(struct pg *pg)
{
	PGnotify *notify;

	if (PQconsumeInput(pg->conn) == 0)
		return pg_fail(pg, PQerrorMessage(pg->conn));
	while ((notify = PQnotifies(pg->conn)) != NULL) {
		if (pg->probe[0] != '\0' && strcmp(notify->relname, pg->probe) == 0)
			pg->probe_arrived = true;
		else
			pg->notified = true;
		PQfreemem(notify);
	}
	return PG_OK;
}

enum pg_outcome pg_wait_input(struct pg *pg, int64_t deadline)
{
	enum pg_outcome outcome = wait_for_socket(pg, false, deadline);

	return outcome == PG_OK ? pg_take_input(pg) : outcome;
}

enum pg_outcome pg_flush(struct pg *pg, int sent, int64_t deadline)
{
	enum pg_outcome outcome = PG_OK;
	int left = -1;

	while (sent && outcome == PG_OK && (left = PQflush(pg->conn)) > 0)
		outcome = wait_for_socket(pg, true, deadline);
	if (outcome == PG_OK && left < 0)
		outcome = pg_fail(pg, PQerrorMessage(pg->conn));
	return outcome;
}

/* ---- results -------------------------------------------------------------------- */

enum pg_outcome pg_next_result(struct pg *pg, int64_t deadline, PGresult **result_r)
{
	enum pg_outcome outcome = PG_OK;

	while (outcome == PG_OK && PQisBusy(pg->conn))
		outcome = pg_wait_input(pg, deadline);
	if (outcome == PG_OK)
		*result_r = PQgetResult(pg->conn);
	return outcome;
}

enum pg_outcome pg_check_result(struct pg *pg, const PGresult *result)
{
	const char *sqlstate, *primary;

	switch (PQresultStatus(result)) {
	case PGRES_EMPTY_QUERY:
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
	case PGRES_COPY_OUT:
		return PG_OK;
	default:
		primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		(void)pg_fail(pg, primary != NULL ? primary : PQresultErrorMessage(result));
		if (sqlstate != NULL)
			memcpy(pg->sqlstate, sqlstate, strnlen(sqlstate, 5) + 1);
		return PG_REFUSED;
	}
}

enum pg_outcome pg_drain(struct pg *pg, int64_t deadline)
{
	PGresult *rest = NULL;
	enum pg_outcome outcome;

	while ((outcome = pg_next_result(pg, deadline, &rest)) == PG_OK && rest != NULL) {
		bool is_stuck = PQresultStatus(rest) == PGRES_COPY_OUT;

		PQclear(rest);
		if (is_stuck)
			return pg_fail(pg, "the server sent rows that were not asked for");
	}
	if (outcome == PG_OK)
		outcome = PQstatus(pg->conn) == CONNECTION_OK ? PG_REFUSED : PG_LOST;
	return outcome;
}

enum pg_outcome pg_read_results(struct pg *pg, int64_t deadline, PGresult **result_r)
{
	PGresult *last = NULL, *next;
	enum pg_outcome outcome;

	while ((outcome = pg_next_result(pg, deadline, &next)) == PG_OK && next != NULL) {
		PQclear(last);
		last = next;
		if ((outcome = pg_check_result(pg, last)) != PG_OK) {
			outcome = pg_drain(pg, deadline);
			break;
		}
		if (PQresultStatus(last) == PGRES_COPY_OUT)
			break;
	}
	if (outcome == PG_OK && result_r != NULL)
		*result_r = last;
	else
		PQclear(last);
	return outcome;
}

/* ---- statements ----------------------------------------------------------------- */

enum pg_outcome pg_run(struct pg *pg, const char *sql, int count, const char *const *params,
	int64_t deadline, PGresult **result_r)
{
	enum pg_outcome outcome;
	int sent;

	if (count > 0)
		sent = PQsendQueryParams(pg->conn, sql, count, NULL, params, NULL, NULL, 0);
	else
		sent = PQsendQuery(pg->conn, sql);
	outcome = pg_flush(pg, sent, deadline);
	return outcome == PG_OK ? pg_read_results(pg, deadline, result_r) : outcome;
}

/* Prepare a statement under its name in place of the one that was prepared before. */
static enum pg_outcome prepare(struct pg *pg, enum pg_prepared statement, const char *name,
	const char *sql, int count, int64_t deadline)
{
	char **prepared = &pg->prepared[statement], drop[48];
	enum pg_outcome outcome = PG_OK;

	if (*prepared != NULL && strcmp(*prepared, sql) == 0)
		return PG_OK;
	if (*prepared != NULL) {
		(void)text_format(drop, sizeof(drop), "DEALLOCATE %s", name);
		outcome = pg_run(pg, drop, 0, NULL, deadline, NULL);
	}
	if (outcome != PG_OK)
		return outcome;
	free(*prepared);
	if ((*prepared = strdup(sql)) == NULL)
		return pg_fail(pg, "out of memory");
	outcome = pg_flush(pg, PQsendPrepare(pg->conn, name, sql, count, NULL), deadline);
	if (outcome == PG_OK)
		outcome = pg_read_results(pg, deadline, NULL);
	if (outcome != PG_OK) {
		free(*prepared);
		*prepared = NULL;
	}
	return outcome;
}

/*
 * Through a pooler, each transaction may run on another server connection, where nothing is
 * prepared. If the pooler passes for a server, statements of the same names may be left there from
 * an earlier connection, for other oids: the names are this connection's own.
 */
enum pg_outcome pg_run_prepared(struct pg *pg, enum pg_prepared statement, const char *sql,
	int count, const char *const *params, int64_t deadline, PGresult **result_r)
{
	enum pg_outcome outcome;
	char name[32];

	if (!pg->knows_pooled || pg->is_pooled || pg->no_prepare)
		return pg_run(pg, sql, count, params, deadline, result_r);
	if (pg->prepared_suffix == 0)
		(void)!getrandom(&pg->prepared_suffix, sizeof(pg->prepared_suffix), GRND_NONBLOCK);
	(void)text_format(name, sizeof(name), "postern_%d_%016" PRIx64, (int)statement,
		pg->prepared_suffix);
	outcome = prepare(pg, statement, name, sql, count, deadline);
	if (outcome == PG_OK)
		outcome = pg_flush(pg,
			PQsendQueryPrepared(pg->conn, name, count, params, NULL, NULL, 0),
			deadline);
	if (outcome == PG_OK)
		outcome = pg_read_results(pg, deadline, result_r);
	if (outcome == PG_REFUSED && pg_failed_with(pg, "26000")) /* it does not exist */
		pg->no_prepare = true;
	return outcome;
}

enum pg_outcome pg_run_built(struct pg *pg, struct strbuf *sql, int64_t deadline,
	PGresult **result_r)
{
	enum pg_outcome outcome;

	if (sql->failed)
		outcome = pg_fail(pg, "out of memory");
	else
		outcome = pg_run(pg, sql->text, 0, NULL, deadline, result_r);
	strbuf_free(sql);
	return outcome;
}

enum pg_outcome pg_describe(struct pg *pg, const char *query, PGresult **result_r)
{
	const int64_t deadline = pg_statement_deadline(pg);
	enum pg_outcome outcome;

	outcome = pg_flush(pg, PQsendPrepare(pg->conn, "", query, 0, NULL), deadline);
	if (outcome == PG_OK)
		outcome = pg_read_results(pg, deadline, NULL);
	if (outcome == PG_OK)
		outcome = pg_flush(pg, PQsendDescribePrepared(pg->conn, ""), deadline);
	return outcome == PG_OK ? pg_read_results(pg, deadline, result_r) : outcome;
}

/* The extended protocol refuses several statements in one text. */
enum pg_outcome pg_explain(struct pg *pg, const char *query, char **plan_r)
{
	const int64_t deadline = pg_lock_deadline(pg);
	struct strbuf sql = STRBUF_INIT;
	PGresult *rows = NULL;
	enum pg_outcome outcome;
	int sent;

	strbuf_addf(&sql, "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) %s", query);
	if (sql.failed)
		return pg_fail(pg, "out of memory");
	sent = PQsendQueryParams(pg->conn, sql.text, 0, NULL, NULL, NULL, NULL, 0);
	strbuf_free(&sql);
	outcome = pg_flush(pg, sent, deadline);
	if (outcome == PG_OK)
		outcome = pg_read_results(pg, deadline, &rows);
	if (outcome != PG_OK)
		return outcome;
	*plan_r = strdup(PQntuples(rows) == 1 ? PQgetvalue(rows, 0, 0) : "");
	PQclear(rows);
	return *plan_r != NULL ? PG_OK : pg_fail(pg, "out of memory");
}
