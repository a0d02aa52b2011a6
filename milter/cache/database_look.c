/*
 * Looks at the tables once: asks the server for changes, reads tables, and schedules the next look.
 * It runs on the cache thread and owns the rows that it reads until the owner of the database takes
 * it over. Shown by t/integration/test_database.py, t/integration/test_database_plain.py and
 * t/integration/test_database_outage.py.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"
#include "milter/pg/pg_load.h"

#define PAUSE_MAX_MS 10000 /* the longest pause after a load */
#define SILENT_MAX 3	   /* polls that find changes without a notification, before a warning */
#define USERS_QUERY "SELECT * FROM users" /* the tables that have the feed's triggers */
#define PROFILES_QUERY "SELECT * FROM profiles"

struct look {
	bool full;	    /* load everything */
	bool is_wanted;	    /* not a mere poll */
	bool asks_feed;	    /* a statement of the feed is running: its refusal is not the tables' */
	bool is_behind;	    /* the server is a standby that lags: nothing was read */
	bool has_read;	    /* there was a transaction */
	bool found_changes; /* the feed reported some */
	const char *why;
	struct feed_changes changes;
	char *position; /* the new one */
	struct revision revision;
	struct database_rows rows;
};

static void look_clear(struct look *look)
{
	feed_changes_clear(&look->changes);
	free(look->position);
	profiles_unref(&look->rows.profiles);
	users_unref(&look->rows.users);
	problems_free(&look->rows.profile_problems);
	problems_free(&look->rows.user_problems);
	problems_free(&look->rows.reference_problems);
}

/* ---- reading -------------------------------------------------------------------- */

static enum pg_outcome load_profiles(struct database *db, struct look *look)
{
	struct database_rows *rows = &look->rows;
	struct profiles *previous = profiles_ref(db->owner.profiles(db->owner.context));
	struct pg_load load = {
		.rcpt_re_anchored = db->owner.rcpt_re_anchored(db->owner.context),
		.previous_profiles = previous,
	};
	enum pg_outcome outcome;

	problems_free(&rows->profile_problems);
	load.problems = rows->profile_problems = problems_new();
	outcome = pg_load_profiles(db->pg, &load, &rows->profiles);
	profiles_unref(&previous);
	return outcome;
}

static enum pg_outcome load_users(struct database *db, struct look *look)
{
	struct database_rows *rows = &look->rows;
	struct profiles *profiles = profiles_ref(rows->profiles);
	struct users *previous = users_ref(db->owner.users(db->owner.context));
	struct pg_load load = { .previous = previous };
	enum pg_outcome outcome;

	problems_free(&rows->user_problems);
	problems_free(&rows->reference_problems);
	load.problems = rows->user_problems = problems_new();
	load.references = rows->reference_problems = problems_new();
	if (profiles == NULL)
		profiles = profiles_ref(db->owner.profiles(db->owner.context));
	load.profiles = profiles;
	outcome = pg_load_users(db->pg, &load, &rows->users);
	profiles_unref(&profiles);
	users_unref(&previous);
	return outcome;
}

/*
 * Read each table in which the feed reports a change. The whole table is read even if only single
 * rows changed.
 */
static enum pg_outcome load_changed_tables(struct database *db, struct look *look)
{
	const bool profiles = feed_changes_touch(&look->changes, FEED_PROFILES);
	const bool users = feed_changes_touch(&look->changes, FEED_USERS);
	enum pg_outcome outcome = PG_OK;

	look->found_changes = profiles || users;
	if (profiles)
		outcome = load_profiles(db, look);
	if (outcome == PG_OK && users)
		outcome = load_users(db, look);
	return outcome;
}

/*
 * Ask the feed for its present position and, unless everything is to be read, for the changes since
 * the rows in force.
 */
static enum pg_outcome ask_feed(struct database *db, struct look *look)
{
	enum pg_outcome outcome = PG_OK;

