/*
 * Looks at the tables once, hands what was read to the owner of the database, and schedules the
 * next look. It runs on the cache thread and owns the look meanwhile. Shown by
 * t/integration/test_database.py, t/integration/test_database_plain.py and
 * t/integration/test_database_outage.py.
 */
#include <stdlib.h>
#include <string.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define PAUSE_MAX_MS 10000   /* the longest pause after a load */
#define CHANGED_RETRY_MS 100 /* pause before tables that were changed meanwhile are read again */
#define SILENT_MAX 3	     /* polls that find changes without a notification, before a warning */

/* ---- after a look --------------------------------------------------------------- */

/*
 * Return whether the load would empty a table that has rows although refuse_empty forbids that. If
 * so, err is set.
 */
static bool would_empty(const struct database *db, const struct look *look, struct errmsg *err)
{
	int table;

	for (table = FEED_TABLES - 1; db->config->database.refuse_empty && table >= 0; table--) {
		const void *new = look->rows.tables[table].set;
		const void *old = db->owner.set(db->owner.context, (enum feed_table)table);
		const struct row_table *descriptor = &row_tables[table];

		if (new == NULL || descriptor->count(new) > 0 || old == NULL ||
			descriptor->count(old) == 0)
			continue;
		(void)errmsg_set(err,
			"%s would become empty; set [database] refuse_empty = no to accept that",
			descriptor->name);
		return true;
	}
	return false;
}

