/*
 * Does the work that is due on the database: connects, receives notifications, and decides when to
 * look at the tables. It runs on the cache thread and owns nothing but the order of these steps.
 * Shown by t/integration/test_database.py and t/integration/test_database_outage.py.
 */
#include "milter/cache/database.h"

#include "milter/cache/database_private.h"
#include "milter/loop/clock.h"

static void connect_now(struct database *db)
{
	struct errmsg err = { "" };
	enum pg_outcome outcome;

	outcome = database_find_server(db, &err);
	if (outcome == PG_LOST)
		database_lost(db, &err);
	if (outcome != PG_OK)
		return;
	/* Without a feed, the changes made meanwhile are unknown. */
	database_want(db, db->position == NULL || !database_has_feed(db),
		db->was_reached ? "reconnect" : "connect");
	db->not_before = 0;
}

/* Want a look if a notification arrived. The connection may turn out to be lost. */
static void receive_notifications(struct database *db)
{
	enum pg_outcome outcome;
	bool notified = false;

	outcome = pg_take_notifications(db->pg, &notified);
	if (notified) {
		db->silent = 0;
		database_want(db, false, "notification");
	}
	if (outcome != PG_OK)
		database_lost(db, pg_error(db->pg));
}

/* Want the looks that are due by the clock, except for polls. */
static void want_what_is_due(struct database *db, int64_t now)
{
	if (now >= db->retry_at) {
		database_want(db, db->retry_full, "retry");
		db->retry_at = CLOCK_NEVER;
	}
	if (now >= db->full_at) {
		database_want(db, true, "full_reload_interval");
		db->full_at = CLOCK_NEVER;
	}
}

static void look_if_due(struct database *db, int64_t now)
{
	want_what_is_due(db, now);
	if (!db->wants_look && now >= db->poll_at)
		db->why = "poll";
	if ((db->wants_look && now >= db->not_before) || now >= db->poll_at)
		database_look(db);
}

void database_run(struct database *database)
{
	struct database *db = database;
	int64_t now = clock_ms();

	if (db->is_busy)
		return;
	database_take_next(db);
	if (!database_is_on(db))
		return;
	db->is_busy = true;
	if (db->pg == NULL && now >= db->connect_at)
		connect_now(db);
	if (db->pg != NULL)
		receive_notifications(db);
	if (db->pg != NULL)
		look_if_due(db, now);
	if (db->pg != NULL)
		receive_notifications(db); /* those that arrived during the look */
	db->is_busy = false;
	database_take_next(db);
}

int64_t database_due(const struct database *database)
{
	if (!database_is_on(database))
		return CLOCK_NEVER;
	if (database->pg == NULL)
		return database->connect_at;
	return clock_earlier(database->wants_look ? database->not_before : CLOCK_NEVER,
		clock_earlier(database->poll_at,
			clock_earlier(database->full_at, database->retry_at)));
}

int database_fd(const struct database *database)
{
	return database->pg != NULL ? pg_fd(database->pg) : -1;
}
