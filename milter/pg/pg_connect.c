#include "milter/pg/pg_connection.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "milter/loop/clock.h"
#include "milter/pg/pg_private.h"

/*
 * A connection while it is made, by a thread that does nothing else. libpq's own way of
 * connecting without blocking would leave to us the timeout of each host and the step to the next
 * one, and blocks all the same while it looks up names. Whoever comes last, that thread or the one
 * that waits for it, frees it.
 */
struct dial {
	pthread_mutex_t lock; /* guards has_ended, is_abandoned and who frees */
	char *conninfo;
	char timeout[16];
	int fd; /* an eventfd: readable once it has ended */
	PGconn *conn;
	bool has_ended, is_abandoned;
};

static void dial_free(struct dial *dial)
{
	if (dial->conn != NULL)
		PQfinish(dial->conn);
	if (dial->fd >= 0)
		(void)close(dial->fd);
	if (dial->conninfo != NULL)
		explicit_bzero(dial->conninfo, strlen(dial->conninfo));
	free(dial->conninfo);
	(void)pthread_mutex_destroy(&dial->lock);
	free(dial);
}

static void *dial_run(void *context)
{
	struct dial *dial = context;
	/* What stands before dbname, the conninfo may say otherwise; what stands behind it, not. */
	const char *const names[] = { "connect_timeout", "keepalives_idle", "keepalives_interval",
		"keepalives_count", "tcp_user_timeout", "fallback_application_name", "dbname",
		"client_encoding", NULL };
	const char *const values[] = { dial->timeout, "10", "5", "3", "20000", "postern",
		dial->conninfo, "UTF8", NULL };
	PGconn *conn = PQconnectdbParams(names, values, 1);
	uint64_t one = 1;
	bool is_abandoned;

	(void)pthread_mutex_lock(&dial->lock);
	dial->conn = conn;
	dial->has_ended = true;
	is_abandoned = dial->is_abandoned;
	if (!is_abandoned && write(dial->fd, &one, sizeof(one)) < 0)
		(void)close(dial->fd); /* can't happen: the counter is 0 */
	(void)pthread_mutex_unlock(&dial->lock);
	if (is_abandoned)
		dial_free(dial);
	return NULL;
}

static struct dial *dial_start(const struct config_database *config, struct errmsg *err)
{
	struct dial *dial = calloc(1, sizeof(*dial));
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	if (dial == NULL || pthread_mutex_init(&dial->lock, NULL) != 0) {
		free(dial);
		(void)errmsg_set(err, "out of memory");
		return NULL;
	}
	(void)snprintf(dial->timeout, sizeof(dial->timeout), "%u", config->connect_timeout);
	dial->conninfo = strdup(config->conninfo);
	dial->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	failed = dial->conninfo == NULL || dial->fd < 0 || pthread_attr_init(&attr) != 0;
	if (!failed) {
		(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		failed = pthread_create(&thread, &attr, dial_run, dial);
		(void)pthread_attr_destroy(&attr);
	}
	if (failed) {
		dial_free(dial);
		(void)errmsg_set(err, "no thread to connect in");
		return NULL;
	}
	return dial;
}

/* The connection that was made, or NULL: it is not ready, and nobody waits for it any more. */
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

/*
 * libpq's complaints about a connection string quote it. So it is looked at first, and what is
 * wrong is shown only when there can be no password in it.
 */
static int check_conninfo(const char *conninfo, struct errmsg *err)
{
	bool is_string = strchr(conninfo, '=') != NULL || strstr(conninfo, "://") != NULL;
	bool is_secret = strstr(conninfo, "password") != NULL || strstr(conninfo, "://") != NULL;
	PQconninfoOption *options;
	char *message = NULL;

	if (!is_string)
		return 0; /* a database's name */
	if ((options = PQconninfoParse(conninfo, &message)) != NULL) {
		PQconninfoFree(options);
		return 0;
	}
	if (message == NULL || is_secret)
		(void)errmsg_set(err,
			"libpq can't read [database] conninfo (not shown here: there "
			"may be a password in it)");
	else
		(void)errmsg_set(err, "[database] conninfo: %.*s", (int)strcspn(message, "\n"),
			message);
	PQfreemem(message);
	return -1;
}

static struct pg *pg_new(PGconn *conn, const struct config_database *config,
	const struct pg_waiter *waiter)
{
	struct pg *pg = calloc(1, sizeof(*pg));

	if (pg == NULL || PQsetnonblocking(conn, 1) != 0) {
		free(pg);
		return NULL;
	}
	pg->conn = conn;
	pg->config = config;
	pg->waiter = waiter;
	return pg;
}

enum pg_outcome pg_connect(const struct config_database *config, const struct pg_waiter *waiter,
	struct pg **pg_r, struct errmsg *err)
{
	struct pg failed = { 0 };
	struct dial *dial;
	enum pg_wait waited;
	PGconn *conn;

	if (check_conninfo(config->conninfo, err) < 0 || (dial = dial_start(config, err)) == NULL)
		return PG_LOST;
	waited = waiter->wait(waiter->context, dial->fd, false, CLOCK_NEVER);
	if ((conn = dial_end(dial)) == NULL) {
		(void)errmsg_set(err, "out of memory");
		return waited == PG_WAIT_GIVE_UP ? PG_GIVEN_UP : PG_LOST;
	}
	if (PQstatus(conn) != CONNECTION_OK) {
		(void)pg_fail(&failed, PQerrorMessage(conn));
		*err = failed.error;
	} else if ((*pg_r = pg_new(conn, config, waiter)) != NULL) {
		return PG_OK;
	} else {
		(void)errmsg_set(err, "out of memory");
	}
	PQfinish(conn);
	return PG_LOST;
}

void pg_close(struct pg **pg)
{
	if (*pg == NULL)
		return;
	PQfinish((*pg)->conn);
	free(*pg);
	*pg = NULL;
}

int pg_fd(const struct pg *pg)
{
	return PQsocket(pg->conn);
}

void pg_server(const struct pg *pg, char *text, size_t size)
{
	const char *host = PQhost(pg->conn), *address = PQhostaddr(pg->conn);
	const char *port = PQport(pg->conn);

	if (host == NULL || host[0] == '\0')
		host = address != NULL ? address : "";
	(void)snprintf(text, size, host[0] == '/' ? "%s/.s.PGSQL.%s" : "%s:%s", host,
		port != NULL ? port : "");
}

void pg_avoid_copy(struct pg *pg)
{
	pg->no_copy = true;
}
