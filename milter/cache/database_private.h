#ifndef POSTERN_DATABASE_PRIVATE_H
#define POSTERN_DATABASE_PRIVATE_H

#include "lib/base/arena.h"
#include "milter/cache/database.h"
#include "milter/pg/feed_changes.h"
#include "milter/pg/pg_feed.h"

/* Of database.c, database_look.c and database_config.c alone. */
struct database {
	struct database_owner owner;
	struct arena *arena;	       /* of config's texts */
	struct config_database config; /* what pg works with */
	struct arena *next_arena;      /* of next's; NULL: there is no next */
	struct config_database next;   /* to be taken as soon as nothing waits */
	bool is_busy;		       /* a call waits */
	bool gives_up;		       /* that call is to end */

	struct pg *pg;
	unsigned attempts; /* to connect, without success, one after the other */
	int64_t connect_at;
	bool is_listening;
	bool listen_refused; /* on this connection, by a primary */
	bool in_recovery;
	bool was_reached;

	struct feed_state feed;
	bool feed_refused;	     /* on this connection */
	struct feed_state feed_said; /* what was logged of it */
	bool feed_is_said;
	char *position;	 /* of what is in force, in the feed; NULL: none */
	unsigned silent; /* polls in a row that found a change which nobody notified of */

	bool wants_full; /* the next look loads everything */
	bool wants_look;
	const char *why; /* it is wanted */
	int64_t poll_at, full_at;
	int64_t retry_at; /* after a load that failed; CLOCK_NEVER: it did not */
	bool retry_full;
	int64_t not_before; /* loads are not to take all the time there is */
	uint64_t requested, answered;
	struct errmsg answer;

	enum status_database state;
	time_t since;
	char server[256];
	struct errmsg error;	  /* of the connection; "" for none */
	struct errmsg load_error; /* of the last load; "" for none */
	uint64_t loads_failed;
};

/* ---- database_state.c ---- */

/* Remember a state, and tell the owner. */
void database_set_state(struct database *db, enum status_database state);

/* The connection is lost: close it, log why (once), and connect again after a while. */
void database_lost(struct database *db, const struct errmsg *err);

/* Have the next database_run() look at the tables; full: load them whole. why is a constant. */
void database_want(struct database *db, bool full, const char *why);

/* Put the next configuration in force, if there is one. Only while no call waits. */
void database_take_next(struct database *db);

/* Whether the change feed can be asked. */
bool database_has_feed(const struct database *db);

/* ---- database_look.c ---- */

/*
 * Find out on the open connection what changed, or load everything, and hand it to the owner.
 * Schedules the next look; calls database_lost() when the connection is lost.
 */
void database_look(struct database *db);

#endif
