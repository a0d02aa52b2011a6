/*
 * Connects to PostgreSQL in a thread that does nothing else, because name lookup may block and
 * libpq's own way of connecting without blocking leaves the timeout of each host and the step to
 * the next one to its caller. Shown by t/integration/test_database_outage.py.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/thread.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"
#include "milter/pg/pg_conninfo.h"
#include "milter/pg/pg_hosts.h"
#include "milter/pg/pg_private.h"

/*
 * An attempt to connect. It belongs to the connecting thread and to the thread that waits for it;
 * the thread that finishes last frees it.
 */
struct dial {
	pthread_mutex_t lock; /* guards conn, has_ended and is_abandoned */
	const struct config *config;
	struct pg_hosts *hosts; /* NULL: those of conninfo */
	int fd;			/* an eventfd, readable once the attempt has ended */
	PGconn *conn;
	bool has_ended, is_abandoned;
};

static void dial_free(struct dial *dial)
{
	if (dial->conn != NULL)
		PQfinish(dial->conn);
	if (dial->fd >= 0)
		(void)close(dial->fd);
	config_unref(&dial->config);
	pg_hosts_free(&dial->hosts);
	(void)pthread_mutex_destroy(&dial->lock);
	free(dial);
}

/*
 * Connect with that encoding. conninfo overrides the parameters that precede dbname in this list;
 * those that follow it override conninfo. libpq's timeout, which holds for each address, is the
 * only one that ends the attempt; therefore it cannot be switched off.
 */
static PGconn *connect_with(const struct config_database *config, const struct pg_hosts *hosts,
	const char *encoding)
{
	static const char *const names[] = { "connect_timeout", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"fallback_application_name", "dbname", "connect_timeout", "client_encoding", "host",
		"hostaddr", "port", NULL };
	char timeout[16];
	const char *const values[] = { timeout, "10", "5", "3", "20000", "postern",
		config->conninfo, pg_sets_no_timeout(config->conninfo) ? timeout : NULL, encoding,
		hosts != NULL ? hosts->host : NULL, hosts != NULL ? hosts->hostaddr : NULL,
		hosts != NULL ? hosts->port : NULL, NULL };

	(void)snprintf(timeout, sizeof(timeout), "%u", config->connect_timeout);
	return PQconnectdbParams(names, values, 1);
}

/*
 * A server that has no translation between the database's encoding and UTF-8 (MULE_INTERNAL) names
 * both in its refusal, in any language. Its texts are then read as they are.
 */
static PGconn *connect_now(const struct config_database *config, const struct pg_hosts *hosts)
{
	PGconn *conn = connect_with(config, hosts, "UTF8");

	if (PQstatus(conn) != CONNECTION_OK && strstr(PQerrorMessage(conn), "UTF8") != NULL) {
		PQfinish(conn);
		conn = connect_with(config, hosts, "SQL_ASCII");
	}
	return conn;
}

/* The connecting thread. */
static void *dial_run(void *context)
{
	struct dial *dial = context;
	PGconn *conn = connect_now(&dial->config->database, dial->hosts);
	uint64_t one = 1;
	bool is_abandoned;

	(void)pthread_mutex_lock(&dial->lock);
	dial->conn = conn;
	dial->has_ended = true;
	is_abandoned = dial->is_abandoned;
	if (!is_abandoned)
		(void)!write(dial->fd, &one, sizeof(one)); /* cannot fail: the counter is 0 */
	(void)pthread_mutex_unlock(&dial->lock);
	if (is_abandoned)
		dial_free(dial);
	return NULL;
}

static struct dial *dial_start(const struct config *config, struct pg_hosts *hosts,
	struct errmsg *err)
{
	struct dial *dial = calloc(1, sizeof(*dial));
	int error;

	if (dial == NULL || pthread_mutex_init(&dial->lock, NULL) != 0) {
		free(dial);
		pg_hosts_free(&hosts);
		(void)errmsg_set(err, "out of memory");
		return NULL;
	}
	dial->config = config_ref(config);
	dial->hosts = hosts;
	dial->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = dial->fd < 0 ? errno : thread_start(NULL, "connect", dial_run, dial);
	if (error != 0) {
		dial_free(dial);
		(void)errmsg_set(err, "cannot start a thread to connect in: %s", strerror(error));
		return NULL;
	}
	return dial;
}

/*
 * Take the connection that was made. Returns NULL when the attempt has not ended, which abandons it
 * to its thread, and when libpq had no memory for a connection.
 */
static PGconn *dial_end(struct dial *dial)
{
	PGconn *conn = NULL;
	bool has_ended;

	(void)pthread_mutex_lock(&dial->lock);
	has_ended = dial->has_ended;
	dial->is_abandoned = !has_ended;
	if (has_ended) {
		conn = dial->conn;
		dial->conn = NULL;
	}
	(void)pthread_mutex_unlock(&dial->lock);
	if (has_ended)
		dial_free(dial);
	return conn;
}

/* A view may raise a notice for each row, which libpq would print on standard error: log the first
 * one of a connection. */
static void take_notice(void *context, const char *text)
{
	struct pg *pg = context;

	if (!pg->has_notice)
		quote_log(LOG_LEVEL_NOTICE, "text", text, "database notice");
	pg->has_notice = true;
}

static struct pg *pg_new(PGconn *conn, const struct config *config, const struct pg_waiter *waiter)
{
	struct pg *pg = calloc(1, sizeof(*pg));

	if (pg == NULL || PQsetnonblocking(conn, 1) != 0) {
		free(pg);
		return NULL;
	}
	pg->conn = conn;
	pg->config = config_ref(config);
	pg->waiter = waiter;
	(void)PQsetNoticeProcessor(conn, take_notice, pg);
	return pg;
}

enum pg_outcome pg_connect(const struct config *config, struct pg_hosts *hosts,
	const struct pg_waiter *waiter, struct pg **pg_r, struct errmsg *err)
{
	struct pg failed = { 0 };
	struct dial *dial;
	enum pg_wait waited;
	PGconn *conn;

	if (pg_check_conninfo(config->database.conninfo, err) < 0) {
		(void)errmsg_prefix(err, "[database] conninfo: ");
		pg_hosts_free(&hosts);
		return PG_LOST;
	}
	if ((dial = dial_start(config, hosts, err)) == NULL)
		return PG_LOST;
	waited = waiter->wait(waiter->context, dial->fd, false, CLOCK_NEVER);
	if ((conn = dial_end(dial)) == NULL) {
		(void)errmsg_set(err, "out of memory");
		return waited == PG_WAIT_GIVE_UP ? PG_GIVEN_UP : PG_LOST;
	}
	if (PQstatus(conn) != CONNECTION_OK) {
		(void)pg_fail(&failed, PQerrorMessage(conn));
		*err = failed.error;
		pg_explain_target(conn, err);
	} else if ((*pg_r = pg_new(conn, config, waiter)) != NULL) {
		return PG_OK;
	} else {
		(void)errmsg_set(err, "out of memory");
	}
	PQfinish(conn);
	return PG_LOST;
}
