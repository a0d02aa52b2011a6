#ifndef POSTERN_PG_CONNECTION_H
#define POSTERN_PG_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/conf/config.h"

/*
 * One connection to PostgreSQL, for one thread. Nothing here blocks in libpq: every wait goes
 * through the caller's pg_waiter, which meanwhile does the other work of its thread and may end the
 * wait. A connection holds a reference of the configuration.
 */
struct pg;

enum pg_wait { PG_WAIT_READY, PG_WAIT_TIMEOUT, PG_WAIT_GIVE_UP };

struct pg_waiter {
	void *context;

	/*
	 * Wait until fd can be read (for_write: written), or until clock_ms() reaches deadline.
	 * With fd -1 there is nothing to wait for: do the other work of the thread that is due, and
	 * return.
	 */
	enum pg_wait (*wait)(void *context, int fd, bool for_write, int64_t deadline);
};

enum pg_outcome {
	PG_OK,
	PG_REFUSED, /* the server refused the statement: the transaction is lost, not the connection
		     */
	PG_LOST,    /* the connection is of no more use: pg_close() */
	PG_GIVEN_UP /* the waiter gave up: pg_close() */
};

/* Some of the hosts of [database] conninfo. */
struct pg_hosts;

/*
 * Connect to the first host of [database] conninfo that accepts, with connect_timeout for each;
 * with hosts, to the first of those. hosts is NULL, or taken over. A thread does the connecting,
 * because name lookup may block; when the waiter gives up, that thread ends by itself. waiter must
 * outlive the connection. Returns PG_OK, PG_LOST with err set, or PG_GIVEN_UP. err never shows the
 * connection string.
 */
enum pg_outcome pg_connect(const struct config *config, struct pg_hosts *hosts,
	const struct pg_waiter *waiter, struct pg **pg_r, struct errmsg *err);

/*
 * Return those of the hosts given to pg_connect(), or of the connection string, that are left to
 * try after the one that has answered: those after it, then those before it. All addresses of one
 * name are one host. Returns NULL if there is none, or when out of memory; the caller must
 * pg_hosts_free() the rest.
 */
struct pg_hosts *pg_other_hosts(const struct pg *pg);
void pg_hosts_free(struct pg_hosts **hosts); /* accepts NULL */

void pg_close(struct pg **pg); /* accepts NULL */

/* Use this configuration's timeouts, schema and queries from the next statement on. */
void pg_use_config(struct pg *pg, const struct config *config);

int pg_fd(const struct pg *pg); /* readable when a notification may have arrived */

/*
 * Read the messages that the server has sent without a request. *notified_r: whether a notification
 * has arrived since the last call; it is set with every outcome.
 */
enum pg_outcome pg_take_notifications(struct pg *pg, bool *notified_r);

/*
 * Find out, once per connection, whether it leads through a pooler: then the server's process is
 * another one than the announced one.
 */
enum pg_outcome pg_is_pooled(struct pg *pg, bool *is_pooled_r);

/*
 * Find out whether the pooler does not pass on notifications, because it gives the server's
 * connection to others after each transaction. LISTEN would only harm there: the notifications
 * reach others, or confuse the pooler. It takes a second connection, and two seconds if they do not
 * arrive. If the test itself is not possible, *loses_r is false. Run this outside a transaction,
 * before pg_listen().
 */
enum pg_outcome pg_loses_notifications(struct pg *pg, bool *loses_r);

/* LISTEN on [database] channel, outside a transaction. A standby refuses it. */
enum pg_outcome pg_listen(struct pg *pg);

/*
 * BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY, with [database] schema and statement_timeout,
 * and one second for each wait for a lock, set for this transaction alone: behind a pooler, the
 * next one may run on another server connection. JIT is off, because compiling the queries of the
 * catalogs would take longer than running them. The database snapshot is taken by the first query
 * that follows, not by LOCK TABLE.
 */
enum pg_outcome pg_begin(struct pg *pg);
enum pg_outcome pg_commit(struct pg *pg);

/* Run ROLLBACK after PG_REFUSED; pg_error() keeps the error that led to it. */
enum pg_outcome pg_rollback(struct pg *pg);

/* Return whether the last PG_REFUSED was only a wait for a lock that lasted too long. */
bool pg_is_locked(const struct pg *pg);

/*
 * Return whether the last PG_REFUSED passes by itself: the statement was cancelled or waited too
 * long for a lock, the server is short of resources, or it stops.
 */
bool pg_refusal_passes(const struct pg *pg);

/* Return the reason why the last call returned PG_REFUSED or PG_LOST, in one line. */
const struct errmsg *pg_error(const struct pg *pg);

/* The role as which the connection has logged in; "" without a connection. Borrowed until the next
 * connection. */
const char *pg_role(const struct pg *pg);

/* The server's "host:port", or the path of its socket; never the password. */
void pg_server(const struct pg *pg, char *text_r, size_t size);

#endif
