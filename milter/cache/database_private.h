#ifndef POSTERN_DATABASE_PRIVATE_H
#define POSTERN_DATABASE_PRIVATE_H

#include "milter/cache/database.h"
#include "milter/pg/feed_changes.h"
#include "milter/pg/pg_feed.h"
#include "milter/pg/pg_reads.h"

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
	bool is_accepted; /* a server has accepted pg, or the connection that was tried last */
	bool is_fresh;	  /* pg was made in this run: the other hosts were tried */
	bool is_listening;
	bool listen_refused; /* on this connection, by a primary */
	bool listen_is_lost; /* through the pooler; until a reload, or a connection without one */
	bool in_recovery;    /* the server is a standby */
	bool was_reached;    /* since this source was configured */

	/* How the tables are followed, as the last look found it. */
	struct feed_state feed;
	struct errmsg feed_fault; /* why the feed does not work although it should; "": it may */
	bool feed_was_used;	  /* since this source was configured, or a reload */
	struct pg_reads *reads;	  /* NULL: not asked on this connection, or EXPLAIN was refused */
	char reads_marks[PG_MARKS_SIZE]; /* when that was asked */
	struct errmsg reads_error;	 /* why it was refused; "" if it was not */
	struct errmsg follow_logged;	 /* what was logged last about all of these */
	struct errmsg whole_logged;	 /* the same about tables that are read whole */

	/* The position of the rows in force: what they are compared with at each look. */
	char *position;		   /* the feed's; NULL: unknown */
	char marks[PG_MARKS_SIZE]; /* of what the queries read; "": unknown */
	time_t right_at; /* wall clock: when they were last known to be the tables' rows */

	unsigned silent; /* polls that found changes of which no notification came */

	bool wants_look; /* the next run looks at the tables */
	bool wants_full; /* that look loads everything */
	const char *why; /* a look is wanted: for the log */
	int64_t poll_at, full_at;
	int64_t retry_at; /* after a failed load; else CLOCK_NEVER */
	bool retry_full;
	int64_t not_before; /* of the next wanted look: loads must not use up all time */
	uint64_t requested, answered;
	bool accepts_older;   /* the last request accepts an older state */
	struct errmsg answer; /* of the last look; "" when it succeeded */

	enum database_state state;
	enum revision_age age;	     /* of the server's state, when it was last asked */
	struct errmsg behind;	     /* the same in words; "" if it is current */
	struct errmsg behind_logged; /* the older state that was logged last */
	time_t since;
	char server[256];
	struct errmsg error;	  /* of the connection; "" for none */
	struct errmsg load_error; /* of the last load; "" for none */
	time_t locked_since;	  /* wall clock: others lock or change the tables; 0: no */
	uint64_t loads_failed;
};

/* One look at the tables. */
struct look {
	bool full;	    /* load everything */
	bool is_wanted;	    /* not a mere poll */
	bool asks_feed;	    /* a statement of the feed is running: its refusal is not the tables' */
	bool accepts_older; /* read the tables even if the server's state is older */
	bool is_behind;	    /* the server's state is older than the rows in force: they stay */
	bool was_listening; /* since the previous look, so that changes since then were notified */
	bool listens_later; /* at the next look, which is due at once */
	bool is_at_once;    /* it compares and reads in one transaction */
	bool knows_age;	    /* the server's state was asked during this look */
	bool had_feed;	    /* the rows in force have a position in the feed */
	bool feed_is_refused;	/* during this look */
	bool locks_tables;	/* LOCK TABLE is running: its refusal is not the tables' */
	bool locks_are_refused; /* during this look */
	bool reads_by_id;	/* single rows are being read: a refusal need not be the table's */
	bool ids_are_refused;	/* during this look */
	bool has_compared;	/* the tables with the position of the rows in force */
	bool has_read;		/* rows were read */
	bool found_changes;	/* the feed reported some */
	bool is_outdated;	/* what the queries read became something else meanwhile */
	time_t standby_time;	/* wall clock: no database snapshot of the look is older; 0: as the
				   look */
	time_t began;		/* wall clock: the last transaction */
	const char *why;
	struct feed_changes changes;
	char *position; /* the new one */
	char marks[PG_MARKS_SIZE];
	struct revision revision;
	struct database_rows rows;
};

/* ---- database_servers.c ---- */

/*
 * Connect to the first host of [database] conninfo whose state is not older than the rows in force;
 * if each of those that answer is older, to the best of them. Replaces the connection. Otherwise
 * returns PG_LOST with err set, or PG_GIVEN_UP, and the connection stays.
 */
enum pg_outcome database_find_server(struct database *db, struct errmsg *err);

/* Set text_r to what a server's state means, for people; "" if it is current. */
void database_explain_age(const struct database *db, enum revision_age age,
	const struct revision *here, struct errmsg *text_r);

/* ---- database_follow.c ---- */

/* Return whether the change feed can be asked. */
bool database_has_feed(const struct database *db);

/*
 * Return whether a look finds every change of what the queries read. If not, err_r is set to the
 * reason, for people: then only reading everything shows what is in the tables.
 */
bool database_finds_all(const struct database *db, struct errmsg *err_r);

/*
 * Return whether a change of one row makes a look read a whole table, although the feed reports the
 * row. If so, err_r is set to the reasons, for people.
 */
bool database_reads_whole(const struct database *db, struct errmsg *err_r);

/* Log how the tables are followed, if that has changed. */
void database_log_following(struct database *db);

/* ---- database_state.c ---- */

/* Return whether there is a [database] in the configuration that pg works with. */
bool database_is_on(const struct database *db);

/* Remember a state, and tell the owner. */
void database_set_state(struct database *db, enum database_state state);

/* Close the connection, and forget what was asked on it. */
void database_close(struct database *db);

/*
 * The connection is lost, or no server accepted one: close it, log why (in the second case each
 * reason once), and connect again after a while.
 */
void database_lost(struct database *db, const struct errmsg *err);

/* Have the next database_run() look at the tables; full: load them whole. why is a constant. */
void database_want(struct database *db, bool full, const char *why);

/* Put the next configuration in force, if there is one. Only while no call waits. */
void database_take_next(struct database *db);

/* ---- database_read.c ---- */

/*
 * Compare the tables with the position of the rows in force, over the open connection, and read
 * what differs, or everything. The caller must look_clear() the look, which then has the new
 * position and rows.
 */
enum pg_outcome look_once(struct database *db, struct look *look);

void look_clear(struct look *look);

/* ---- database_rows.c ---- */

/*
 * Load all tables if look->full, else those, or those rows, in which the feed reports a change,
 * into look->rows. Runs in a transaction whose database snapshot is that of the feed's report.
 */
enum pg_outcome database_load_rows(struct database *db, struct look *look);

/* Release the rows. */
void database_clear_rows(struct look *look);

/* Return whether the feed reports a change of any table. */
bool database_has_changes(const struct look *look);

/* ---- database_look.c ---- */

/*
 * Read the changes over the open connection, or load everything, and hand the rows to the owner.
 * Schedules the next look; calls database_lost() when the connection is lost.
 */
void database_look(struct database *db);

#endif
