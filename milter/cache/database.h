#ifndef POSTERN_DATABASE_H
#define POSTERN_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/conf/config.h"
#include "milter/cache/cache_status.h"
#include "milter/pg/pg_connection.h"
#include "milter/pg/revision.h"
#include "milter/pg/row_tables.h"

/*
 * Keeps the tables in force: connects, listens, asks the change feed or loads everything,
 * reconnects, and decides when. Only the cache thread uses it. Every wait goes through the owner's
 * pg_waiter, which may call database_configure() and database_reload() meanwhile, but not
 * database_run().
 */
struct database;

/* The result of a load. The owner takes over everything in it. */
struct database_rows {
	struct {
		void *set;		   /* NULL: not read, the one in force stays */
		struct problems *problems; /* of all rows of the set */
		size_t row_count;	   /* of the single rows that were read; 0: all were read */
	} tables[FEED_TABLES];
	struct revision revision;
	time_t right_at; /* when the rows in force, with these, were last known to be the tables' */
	int64_t took;	 /* ms */
	const char *why; /* for the log: "notification", "poll", ... */
};

/* The owner, which the database asks and reports to, on the cache thread. */
struct database_owner {
	struct pg_waiter waiter;
	void *context;

	/*
	 * The set of a table that is in force; NULL before the first load. It is borrowed until the
	 * next call of a pg_ function, because a reload may replace it while that waits.
	 */
	void *(*set)(void *context, enum feed_table table);
	const struct revision *(*revision)(void *context);
	struct row_context (*row_context)(void *context);

	/* Put these rows in force. */
	void (*take)(void *context, struct database_rows *rows);

	/*
	 * A look read no rows. right_at: as in struct database_rows; a look that learned nothing
	 * about some of what the queries read does not advance it. revision is the tables' present
	 * one, or NULL.
	 */
	void (*confirm)(void *context, const struct revision *revision, time_t right_at);

	/* The state, the server, the feed or an error changed: see database_describe(). */
	void (*changed)(void *context);
};

/* owner is copied. Returns NULL when out of memory. */
struct database *database_new(const struct database_owner *owner);
void database_free(struct database **database); /* accepts NULL */

/*
 * Use this configuration; takes a reference. A change of the connection, channel or queries closes
 * the connection and loads everything anew: now, or once the call that waits has given up. Other
 * changes apply from the next statement on.
 */
void database_configure(struct database *database, const struct config *config);

/*
 * Have everything loaded by the next database_run(), which also connects if there is no connection.
 * accept_older: even if the state of every server that answers is older than the rows in force.
 * Returns the request's number for database_reloaded().
 */
uint64_t database_reload(struct database *database, bool accept_older);

/*
 * Return whether a load that began after that request has ended. If so, *err_r is "", or the reason
 * why nothing was loaded.
 */
bool database_reloaded(const struct database *database, uint64_t request, struct errmsg *err_r);

/* Do the work that is due. */
void database_run(struct database *database);

/* When database_run() must be called at the latest; sooner if database_fd() becomes readable. */
int64_t database_due(const struct database *database);
int database_fd(const struct database *database); /* -1: no connection */

/*
 * Return whether the call that waits must give up, because the configuration has another source
 * now.
 */
bool database_gives_up(const struct database *database);

/* Return whether the latest configuration has a [database]. */
bool database_is_configured(const struct database *database);

/* Set the fields of status that describe the database. */
void database_describe(const struct database *database, struct cache_status *status);

#endif
