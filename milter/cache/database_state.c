/*
 * The state of the database connection: its configuration, requests for a load, and the state of
 * the change feed. It belongs to the cache thread. Shown by t/integration/test_database.py,
 * t/integration/test_database_outage.py and t/integration/test_database_reload.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/text.h"
#include "milter/cache/database_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"
#include "milter/pg/pg_conninfo.h"

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
	database_close(db);
	config_unref(&db->config);
	config_unref(&db->next);
	free(db->position);
	free(db);
}

void database_set_state(struct database *db, enum database_state state)
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

void database_close(struct database *db)
{
	pg_close(&db->pg);
	pg_reads_free(&db->reads);
	db->is_accepted = false;
}

void database_lost(struct database *db, const struct errmsg *err)
{
	const struct errmsg why = *err; /* database_close() may free err */
	const int64_t longest = (int64_t)db->config->database.reconnect_max * 1000;
	const bool was_accepted = db->is_accepted;
	uint32_t random = 0;

	database_close(db);
	if (was_accepted || strcmp(why.text, db->error.text) != 0)
		log_event(LOG_LEVEL_WARNING, "database %s: %s",
			was_accepted ? "lost" : "not reached", why.text);
	db->error = db->answer = why;
	db->answered = db->requested;
	db->accepts_older = false;
	db->attempts++;
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	db->connect_at = clock_ms() + clock_backoff(db->attempts, longest, random);
	database_set_state(db, db->was_reached ? DATABASE_DOWN : DATABASE_CONNECTING);
}

/* ---- the configuration ---------------------------------------------------------- */

static bool is_present(const struct config *config)
{
	return config != NULL && config->database.present;
}

/*
 * Return whether two configurations describe the same tables over the same connection. Each may be
 * NULL.
 */
static bool same_source(const struct config *one, const struct config *other)
{
	const struct config_database *a, *b;
	int table;

	if (!is_present(one) || !is_present(other))
		return is_present(one) == is_present(other);
	a = &one->database;
	b = &other->database;
	for (table = 0; table < FEED_TABLES; table++)
		if (strcmp(row_table_query((enum feed_table)table, a),
			    row_table_query((enum feed_table)table, b)) != 0)
			return false;
	return strcmp(a->conninfo, b->conninfo) == 0 && strcmp(a->schema, b->schema) == 0 &&
		strcmp(a->channel, b->channel) == 0;
}

/* Forget the state of the source that was configured before. */
static void start_over(struct database *db)
{
	database_close(db);
	free(db->position);
	db->position = NULL;
	db->marks[0] = '\0';
	db->right_at = 0;
	db->feed = (struct feed_state){ 0 };
	db->feed_was_used = false;
	db->feed_fault.text[0] = db->reads_error.text[0] = db->follow_logged.text[0] =
		db->whole_logged.text[0] = '\0';
	db->locked_since = 0;
	db->attempts = 0;
	db->connect_at = 0;
	db->was_reached = false;
	db->listen_is_lost = false;
	db->poll_at = db->full_at = db->retry_at = CLOCK_NEVER;
	db->error.text[0] = db->load_error.text[0] = db->server[0] = '\0';
	database_set_state(db, database_is_on(db) ? DATABASE_CONNECTING : DATABASE_OFF);
}

void database_take_next(struct database *db)
{
	const struct config *old = db->config;

	if (db->next == NULL)
		return;
	db->config = db->next;
	db->next = NULL;
	db->gives_up = false;
	if (!same_source(old, db->config))
		start_over(db);
	else if (db->pg != NULL)
		pg_use_config(db->pg, db->config);
	config_unref(&old);
}

void database_configure(struct database *database, const struct config *config)
{
	config_unref(&database->next);
	database->next = config_ref(config);
	if (!database->is_busy)
		database_take_next(database);
	else if (!same_source(database->config, config))
		database->gives_up = true;
}

bool database_gives_up(const struct database *database)
{
	return database->gives_up;
}

bool database_is_on(const struct database *db)
{
	return is_present(db->config);
}

bool database_is_configured(const struct database *database)
{
	return is_present(database->next != NULL ? database->next : database->config);
}

/* ---- requests ------------------------------------------------------------------- */

uint64_t database_reload(struct database *database, bool accept_older)
{
	database_want(database, true, "reload");
	database->connect_at = 0;
	database->not_before = 0;
	database->accepts_older = database->accepts_older || accept_older;
	database->listen_is_lost = false;
	database->feed_was_used = false; /* if the feed is gone, that is as intended */
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

/* ---- the status ----------------------------------------------------------------- */

/* Set how changes of the tables are found. */
static void describe_following(const struct database *db, struct cache_status *status)
{
	const bool is_reached = db->state == DATABASE_LISTENING || db->state == DATABASE_POLLING;
	struct errmsg reason;

	status->untold[0] = '\0';
	status->full_reload_interval =
		is_present(db->config) ? db->config->database.full_reload_interval : 0;
	status->has_untold = is_reached && !database_finds_all(db, &reason);
	if (status->has_untold)
		(void)text_format(status->untold, sizeof(status->untold), "%s", reason.text);
	status->read_whole[0] = '\0';
	if (is_reached && database_reads_whole(db, &reason))
		(void)text_format(status->read_whole, sizeof(status->read_whole), "%s",
			reason.text);
}

void database_describe(const struct database *database, struct cache_status *status)
{
	const struct database *db = database;

	status->database = db->state;
	status->database_since = db->since;
	status->has_feed = database_has_feed(db);
	status->loads_failed = db->loads_failed;
	status->locked_since = db->locked_since;
	status->faults = (struct database_faults){ .listen_refused = false };
	if (db->state == DATABASE_LISTENING || db->state == DATABASE_POLLING)
		status->faults = (struct database_faults){
			.listen_refused = db->listen_refused,
			.listen_is_lost = db->listen_is_lost,
			.is_unnotified = db->is_listening && db->state == DATABASE_POLLING,
			.feed_is_refused = db->feed_fault.text[0] != '\0',
			.feed_is_forbidden = db->feed.is_installed && !db->feed.is_permitted,
			.feed_is_incomplete = db->feed.is_permitted && !db->feed.is_ready,
		};
	describe_following(db, status);
	(void)text_format(status->faults.role, sizeof(status->faults.role), "%s", pg_role(db->pg));
	status->faults.database[0] = '\0';
	if (db->config != NULL)
		pg_conninfo_database(db->config->database.conninfo, status->faults.database,
			sizeof(status->faults.database));
	(void)text_format(status->server, sizeof(status->server), "%s", db->server);
	(void)text_format(status->database_error, sizeof(status->database_error), "%s",
		db->error.text);
	status->age = db->state == DATABASE_BEHIND ? db->age : REVISION_CURRENT;
	(void)text_format(status->database_behind, sizeof(status->database_behind), "%s",
		db->state == DATABASE_BEHIND ? db->behind.text : "");
	(void)text_format(status->load_error, sizeof(status->load_error), "%s",
		db->load_error.text);
}