	look->asks_feed = true;
	if (!look->full) {
		outcome = pg_feed_since(db->pg, db->position, &look->changes);
		if (outcome == PG_OK && look->changes.everything) {
			look->full = true;
			look->why = "feed";
			log_event(LOG_LEVEL_INFO, "database change feed: %s; loading everything",
				look->changes.reason);
		}
	}
	if (outcome == PG_OK && look->full)
		outcome = db->feed_refused ? PG_OK : pg_feed_state(db->pg, &db->feed);
	if (outcome == PG_OK && database_has_feed(db))
		outcome = pg_feed_position(db->pg, &look->position);
	if (outcome != PG_REFUSED)
		look->asks_feed = false;
	return outcome;
}

static enum pg_outcome read_tables(struct database *db, struct look *look)
{
	enum pg_outcome outcome = ask_feed(db, look);

	if (outcome == PG_OK && !look->full)
		outcome = load_changed_tables(db, look);
	else if (outcome == PG_OK && (outcome = load_profiles(db, look)) == PG_OK)
		outcome = load_users(db, look);
	if (outcome == PG_OK)
		outcome = pg_revision(db->pg, &look->rows.revision);
	return outcome;
}

/* Read everything in one transaction, which has one database snapshot. */
static enum pg_outcome read_in_transaction(struct database *db, struct look *look)
{
	enum pg_outcome outcome = pg_begin(db->pg);

	if (outcome == PG_OK)
		outcome = read_tables(db, look);
	if (outcome == PG_OK)
		return pg_commit(db->pg);
	if (outcome == PG_REFUSED) {
		outcome = pg_rollback(db->pg);
		return outcome == PG_OK ? PG_REFUSED : outcome;
	}
	return outcome;
}

/*
 * Run LISTEN, unless that was done earlier. A standby refuses it until it is promoted. Without a
 * feed, everything is loaded afterwards, because earlier commits caused no notification.
 */
static enum pg_outcome listen_if_possible(struct database *db, struct look *look)
{
	enum pg_outcome outcome;

	if (look->revision.in_recovery)
		db->is_listening = false;
	if (look->revision.in_recovery || db->is_listening || db->listen_refused)
		return PG_OK;
	outcome = pg_listen(db->pg);
	if (outcome == PG_OK) {
		db->is_listening = true;
		look->full = look->full || !database_has_feed(db);
	} else if (outcome == PG_REFUSED) {
		db->listen_refused = true;
		log_event(LOG_LEVEL_WARNING,
			"database refuses LISTEN (%s): changes are found by polling",
			pg_error(db->pg)->text);
		outcome = PG_OK;
	}
	return outcome;
}

/* Retry without the feed, which the server has just refused. */
static enum pg_outcome read_without_feed(struct database *db, struct look *look)
{
	log_event(LOG_LEVEL_WARNING,
		"database change feed cannot be used (%s): run " SQL_FOLDER
		"/feed.sql, and " SQL_FOLDER
		"/role.sql with -v role='%s', again; until then each change reloads the "
		"tables",
		pg_error(db->pg)->text, pg_role(db->pg));
	db->feed_refused = true;
	db->feed = db->feed_logged = (struct feed_state){ 0 };
	db->feed_is_logged = true;
	look->asks_feed = false;
	look->full = true;
	return read_in_transaction(db, look);
}

/*
 * Check that the connection works and that the server is not behind; then read the tables that are
 * needed.
 */
static enum pg_outcome look_once(struct database *db, struct look *look)
{
	enum pg_outcome outcome = pg_revision(db->pg, &look->revision);

	if (outcome != PG_OK)
		return outcome;
	db->in_recovery = look->revision.in_recovery;
	if ((outcome = listen_if_possible(db, look)) != PG_OK)
		return outcome;
	if (revision_is_behind(&look->revision, db->owner.revision(db->owner.context))) {
		look->is_behind = true;
		return PG_OK;
	}
	if (!look->full && (db->position == NULL || !database_has_feed(db))) {
		if (!look->is_wanted)
			return PG_OK; /* a poll without a feed: any answer suffices */
		look->full = true;
	}
	look->has_read = true;
	outcome = read_in_transaction(db, look);
	if (outcome == PG_REFUSED && look->asks_feed && pg_feed_is_refused(db->pg))
		outcome = read_without_feed(db, look);
	return outcome;
}

