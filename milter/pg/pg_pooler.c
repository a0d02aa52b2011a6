/*
 * Finds out whether notifications arrive through a pooler, by sending one over a second connection.
 * It owns that connection and runs on the connection's thread. Shown by
 * t/integration/test_database_pooler.py.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/text.h"
#include "milter/loop/clock.h"
#include "milter/pg/pg_hosts.h"
#include "milter/pg/pg_private.h"

#define ARRIVAL_MS 2000 /* the longest time that a notification takes once it has been sent */

/* A pooler announces a process number that it makes up. */
enum pg_outcome pg_is_pooled(struct pg *pg, bool *is_pooled_r)
{
	PGresult *rows = NULL;
	enum pg_outcome outcome = PG_OK;

	if (!pg->knows_pooled)
		outcome = pg_run(pg, "SELECT pg_catalog.pg_backend_pid()", 0, NULL,
			pg_short_deadline(pg), &rows);
	if (rows != NULL) {
		pg->is_pooled = PQntuples(rows) == 1 &&
			strtol(PQgetvalue(rows, 0, 0), NULL, 10) != PQbackendPID(pg->conn);
		pg->knows_pooled = true;
	}
	PQclear(rows);
	*is_pooled_r = pg->is_pooled;
	return outcome;
}

/* Run "LISTEN x", "NOTIFY x" or "UNLISTEN x"; x needs no quotes. */
static enum pg_outcome run_on_channel(struct pg *pg, const char *command, const char *channel)
{
	struct strbuf sql = STRBUF_INIT;

	strbuf_addf(&sql, "%s %s", command, channel);
	return pg_run_built(pg, &sql, pg_short_deadline(pg), NULL);
}

static struct pg_hosts *host_of(const struct pg *pg)
{
	const char *host = PQhost(pg->conn), *address = PQhostaddr(pg->conn);
	struct pg_hosts *hosts = calloc(1, sizeof(*hosts));

	if (hosts == NULL)
		return NULL;
	hosts->host = strdup(host != NULL ? host : "");
	hosts->hostaddr = strdup(address != NULL && host != NULL && host[0] != '/' ? address : "");
	hosts->port = strdup(PQport(pg->conn));
	if (hosts->host == NULL || hosts->hostaddr == NULL || hosts->port == NULL)
		pg_hosts_free(&hosts);
	return hosts;
}

/* Send a notification over another connection. Returns PG_OK, PG_GIVEN_UP, or why it failed. */
static enum pg_outcome notify(struct pg *pg, const char *channel)
{
	struct pg_hosts *hosts = host_of(pg);
	struct pg *other = NULL;
	struct errmsg err;
	enum pg_outcome outcome;

	if (hosts == NULL)
		return pg_fail(pg, "out of memory");
	outcome = pg_connect(pg->config, hosts, pg->waiter, &other, &err);
	if (outcome == PG_OK)
		outcome = run_on_channel(other, "NOTIFY", channel);
	pg_close(&other);
	return outcome;
}

/* Wait for the notification that was sent. */
static enum pg_outcome await(struct pg *pg)
{
	const int64_t deadline = clock_ms() + ARRIVAL_MS;
	enum pg_outcome outcome = pg_take_input(pg);
	enum pg_wait waited = PG_WAIT_READY;

	while (outcome == PG_OK && !pg->probe_arrived && waited == PG_WAIT_READY) {
		waited = pg->waiter->wait(pg->waiter->context, PQsocket(pg->conn), false, deadline);
		if (waited == PG_WAIT_GIVE_UP)
			outcome = PG_GIVEN_UP;
		else if (waited == PG_WAIT_READY)
			outcome = pg_take_input(pg);
		if (outcome == PG_OK && PQstatus(pg->conn) != CONNECTION_OK)
			outcome = pg_fail(pg, PQerrorMessage(pg->conn));
	}
	return outcome;
}

/*
 * A server that is too slow for ARRIVAL_MS sends the notification before its answer to UNLISTEN,
 * which is the next statement on this connection.
 */
static enum pg_outcome probe(struct pg *pg, bool *loses_r)
{
	enum pg_outcome outcome = run_on_channel(pg, "LISTEN", pg->probe), sent;

	if (outcome != PG_OK)
		return outcome;
	sent = notify(pg, pg->probe);
	if (sent == PG_GIVEN_UP)
		return sent;
	if (sent == PG_OK)
		outcome = await(pg);
	if (outcome == PG_OK)
		outcome = run_on_channel(pg, "UNLISTEN", pg->probe);
	if (outcome == PG_OK)
		outcome = pg_take_input(pg);
	*loses_r = outcome == PG_OK && sent == PG_OK && !pg->probe_arrived;
	return outcome;
}

enum pg_outcome pg_loses_notifications(struct pg *pg, bool *loses_r)
{
	uint64_t random = 0;
	enum pg_outcome outcome;

	*loses_r = false;
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	(void)text_format(pg->probe, sizeof(pg->probe), "postern_probe_%016" PRIx64, random);
	pg->probe_arrived = false;
	outcome = probe(pg, loses_r);
	pg->probe[0] = '\0';
	return outcome;
}
