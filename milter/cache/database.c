#include "milter/cache/database.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

struct database *database_new(const struct database_owner *owner)
{
	struct database *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return NULL;
	db->owner = *owner;
	db->why = "start";
	db->poll_at = db->full_at = db->retry_at = CLOCK_NEVER;
	return db;
}

void database_free(struct database **database)
{
	struct database *db = *database;

	*database = NULL;
	if (db == NULL)
		return;
	pg_close(&db->pg);
	database_drop_config(&db->config, &db->arena);
	database_drop_config(&db->next, &db->next_arena);
	free(db->position);
	free(db);
}

void database_set_state(struct database *db, enum status_database state)
{
	if (db->state != state) {
		db->state = state;
		db->since = time(NULL);
	}
	db->owner.changed(db->owner.context);
}

void database_want(struct database *db, bool full, const char *why)
{
	if (!db->wants_look || full)
		db->why = why;
	db->wants_look = true;
	db->wants_full = db->wants_full || full;
}

void database_lost(struct database *db, const struct errmsg *err)
{
	const struct errmsg why = *err; /* may be the connection's own */
	uint32_t random = 0;

	pg_close(&db->pg);
	if (strcmp(why.text, db->error.text) != 0)
		log_event(LOG_LEVEL_WARNING, "database %s: %s",
			db->state == DATABASE_CONNECTING || db->state == DATABASE_DOWN ?
				"not reached" :
				"lost",
			why.text);
	db->error = db->answer = why;
	db->answered = db->requested;
	db->attempts++;
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	db->connect_at = clock_ms() +
		clock_backoff(db->attempts, (int64_t)db->config.reconnect_max * 1000, random);
	database_set_state(db, db->was_reached ? DATABASE_DOWN : DATABASE_CONNECTING);
}

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

/* ---- what the configuration says ---------------------------------------------- */

/* Nothing waits: the new configuration is the one from here on. */
static void take_next(struct database *db)
{
	bool same;

	if (db->next_arena == NULL)
		return;
	same = database_same_source(&db->config, &db->next);
	if (!same)
		pg_close(&db->pg);
	database_drop_config(&db->config, &db->arena);
	db->config = db->next;
	db->arena = db->next_arena;
	db->next_arena = NULL;
	db->gives_up = false;
	if (same)
		return;
	free(db->position);
	db->position = NULL;
	db->feed = (struct feed_state){ 0 };
	db->attempts = 0;
	db->connect_at = 0;
	db->was_reached = false;
	db->poll_at = db->full_at = db->retry_at = CLOCK_NEVER;
	db->error.text[0] = db->load_error.text[0] = db->server[0] = '\0';
	database_set_state(db, db->config.present ? DATABASE_CONNECTING : DATABASE_OFF);
}

void database_configure(struct database *database, const struct config *config)
{
	struct config_database next;
	struct arena *arena;

	if (database_copy_config(&config->database, &next, &arena) < 0) {
		log_event(LOG_LEVEL_ERROR, "out of memory: [database] stays as it was");
		return;
	}
	database_drop_config(&database->next, &database->next_arena);
	database->next = next;
	database->next_arena = arena;
	if (!database->is_busy)
		take_next(database);
	else if (!database_same_source(&database->config, &next))
		database->gives_up = true;
}

bool database_gives_up(const struct database *database)
{
	return database->gives_up;
}

bool database_is_configured(const struct database *database)
{
	return database->next_arena != NULL ? database->next.present : database->config.present;
}

uint64_t database_reload(struct database *database)
{
	database_want(database, true, "reload");
	database->connect_at = 0;
	database->not_before = 0;
	database->feed_refused = false;
	return ++database->requested;
}

bool database_reloaded(const struct database *database, uint64_t request, struct errmsg *err_r)
{
	err_r->text[0] = '\0';
	if (!database_is_configured(database))
		return true;
	if (database->answered < request)
		return false;
	*err_r = database->answer;
	return true;
}

/* ---- what is due --------------------------------------------------------------- */

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
	take_next(db);
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
	take_next(db);
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