/* ---- after a look --------------------------------------------------------------- */

/*
 * Return whether the feed reports every possible change. It does not if a configured query may read
 * other tables, too, or if a subscription writes to ours, for which no statement trigger fires.
 */
static bool feed_suffices(const struct database *db)
{
	const struct config_database *config = &db->config->database;

	return database_has_feed(db) && !db->feed.is_bypassed &&
		strcasecmp(config->users_query, USERS_QUERY) == 0 &&
		strcasecmp(config->profiles_query, PROFILES_QUERY) == 0;
}

static bool same_feed(const struct feed_state *a, const struct feed_state *b)
{
	return a->is_installed == b->is_installed && a->is_permitted == b->is_permitted &&
		a->is_ready == b->is_ready && a->is_bypassed == b->is_bypassed;
}

/* Log the state of the feed, if it has changed. */
static void log_feed(struct database *db)
{
	const unsigned interval = db->config->database.full_reload_interval;
	const struct feed_state *feed = &db->feed;

	if (db->feed_is_logged && same_feed(feed, &db->feed_logged))
		return;
	db->feed_logged = *feed;
	db->feed_is_logged = true;
	if (!feed->is_installed)
		log_event(LOG_LEVEL_NOTICE,
			"database has no change feed (" SQL_FOLDER
			"/feed.sql): the tables are reloaded on "
			"each notification and every %us",
			interval);
	else if (!feed->is_permitted)
		log_event(LOG_LEVEL_WARNING,
			"database role '%s' may not use the change feed: run " SQL_FOLDER
			"/role.sql again with -v role='%s'; until then each change reloads the tables",
			pg_role(db->pg), pg_role(db->pg));
	else if (!feed->is_ready)
		log_event(LOG_LEVEL_WARNING,
			"database triggers of the change feed are missing or disabled: run " SQL_FOLDER
			"/feed.sql again; until then each change reloads the tables");
	else if (feed->is_bypassed)
		log_event(LOG_LEVEL_NOTICE,
			"database tables are written by a subscription, too, which the change feed "
			"does not see: they are reloaded every %us",
			interval);
	else
		log_event(LOG_LEVEL_INFO, "database has a change feed");
}

/*
 * Return whether the load would empty a table that has rows although refuse_empty forbids that. If
 * so, err is set.
 */
static bool would_empty(const struct database *db, const struct look *look, struct errmsg *err)
{
	const struct profiles *profiles = db->owner.profiles(db->owner.context);
	const struct users *users = db->owner.users(db->owner.context);
	const char *table = NULL;

	if (!db->config->database.refuse_empty)
		return false;
	if (look->rows.users != NULL && users_count(look->rows.users) == 0 && users != NULL &&
		users_count(users) > 0)
		table = "users";
	else if (look->rows.profiles != NULL && profiles_count(look->rows.profiles) == 0 &&
		profiles != NULL && profiles_count(profiles) > 0)
		table = "profiles";
	if (table == NULL)
		return false;
	(void)errmsg_set(err,
		"%s would become empty; set [database] refuse_empty = no to accept that", table);
	return true;
}

static void note_failed_load(struct database *db, const struct look *look, const struct errmsg *err)
{
	if (strcmp(err->text, db->load_error.text) != 0)
		log_event(LOG_LEVEL_ERROR, "load failed, the rows in force stay: %s", err->text);
	db->load_error = *err;
	db->loads_failed++;
	db->answer = *err;
	db->retry_at = clock_ms() + (int64_t)db->config->database.poll_interval * 1000;
	if (look->full)
		db->retry_full = true;
	database_set_state(db, db->state);
}

/* Warn once if polls keep finding changes without a notification, as behind a pooler. */
static void count_missed_notification(struct database *db, const struct look *look)
{
	if (!look->found_changes || !db->is_listening || strcmp(look->why, "poll") != 0)
		return;
	if (++db->silent == SILENT_MAX)
		log_event(LOG_LEVEL_WARNING,
			"database changed %d times without a notification on channel %s: LISTEN does not work through PgBouncer's transaction pooling, "
			"or the triggers notify on another channel; changes are found every %us",
			SILENT_MAX, db->config->database.channel,
			db->config->database.poll_interval);
}

