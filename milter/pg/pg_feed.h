#ifndef POSTERN_PG_FEED_H
#define POSTERN_PG_FEED_H

#include <stdbool.h>

#include "milter/pg/feed_changes.h"
#include "milter/pg/pg_connection.h"
#include "milter/pg/revision.h"

/*
 * What is asked of the server beside the tables: where it stands, and what changed (sql/feed.sql
 * has the functions and what they promise). Every call waits, through the connection's waiter.
 */

/*
 * Where the server stands now. Asked before pg_begin() it tells whether a snapshot that is taken
 * afterwards can be behind; asked as a transaction's last statement it lies beyond all that the
 * transaction saw.
 */
enum pg_outcome pg_revision(struct pg *pg, struct revision *revision_r);

/*
 * BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY, with [database] schema and statement_timeout for
 * this transaction alone: behind a pooler the next one may be on another server connection.
 */
enum pg_outcome pg_begin(struct pg *pg);
enum pg_outcome pg_commit(struct pg *pg);
enum pg_outcome pg_rollback(struct pg *pg);

struct feed_state {
	bool is_installed; /* sql/feed.sql was run in our schema */
	bool is_permitted; /* and we may use it */
	bool is_ready;	   /* and it records every statement on both tables */
	bool is_bypassed;  /* a logical replication subscription writes to the tables too */
};

/* In a transaction. */
enum pg_outcome pg_feed_state(struct pg *pg, struct feed_state *state_r);

/* The position of this transaction's snapshot, the caller's to free(). */
enum pg_outcome pg_feed_position(struct pg *pg, char **position_r);

/* What was committed since; *changes_r is to be feed_changes_clear()ed, on PG_OK alone. */
enum pg_outcome pg_feed_since(struct pg *pg, const char *position, struct feed_changes *changes_r);

/* Whether the last PG_REFUSED says that the feed is gone, or not for us. */
bool pg_feed_is_refused(const struct pg *pg);

#endif
