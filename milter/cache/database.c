#include "milter/cache/database.h"

#include "milter/cache/database_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

static void connect_now(struct database *db)
{
	struct errmsg err = { "" };
	enum pg_outcome outcome;

	outcome = pg_connect(&db->config, &db->owner.waiter, &db->pg, &err);
	if (outcome == PG_LOST)
		database_lost(db, &err);
	if (outcome != PG_OK)
		return;
	pg_server(db->pg, db->server, sizeof(db->server));
	db->is_listening = db->listen_refused = db->feed_refused = false;
	/* Without a feed nobody knows what was missed. */
	database_want(db, db->position == NULL || !database_has_feed(db),
		db->was_reached ? "reconnect" : "connect");
	db->not_before = 0;
}

/* Whether somebody notified us; the connection may turn out to be lost. */
static void take_notifications(struct database *db)
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

/* What the clock says: sets what is wanted. */
static void look_at_clock(struct database *db, int64_t now)
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

void database_run(struct database *database)
{
	struct database *db = database;
	int64_t now = clock_ms();

	if (db->is_busy)
		return;
	database_take_next(db);
	if (!db->config.present)
		return;
	db->is_busy = true;
	if (db->pg == NULL && now >= db->connect_at)
		connect_now(db);
	if (db->pg != NULL)
		take_notifications(db);
	if (db->pg != NULL) {
		look_at_clock(db, now);
		if (!db->wants_look && now >= db->poll_at)
			db->why = "poll";
		if ((db->wants_look && now >= db->not_before) || now >= db->poll_at)
			database_look(db);
	}
	if (db->pg != NULL)
		take_notifications(db); /* that came while it looked */
	db->is_busy = false;
	database_take_next(db);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t database_due(const struct database *database)
{
	if (!database->config.present)
		return CLOCK_NEVER;
	if (database->pg == NULL)
		return database->connect_at;
	return earlier(database->wants_look ? database->not_before : CLOCK_NEVER,
		earlier(database->poll_at, earlier(database->full_at, database->retry_at)));
}

int database_fd(const struct database *database)
{
	return database->pg != NULL ? pg_fd(database->pg) : -1;
}