static bool has_rows(const struct look *look)
{
	int table;

	for (table = 0; table < FEED_TABLES; table++)
		if (look->rows.tables[table].set != NULL)
			return true;
	return false;
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

/* Other transactions lock or change the tables: try again at once, which waits for a lock. */
static void note_locked_tables(struct database *db, const struct look *look)
{
	const char *state = look->is_outdated ? "changed" : "locked";

	if (db->locked_since == 0) {
		db->locked_since = time(NULL);
		log_event(LOG_LEVEL_NOTICE,
			"database tables are being %s by other transactions; the rows in force "
			"stay until these end",
			state);
	}
	(void)errmsg_set(&db->answer, "the tables are being %s by other transactions", state);
	db->retry_at = clock_ms() + (look->is_outdated ? CHANGED_RETRY_MS : 0);
	if (look->full)
		db->retry_full = true;
	database_set_state(db, db->state);
}

static void note_unlocked_tables(struct database *db)
{
	if (db->locked_since != 0)
		log_event(LOG_LEVEL_NOTICE, "database tables can be read again");
	db->locked_since = 0;
}

/* Warn once if polls keep finding changes without a notification, as behind a pooler. */
static void count_missed_notification(struct database *db, const struct look *look)
{
	if (!look->found_changes || !look->was_listening || strcmp(look->why, "poll") != 0)
		return;
	if (++db->silent == SILENT_MAX)
		log_event(LOG_LEVEL_WARNING,
			"database changed %d times without a notification on channel %s: LISTEN does not work through PgBouncer's transaction pooling, "
			"or the triggers notify on another channel; changes are found every %us",
			SILENT_MAX, db->config->database.channel,
			db->config->database.poll_interval);
}

/* Remember the position of the look, and when the rows in force were right. */
static void take_position(struct database *db, struct look *look)
{
	struct errmsg reason;
	const bool finds_all = database_finds_all(db, &reason);

	free(db->position);
	db->position = look->position;
	look->position = NULL;
	memcpy(db->marks, look->marks, sizeof(db->marks));
	db->feed_was_used = db->feed_was_used || db->position != NULL;
	if (finds_all || (look->full && look->has_read))
		db->right_at = look->standby_time != 0 && look->standby_time < look->began ?
			look->standby_time :
			look->began;
	if (!finds_all && !look->has_read)
		return; /* it shows nothing about an earlier failure */
	if (db->load_error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "load succeeds again");
	db->load_error.text[0] = '\0';
	db->retry_at = CLOCK_NEVER;
	db->retry_full = false;
}

/* Return the state of the server of which the rows in force are known to be, or NULL. */
static const struct revision *find_seen(const struct database *db, struct look *look)
{
	struct revision *seen = look->has_read ? &look->rows.revision : &look->revision;
	struct errmsg reason;

	if (!look->has_read && !database_finds_all(db, &reason))
		return NULL;
	if (db->age == REVISION_CURRENT)
		revision_keep_timeline(seen, db->owner.revision(db->owner.context));
	return seen;
}

/* The look succeeded: hand the rows to the owner. */
static void hand_over(struct database *db, struct look *look)
{
	const struct revision *seen;
	struct errmsg err;

	if (would_empty(db, look, &err)) {
		note_failed_load(db, look, &err);
		return;
	}
	take_position(db, look);
	count_missed_notification(db, look);
	database_log_following(db);
	look->rows.right_at = db->right_at;
	look->rows.why = look->why;
	seen = find_seen(db, look);
	if (has_rows(look)) {
		db->owner.take(db->owner.context, &look->rows);
		look->rows = (struct database_rows){ .why = NULL };
	} else {
		db->owner.confirm(db->owner.context, seen, db->right_at);
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
	if (config->full_reload_interval == 0)
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

/* Log an older state, each once. */
static void log_age(struct database *db, const struct look *look)
{
	struct errmsg text;

	if (db->age == REVISION_CURRENT) {
		db->behind_logged.text[0] = '\0';
		return;
	}
	(void)errmsg_set(&text, "server=%s: %s%s", db->server, db->behind.text,
		look->is_behind ? "; the rows in force stay" : "; accepted by a reload");
	if (strcmp(text.text, db->behind_logged.text) != 0)
		log_event(LOG_LEVEL_WARNING, "database %s", text.text);
	db->behind_logged = text;
}

/* The server answered: remember that, and log a change of the state. */
static void note_answer(struct database *db, const struct look *look)
{
	enum database_state state = state_of(db, look);

	if (db->attempts > 0 || !db->was_reached || db->error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "database connected server=%s standby=%s state=%s",
			db->server, db->in_recovery ? "yes" : "no", database_state_name(state));
	log_age(db, look);
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
		.accepts_older = db->accepts_older,
		.why = db->why,
		.changes = FEED_CHANGES_INIT,
	};
	uint64_t request = db->requested;
	int64_t began = clock_ms();
	const struct errmsg *failure = NULL;
	enum pg_outcome outcome;

	/* The next one may be wanted during this one. */
	db->wants_full = db->wants_look = db->accepts_older = false;
	outcome = look_once(db, &look);
	if (outcome == PG_REFUSED && !pg_is_locked(db->pg))
		failure = pg_error(db->pg);
	if (outcome == PG_OK && !look.is_outdated)
		note_unlocked_tables(db);
	if (outcome == PG_LOST || outcome == PG_GIVEN_UP || look.is_behind)
		db->wants_full = db->wants_full || look.full;
	if (outcome == PG_LOST) {
		database_lost(db, pg_error(db->pg));
	} else if (outcome == PG_GIVEN_UP) {
		database_close(db);
		db->accepts_older = db->accepts_older || look.accepts_older;
	} else {
		db->answer.text[0] = '\0';
		look.rows.took = clock_ms() - began;
		note_answer(db, &look);
		if (failure != NULL)
			note_failed_load(db, &look, failure);
		else if (outcome == PG_REFUSED || look.is_outdated)
			note_locked_tables(db, &look);
		else if (look.is_behind)
			db->answer = db->behind;
		else
			hand_over(db, &look);
		schedule_looks(db, &look, began);
		if (look.listens_later)
			database_want(db, false, "listen");
		db->answered = request;
	}
	db->is_fresh = false;
	look_clear(&look);
}
