#ifndef POSTERN_DATABASE_H
#define POSTERN_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/conf/config.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"
#include "milter/pg/pg_connection.h"
#include "milter/pg/revision.h"
#include "milter/shared/status.h"

/*
 * What keeps the tables in force: connects, listens, asks the change feed or loads everything,
 * reconnects; decides when. Of the cache thread alone. What it waits for, it waits for by its
 * owner's pg_waiter, which may call database_configure() and database_reload() meanwhile, but not
 * database_run().
 */
struct database;

/* What a load brought. Taken over by the owner, all of it. */
struct database_rows {
	struct profiles *profiles;	   /* NULL: not read, those in force stay */
	struct users *users;		   /* the same */
	struct problems *profile_problems; /* of what was read */
	struct problems *user_problems;
	struct problems *reference_problems; /* users without their profile; NULL: nobody looked */
	struct revision revision;
	int64_t took;	 /* ms */
	const char *why; /* "notification", "poll", ...: for the log */
};

/* Where it reports to. In the cache thread. */
struct database_owner {
	struct pg_waiter waiter;
	void *context;

	/*
	 * What is in force now. NULL: no table was ever loaded. Borrowed until pg_* waits: a reload
	 * may put others in their place meanwhile.
	 */
	struct profiles *(*profiles)(void *context);
	struct users *(*users)(void *context);
	const struct revision *(*revision)(void *context);
	bool (*rcpt_re_anchored)(void *context);

	/* Put these rows in force. */
	void (*take)(void *context, struct database_rows *rows);

	/* What is in force is what the tables hold, as of now. */
	void (*confirm)(void *context, const struct revision *revision);

	/* state, server, feed or error changed: database_describe() tells. */
	void (*changed)(void *context);
};

/* owner is copied. NULL when out of memory. */
struct database *database_new(const struct database_owner *owner);
void database_free(struct database **database); /* takes NULL */

/*
 * Follow what the configuration says (copied). Where it matters, the connection is closed and
 * everything loaded anew: at once, or when the call that is waiting has given up.
 */
void database_configure(struct database *database, const struct config *config);

/*
 * Load everything, and connect now if there is no connection. Returns the request's number:
 * database_reloaded() says when a load that began later has ended.
 */
uint64_t database_reload(struct database *database);

/* Whether that request is answered; then *err_r is "" or says why nothing was loaded. */
bool database_reloaded(const struct database *database, uint64_t request, struct errmsg *err_r);

/* Do what is due. */
void database_run(struct database *database);

/* When database_run() has something to do at the latest; sooner when database_fd() can be read. */
int64_t database_due(const struct database *database);
int database_fd(const struct database *database); /* -1: no connection */

/* Whether the call that waits is to give up: it works for a configuration that is no more. */
bool database_gives_up(const struct database *database);

/* Whether [database] is there; and whether it has been tried without success and nothing loaded
 * yet. */
bool database_is_configured(const struct database *database);

/* Set the fields of status that are the database's. */
void database_describe(const struct database *database, struct status *status);

#endif
