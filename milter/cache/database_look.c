#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"
#include "milter/pg/pg_load.h"

#define PAUSE_MAX_MS 10000 /* the longest pause after a load */
#define SILENT_MAX 3	   /* changes found by polling alone until that is worth a word */
#define USERS_QUERY "SELECT * FROM users" /* the tables that the feed's triggers stand on */
#define PROFILES_QUERY "SELECT * FROM profiles"

/* One look at the tables. */
struct look {
	bool full;	/* load everything */
	bool is_wanted; /* not a mere poll */
	bool asks_feed; /* a statement of the feed's is running: its refusal is not the tables' */
	bool is_behind; /* a standby that lags: nothing was read */
	bool has_read;	/* there was a transaction */
	bool found_changes; /* by asking the feed */
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

static enum pg_outcome load_profiles(struct database *db, struct look *look)
{
	struct database_rows *rows = &look->rows;

	problems_free(&rows->profile_problems);
	rows->profile_problems = problems_new();
	return pg_load_profiles(db->pg, db->owner.rcpt_re_anchored(db->owner.context),
		&rows->profiles, rows->profile_problems);
}

static enum pg_outcome load_users(struct database *db, struct look *look)
{
	struct database_rows *rows = &look->rows;
	struct profiles *profiles = profiles_ref(rows->profiles);
	struct users *previous = users_ref(db->owner.users(db->owner.context));
	enum pg_outcome outcome;

	problems_free(&rows->user_problems);
	problems_free(&rows->reference_problems);
	rows->user_problems = problems_new();
	rows->reference_problems = problems_new();
	if (profiles == NULL)
		profiles = profiles_ref(db->owner.profiles(db->owner.context));
	outcome = pg_load_users(db->pg, previous, profiles, &rows->users, rows->user_problems,
		rows->reference_problems);
	profiles_unref(&profiles);
	users_unref(&previous);
	return outcome;
}

/*
 * Read what the feed named. Here a table of which anything changed is read whole; to read
 * changes.rows alone (through the configured query, WHERE id = ANY) and put them into a copy of
 * what is in force is for this function to do, and changes nothing around it.
 */
static enum pg_outcome apply_changes(struct database *db, struct look *look)
{
	enum pg_outcome outcome = PG_OK;

	look->found_changes = feed_changes_touch(&look->changes, FEED_PROFILES) ||
		feed_changes_touch(&look->changes, FEED_USERS);
	if (feed_changes_touch(&look->changes, FEED_PROFILES))
		outcome = load_profiles(db, look);
	if (outcome == PG_OK && feed_changes_touch(&look->changes, FEED_USERS))
		outcome = load_users(db, look);
	return outcome;
}

/* What changed since what is in force, or that everything is to be read. */
static enum pg_outcome ask_feed(struct database *db, struct look *look)
{
	enum pg_outcome outcome = PG_OK;

	look->asks_feed = true;
	if (!look->full) {
		outcome = pg_feed_since(db->pg, db->position, &look->changes);
		if (outcome == PG_OK && look->changes.everything) {
			look->full = true;
			look->why = "feed";
			log_event(LOG_LEVEL_INFO, "database change feed: %s; everything is loaded",
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
		outcome = apply_changes(db, look);
	else if (outcome == PG_OK && (outcome = load_profiles(db, look)) == PG_OK)
		outcome = load_users(db, look);
	if (outcome == PG_OK)
		outcome = pg_revision(db->pg, &look->rows.revision);
	return outcome;
}

/* One REPEATABLE READ snapshot for all of it. */
static enum pg_outcome transaction(struct database *db, struct look *look)
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
 * On a standby LISTEN is refused; once it is promoted, it is not. What was committed before it took
 * effect nobody has notified of.
 */
static enum pg_outcome listen_now(struct database *db, struct look *look)
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
			"database refuses LISTEN (%s): changes are found by "
			"polling",
			pg_error(db->pg)->text);
		outcome = PG_OK;
	}
	return outcome;
}

/* Sees that the connection lives and that the server isn't behind, then reads what is to be read.
 */
static enum pg_outcome look_once(struct database *db, struct look *look)
{
	enum pg_outcome outcome = pg_revision(db->pg, &look->revision);