/* The look succeeded: hand the rows to the owner. */
static void hand_over(struct database *db, struct look *look)
{
	bool has_rows = look->rows.profiles != NULL || look->rows.users != NULL;
	struct errmsg err;

	if (would_empty(db, look, &err)) {
		note_failed_load(db, look, &err);
		return;
	}
	if (db->load_error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "load succeeds again");
	db->load_error.text[0] = '\0';
	if (look->has_read) {
		free(db->position);
		db->position = look->position;
		look->position = NULL;
		db->retry_at = CLOCK_NEVER;
		db->retry_full = false;
	}
	count_missed_notification(db, look);
	if (look->full && look->has_read)
		log_feed(db);
	look->rows.why = look->why;
	if (has_rows) {
		db->owner.take(db->owner.context, &look->rows);
		look->rows = (struct database_rows){ 0 };
	} else {
		db->owner.confirm(db->owner.context, look->has_read ? &look->rows.revision : NULL);
	}
}

/* Decide when to look again. */
static void schedule_looks(struct database *db, const struct look *look, int64_t began)
{
	const struct config_database *config = &db->config->database;
	int64_t now = clock_ms(), took = now - began;

	db->poll_at = now + (int64_t)config->poll_interval * 1000;
	if (look->has_read)
		db->not_before = now + (took < PAUSE_MAX_MS ? took : PAUSE_MAX_MS);
	if (look->full && look->has_read)
		db->full_at = now + (int64_t)config->full_reload_interval * 1000;
	if (config->full_reload_interval == 0 || feed_suffices(db))
		db->full_at = CLOCK_NEVER;
	else if (db->full_at == CLOCK_NEVER)
		db->full_at = now + (int64_t)config->full_reload_interval * 1000;
}

static enum database_state state_of(const struct database *db, const struct look *look)
{
	if (look->is_behind)
		return DATABASE_BEHIND;
	return db->is_listening && db->silent < SILENT_MAX ? DATABASE_LISTENING : DATABASE_POLLING;
}

/* The server answered: remember that, and log a change of the state. */
static void note_answer(struct database *db, const struct look *look)
{
	enum database_state state = state_of(db, look);

	if (db->attempts > 0 || !db->was_reached || db->error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "database connected server=%s standby=%s state=%s",
			db->server, db->in_recovery ? "yes" : "no", database_state_name(state));
	if (look->is_behind && db->state != DATABASE_BEHIND)
		log_event(LOG_LEVEL_WARNING,
			"database server=%s is a standby that lags behind the rows in force: "
			"waiting for it",
			db->server);
	db->attempts = 0;
	db->was_reached = true;
	db->error.text[0] = '\0';
	database_set_state(db, state);
}

void database_look(struct database *db)
{
	struct look look = {
		.full = db->wants_full,
		.is_wanted = db->wants_look,
		.why = db->why,
		.changes = FEED_CHANGES_INIT,
	};
	uint64_t request = db->requested;
	int64_t began = clock_ms();
	enum pg_outcome outcome;

	db->wants_full = db->wants_look = false; /* the next one may be wanted during this one */
	outcome = look_once(db, &look);
	if (outcome == PG_LOST || outcome == PG_GIVEN_UP || look.is_behind)
		db->wants_full = db->wants_full || look.full;
	if (outcome == PG_LOST) {
		database_lost(db, pg_error(db->pg));
	} else if (outcome == PG_GIVEN_UP) {
		pg_close(&db->pg);
	} else {
		db->answer.text[0] = '\0';
		look.rows.took = clock_ms() - began;
		note_answer(db, &look);
		if (outcome == PG_REFUSED)
			note_failed_load(db, &look, pg_error(db->pg));
		else if (look.is_behind)
			(void)errmsg_set(&db->answer, "the standby lags behind the rows in force");
		else
			hand_over(db, &look);
		schedule_looks(db, &look, began);
		db->answered = request;
	}
	look_clear(&look);
}
