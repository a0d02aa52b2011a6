#ifndef POSTERN_PG_CONNECTION_H
#define POSTERN_PG_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/conf/config.h"

/*
 * One connection to PostgreSQL, for one thread. Nothing here blocks in libpq: whatever has to be
 * waited for is waited for through the caller's pg_waiter, which meanwhile does what else its
 * thread has to do, and may say that waiting is to end.
 */
struct pg;

enum pg_wait { PG_WAIT_READY, PG_WAIT_TIMEOUT, PG_WAIT_GIVE_UP };

struct pg_waiter {
	void *context;

	/*
	 * Wait until fd can be read (or written, for_write), or the clock (clock_ms()) shows
	 * deadline. fd -1: nothing to wait for; look after the rest of the thread and return.
	 */
	enum pg_wait (*wait)(void *context, int fd, bool for_write, int64_t deadline);
};

enum pg_outcome {
	PG_OK,
	PG_REFUSED, /* the server said no; the connection lives, a transaction on it doesn't */
	PG_LOST,    /* the connection is of no use any more: pg_close() */
	PG_GIVEN_UP /* the waiter said so; of no use any more either */
};

/*
 * Connect, as [database] says: to the first host that takes us, connect_timeout for each. Names are
 * looked up in a thread of its own, since a resolver may hang too; given up, that thread ends by
 * itself. config and waiter are borrowed until pg_close(). PG_OK, PG_LOST with err set, or
 * PG_GIVEN_UP. err never shows the connection string.
 */
enum pg_outcome pg_connect(const struct config_database *config, const struct pg_waiter *waiter,
	struct pg **pg_r, struct errmsg *err);

void pg_close(struct pg **pg); /* takes NULL */

int pg_fd(const struct pg *pg); /* readable when a notification may have come */

/* Take in what has come unasked. *notified_r: whether a notification came since the last call. */
enum pg_outcome pg_take_notifications(struct pg *pg, bool *notified_r);

/* LISTEN [database] channel, committed. Refused on a standby. */
enum pg_outcome pg_listen(struct pg *pg);

/* Why the last call gave PG_REFUSED or PG_LOST: one line, and the SQLSTATE ("" without one). */
const struct errmsg *pg_error(const struct pg *pg);
const char *pg_sqlstate(const struct pg *pg);

/* "host:port", or the socket's path: who answers. */
void pg_server(const struct pg *pg, char *text, size_t size);

/* Have rows read without COPY from now on: something between us and the tables doesn't know it. */
void pg_avoid_copy(struct pg *pg);

#endif
