#ifndef POSTERN_DATABASE_PRIVATE_H
#define POSTERN_DATABASE_PRIVATE_H

#include "milter/cache/database.h"
#include "milter/pg/feed_changes.h"
#include "milter/pg/pg_feed.h"

/* The database's state, for the files database*.c only. Times are of clock_ms(). */
struct database {
	struct database_owner owner;
	const struct config *config; /* a reference: in use by pg; NULL before the first one */
	const struct config *next;   /* a reference: in force once no call waits; NULL: none */
	bool is_busy;		     /* database_run() is running, and may be waiting */
	bool gives_up;		     /* the call that waits must end: `next` is another source */

	struct pg *pg;	   /* NULL: no connection */
	unsigned attempts; /* to connect, failed in a row */
	int64_t connect_at;
	bool is_listening;
	bool listen_refused; /* on this connection, by a primary */
	bool in_recovery;    /* the server is a standby */
	bool was_reached;    /* since this source was configured */

	struct feed_state feed;
	bool feed_refused;	       /* on this connection */
	struct feed_state feed_logged; /* the state that was logged last */
	bool feed_is_logged;
	char *position;	 /* the feed's, of the rows in force; NULL: unknown */
	unsigned silent; /* polls that found changes of which no notification came */

	bool wants_look; /* the next run looks at the tables */
	bool wants_full; /* that look loads everything */
	const char *why; /* a look is wanted: for the log */
	int64_t poll_at, full_at;
	int64_t retry_at; /* after a failed load; else CLOCK_NEVER */
	bool retry_full;
	int64_t not_before; /* of the next wanted look: loads must not use up all time */
	uint64_t requested, answered;
	struct errmsg answer; /* of the last look; "" when it succeeded */

	enum database_state state;
	time_t since;
	char server[256];
	struct errmsg error;	  /* of the connection; "" for none */
	struct errmsg load_error; /* of the last load; "" for none */
	uint64_t loads_failed;
};

/* ---- database_state.c ---- */

/* Return whether there is a [database] in the configuration that pg works with. */
bool database_is_on(const struct database *db);

/* Remember a state, and tell the owner. */
void database_set_state(struct database *db, enum database_state state);

/* The connection is lost: close it, log why (each reason once), and connect again after a while. */
void database_lost(struct database *db, const struct errmsg *err);

/* Have the next database_run() look at the tables; full: load them whole. why is a constant. */
void database_want(struct database *db, bool full, const char *why);

/* Put the next configuration in force, if there is one. Only while no call waits. */
void database_take_next(struct database *db);

/* Return whether the change feed can be asked. */
bool database_has_feed(const struct database *db);

/* ---- database_look.c ---- */

/*
 * Read the changes over the open connection, or load everything, and hand the rows to the owner.
 * Schedules the next look; calls database_lost() when the connection is lost.
 */
void database_look(struct database *db);

#endif