	if (outcome != PG_OK)
		return outcome;
	db->in_recovery = look->revision.in_recovery;
	if ((outcome = listen_now(db, look)) != PG_OK)
		return outcome;
	if (revision_is_behind(&look->revision, db->owner.revision(db->owner.context))) {
		look->is_behind = true;
		return PG_OK;
	}
	if (!look->full && (db->position == NULL || !database_has_feed(db))) {
		if (!look->is_wanted)
			return PG_OK; /* a poll, and nobody to ask: the connection lives */
		look->full = true;
	}
	look->has_read = true;
	outcome = transaction(db, look);
	if (outcome == PG_REFUSED && look->asks_feed && pg_feed_is_refused(db->pg)) {
		log_event(LOG_LEVEL_WARNING,
			"database change feed can't be used (%s): run "
			"sql/feed.sql and sql/role.sql again; until then each change reloads the "
			"tables",
			pg_error(db->pg)->text);
		db->feed_refused = true;
		db->feed = db->feed_said = (struct feed_state){ 0 };
		db->feed_is_said = true;
		look->asks_feed = false;
		look->full = true;
		outcome = transaction(db, look);
	}
	return outcome;
}

/*
 * Not where a query of the administrator's may read other tables too, nor where a subscription
 * writes to ours: there triggers don't fire for statements.
 */
static bool feed_suffices(const struct database *db)
{
	return database_has_feed(db) && !db->feed.is_bypassed &&
		strcasecmp(db->config.users_query, USERS_QUERY) == 0 &&
		strcasecmp(db->config.profiles_query, PROFILES_QUERY) == 0;
}

static void report_feed(struct database *db)
{
	const struct feed_state *feed = &db->feed, *said = &db->feed_said;

	if (db->feed_is_said && feed->is_installed == said->is_installed &&
		feed->is_permitted == said->is_permitted && feed->is_ready == said->is_ready &&
		feed->is_bypassed == said->is_bypassed)
		return;
	db->feed_said = *feed;
	db->feed_is_said = true;
	if (!feed->is_installed)
		log_event(LOG_LEVEL_NOTICE,
			"database has no change feed (sql/feed.sql): a "
			"notification reloads the tables, and so does every %us",
			db->config.full_reload_interval);
	else if (!feed->is_permitted)
		log_event(LOG_LEVEL_WARNING,
			"database role may not use the change feed: run "
			"sql/role.sql again; until then each change reloads the tables");
	else if (!feed->is_ready)
		log_event(LOG_LEVEL_WARNING,
			"database triggers of the change feed are missing or "
			"disabled: run sql/feed.sql again; until then each change reloads the "
			"tables");
	else if (feed->is_bypassed)
		log_event(LOG_LEVEL_NOTICE,
			"database tables are written by a subscription too, "
			"which the change feed does not see: they are reloaded every %us",
			db->config.full_reload_interval);
	else
		log_event(LOG_LEVEL_INFO, "database has a change feed");
}

/* Whether what was read would empty a table that has rows; then err says so. */
static bool would_empty(const struct database *db, const struct look *look, struct errmsg *err)
{
	const struct profiles *profiles = db->owner.profiles(db->owner.context);
	const struct users *users = db->owner.users(db->owner.context);
	const char *table = NULL;

	if (!db->config.refuse_empty)
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
		"%s would become empty: refused, what is in force stays (refuse_empty "
		"= no takes it)",
		table);
	return true;
}

static void load_failed(struct database *db, const struct look *look, const struct errmsg *err)
{
	if (strcmp(err->text, db->load_error.text) != 0)
		log_event(LOG_LEVEL_ERROR, "load failed, what is in force stays: %s", err->text);
	db->load_error = *err;
	db->loads_failed++;
	db->answer = *err;
	db->retry_at = clock_ms() + (int64_t)db->config.poll_interval * 1000;
	if (look->full)
		db->retry_full = true;
	database_set_state(db, db->state);
}

/* Polls found what nobody notified of: said once, as it is mostly a pooler's doing. */
static void count_silence(struct database *db, const struct look *look)
{
	if (!look->found_changes || !db->is_listening || strcmp(look->why, "poll") != 0)
		return;
	if (++db->silent == SILENT_MAX)
		log_event(LOG_LEVEL_WARNING,
			"database changed %d times without a notification on "
			"channel %s: LISTEN does not work through PgBouncer's transaction pooling, "
			"or the triggers notify on another channel; changes are found every %us",
			SILENT_MAX, db->config.channel, db->config.poll_interval);
}

/* The look succeeded: what it read comes into force. */
static void conclude(struct database *db, struct look *look)
{
	bool has_rows = look->rows.profiles != NULL || look->rows.users != NULL;
	struct errmsg err;

	if (would_empty(db, look, &err)) {
		load_failed(db, look, &err);
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
	count_silence(db, look);
	if (look->full && look->has_read)
		report_feed(db);
	look->rows.why = look->why;
	if (has_rows) {
		db->owner.take(db->owner.context, &look->rows);
		look->rows = (struct database_rows){ 0 };
	} else {
		db->owner.confirm(db->owner.context, look->has_read ? &look->rows.revision : NULL);
	}
}

/* When to look again. */
static void schedule(struct database *db, const struct look *look, int64_t began)
{
	int64_t now = clock_ms(), took = now - began;

	db->poll_at = now + (int64_t)db->config.poll_interval * 1000;
	if (look->has_read)
		db->not_before = now + (took < PAUSE_MAX_MS ? took : PAUSE_MAX_MS);
	if (look->full && look->has_read)
		db->full_at = now + (int64_t)db->config.full_reload_interval * 1000;
	if (db->config.full_reload_interval == 0 || feed_suffices(db))
		db->full_at = CLOCK_NEVER;
	else if (db->full_at == CLOCK_NEVER)
		db->full_at = now + (int64_t)db->config.full_reload_interval * 1000;
}

static enum status_database state_of(const struct database *db, const struct look *look)
{
	if (look->is_behind)
		return DATABASE_BEHIND;
	return db->is_listening && db->silent < SILENT_MAX ? DATABASE_LISTENING : DATABASE_POLLING;
}

/* The server answered: what of it is news is said. */
static void reached(struct database *db, const struct look *look)
{
	enum status_database state = state_of(db, look);

	if (db->attempts > 0 || !db->was_reached || db->error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "database connected server=%s standby=%s state=%s",
			db->server, db->in_recovery ? "yes" : "no", status_database_name(state));
	if (look->is_behind && db->state != DATABASE_BEHIND)
		log_event(LOG_LEVEL_WARNING,
			"database server=%s is a standby that lags behind what "
			"is in force: waiting for it",
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

	db->wants_full = db->wants_look = false; /* somebody may want the next one meanwhile */
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
		reached(db, &look);
		if (outcome == PG_REFUSED)
			load_failed(db, &look, pg_error(db->pg));
		else if (look.is_behind)
			(void)errmsg_set(&db->answer, "the standby lags behind what is in force");
		else
			conclude(db, &look);
		schedule(db, &look, began);
		db->answered = request;
	}
	look_clear(&look);
}
