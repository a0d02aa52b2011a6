#ifndef POSTERN_PG_FEED_H
#define POSTERN_PG_FEED_H

#include <stdbool.h>
#include <time.h>

#include "milter/pg/feed_changes.h"
#include "milter/pg/pg_connection.h"
#include "milter/pg/revision.h"

/*
 * Asks the server for its revision and the change feed for changes; sql/feed.sql defines the feed's
 * functions and their guarantees. Every call waits through the connection's waiter.
 */

/*
 * The server's present revision. Asked before pg_begin(), it tells whether a database snapshot
 * taken afterwards can be behind; asked as a transaction's last statement, it lies beyond
 * everything that the transaction saw.
 */
enum pg_outcome pg_revision(struct pg *pg, struct revision *revision_r);

/*
 * How old a standby is (wall clock): the time of the last commit that it has replayed, or 0 if it
 * has replayed everything and still receives. A database snapshot taken later is at least as new.
 * Asked of a primary, the answer means nothing.
 */
enum pg_outcome pg_standby_time(struct pg *pg, time_t *time_r);

/* The usable parts of the change feed. */
struct feed_state {
	bool is_present;   /* some of what sql/feed.sql makes exists in [database] schema */
	bool is_installed; /* all that a reader needs exists */
	bool is_permitted; /* and our role may use it */
	bool is_ready;	   /* and it records every statement on both tables */
	bool has_look;	   /* it has feed_look(); an older one is asked in two calls */
	bool is_hidden;	   /* row-level security hides rows of its tables from our role */
	char missing[256]; /* what a reader needs and does not exist */
};

/* The two functions below run in a transaction. */
enum pg_outcome pg_feed_state(struct pg *pg, struct feed_state *state_r);

/*
 * The changes committed since a position (NULL: none, so that everything has changed), and the
 * position of the transaction's database snapshot, in one statement. On PG_OK the caller must
 * feed_changes_clear() and free() them.
 */
enum pg_outcome pg_feed_look(struct pg *pg, const struct feed_state *feed, const char *since,
	struct feed_changes *changes_r, char **reached_r);

#endif
