/*
 * The status sections of the cache thread: cache (the policy), database and store; that of the
 * lists is in cache_lists_section.c. They copy the thread's status under its lock, and run on the
 * server thread.
 * t/integration/test_status.py covers it.
 */
#include <string.h>

#include "lib/base/text.h"
#include "milter/cache/cache.h"
#include "milter/cache/cache_private.h"
#include "milter/cache/cache_status.h"
#include "milter/log/json_text.h"
#include "milter/loop/clock.h"

static json_t *time_json(time_t when)
{
	return when == 0 ? json_null() : json_integer((json_int_t)when);
}

/* The seconds since then, or null for never. */
static json_t *age_json(time_t when)
{
	return when == 0 ? json_null() : json_integer((json_int_t)(time(NULL) - when));
}

json_t *cache_status_problems_json(const struct cache_status *status, enum problem_level level)
{
	json_t *array = json_array();
	const char *at = status->problems[level].texts;
	size_t len;

	for (; at != NULL && *at != '\0'; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		if (len > 0 && json_array_append_new(array, json_text(at, len)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

#define LOCKED_SECONDS 60 /* tables that are locked for longer are a problem */

/* ---- cache ----------------------------------------------------------------- */

static json_t *cache_json(const struct cache_status *s)
{
	/* A value that is NULL makes json_pack() fail, which frees the others. */
	return json_pack(
		"{s:{s:s, s:I, s:o, s:o, s:o, s:o, s:I}, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:I, s:o}",
		"policy", "source", cache_source_name(s->source), "serial", (json_int_t)s->serial,
		"published_at", time_json(s->published), "confirmed_at", time_json(s->confirmed),
		"age_seconds", age_json(s->confirmed), "revision", json_text_or_null(s->revision),
		"publications", (json_int_t)s->publications, "users", (json_int_t)s->users,
		"profiles", (json_int_t)s->profiles, "unprepared_regex_lists",
		(json_int_t)s->unprepared, "users_bytes", (json_int_t)s->users_bytes,
		"config_error", json_text_or_null(s->config_error), "problem_count",
		(json_int_t)s->problems[PROBLEM].count, "problems",
		cache_status_problems_json(s, PROBLEM), "note_count",
		(json_int_t)s->problems[PROBLEM_NOTE].count, "notes",
		cache_status_problems_json(s, PROBLEM_NOTE));
}

static json_t *describe_cache(void *context)
{
	struct cache_status status;
	json_t *json;

	if (cache_copy_status(context, &status) != 0)
		return NULL;
	json = cache_json(&status);
	cache_status_free(&status);
	return json;
}

static void check_cache(void *context, struct status_health *health)
{
	struct cache_status s;
	size_t count;

	if (cache_copy_status(context, &s) != 0)
		return;
	count = s.problems[PROBLEM].count;
	if (s.serial == 0)
		status_add_problem(health,
			"Correct the other problems, and wait until the files that the section "
			"lists shows have been read. Until then, [milter] on_error determines how "
			"mail is answered.",
			"no policy is in force");
	if (s.source == SOURCE_CACHE)
		status_add_problem(health, "Restore the connection to the database.",
			"users and profiles come from the store file, because the database has "
			"not answered since the start");
	if (s.config_error[0] != '\0')
		status_add_problem(health, "Correct the file, then run posternctl reload.",
			"the configuration is refused and the previous one stays in force: %s",
			s.config_error);
	if (s.psl_error[0] != '\0')
		status_add_problem(health,
			"Install the public suffix list, or correct [lists] public_suffix_list.",
			"the public suffix list cannot be read: %s", s.psl_error);
	if (s.preparer_error[0] != '\0')
		status_add_problem(health, MORE_THREADS, "%s", s.preparer_error);
	if (count > 0)
		status_add_count(health, false, count,
			"Correct the problems that the section cache lists.",
			"the policy has %zu problem%s in its list files, rows and settings", count,
			count == 1 ? "" : "s");
	count = s.problems[PROBLEM_NOTE].count;
	if (count > 0)
		status_add_count(health, true, count,
			"Check whether the notes in the section cache are intended.",
			"the policy has %zu note%s on its list files, rows and settings", count,
			count == 1 ? "" : "s");
	cache_status_free(&s);
}

/* ---- database -------------------------------------------------------------- */

static json_t *describe_database(void *context)
{
	struct cache_status s;
	json_t *json;

	if (cache_copy_status(context, &s) != 0)
		return NULL;
	json = json_pack("{s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}",
		"state", database_state_name(s.database), "server", json_text_or_null(s.server),
		"name", json_text_or_null(s.faults.database), "role",
		json_text_or_null(s.faults.role), "feed", (int)s.has_feed, "followed_every_seconds",
		s.has_untold ? json_integer(s.full_reload_interval) : json_null(), "untold",
		json_text_or_null(s.untold), "read_whole", json_text_or_null(s.read_whole),
		"since_at", time_json(s.database_since), "error",
		json_text_or_null(s.database_error), "loads_failed", (json_int_t)s.loads_failed,
		"load_error", json_text_or_null(s.load_error), "locked_at",
		s.locked_since == 0 ? json_null() : time_json(s.locked_since));
	cache_status_free(&s);
	return json;
}

/* Report a transaction that keeps a table locked, once that lasts. */
static void check_locks(const struct cache_status *s, struct status_health *health)
{
	const time_t now = time(NULL);

	if (s->locked_since == 0 || now - s->locked_since < LOCKED_SECONDS)
		return;
	status_add_problem(health,
		"Find the transaction with SELECT pid, query FROM pg_stat_activity WHERE pid IN "
		"(SELECT pid FROM pg_locks WHERE mode = 'AccessExclusiveLock'), and end it.",
		"transactions have locked or changed the tables for %ld s, so that the previous "
		"rows stay in force",
		(long)(now - s->locked_since));
}

/* Report that changes can happen of which neither the feed nor a notification tells. */
static void check_untold(const struct cache_status *s, struct status_health *health)
{
	if (!s->has_untold)
		return;
	if (s->full_reload_interval == 0)
		status_add_problem(health,
			"Set [database] full_reload_interval, or remove the reason.",
			"some changes in the database are never found: %s", s->untold);
	else if (s->has_feed)
		status_add_note(health,
			"If the triggers of a table, partition or child are incomplete, run " SQL_FOLDER
			"/feed.sql again. Otherwise shorten [database] full_reload_interval if that is "
			"too long.",
			"the database is followed every %u s only (full_reload_interval): %s",
			s->full_reload_interval, s->untold);
}

static void check_notifications(const struct database_faults *faults, struct status_health *health)
{
	char role_again[sizeof(faults->role) + 300], remedy[sizeof(role_again) + 400];

	if (faults->listen_refused) {
		status_add_problem(health,
			"Connect to the server itself, not through a pooler. Until then changes "
			"are found by polling.",
			"the database refuses LISTEN");
		status_name_last(health, "listen_refused");
	}
	if (faults->listen_is_lost) {
		status_add_problem(health,
			"Use the pooler's session mode, or connect to the server itself, then run "
			"posternctl reload. Until then changes are found by polling.",
			"notifications of the database do not arrive through a pooler");
		status_name_last(health, "listen_lost");
	}
	if (faults->is_unnotified) {
		status_add_problem(health,
			"Connect to the server itself, not through a pooler, or correct [database] "
			"channel. Until then changes are found by polling.",
			"the database changes without a notification");
		status_name_last(health, "unnotified");
	}
	(void)text_format(role_again, sizeof(role_again), SQL_FOLDER "/role.sql with -v role='%s'",
		faults->role);
	if (faults->feed_is_refused) {
		(void)text_format(remedy, sizeof(remedy),
			"Run " SQL_FOLDER
			"/feed.sql, and %s, again. Until then each change reloads "
			"the tables.",
			role_again);
		status_add_problem(health, remedy,
			"the change feed of the database cannot be used");
		status_name_last(health, "feed_refused");
	}
	if (faults->feed_is_forbidden) {
		(void)text_format(remedy, sizeof(remedy),
			"Run %s again. Until then each change reloads the tables.", role_again);
		status_add_problem(health, remedy,
			"the role may not use the change feed of the database");
		status_name_last(health, "feed_forbidden");
	}
	if (faults->feed_is_incomplete) {
		status_add_problem(health,
			"Run " SQL_FOLDER
			"/feed.sql again. Until then each change reloads the tables.",
			"triggers of the change feed are missing or disabled in the database");
		status_name_last(health, "feed_incomplete");
	}
}

/* What to do about a database whose state is older than the rows in force. */
static const char *behind_remedy(enum revision_age age)
{
	switch (age) {
	case REVISION_CURRENT:
		break;
	case REVISION_LAGGING:
		return "Wait until the standby has caught up, or check its replication. If its "
		       "primary was restored to an earlier state on purpose, run posternctl reload "
		       "--accept-older.";
	case REVISION_SET_BACK:
		return "If the server was restored to an earlier state on purpose, run posternctl "
		       "reload --accept-older.";
	case REVISION_OLD_TIMELINE:
		return "Stop that server or rebuild it from the new primary, and let [database] "
		       "conninfo lead to the new primary; Postern looks for it at each poll. To "
		       "return to the older state, run posternctl reload --accept-older.";
	}
	return "Postern looks again at the next poll.";
}

static void check_database(void *context, struct status_health *health)
{
	struct cache_status s;

	if (cache_copy_status(context, &s) != 0)
		return;
	if (s.database_error[0] != '\0') {
		status_add_problem(health,
			"Check that the server runs and accepts the connection that [database] "
			"describes. Postern keeps trying.",
			"the database is not reached: %s", s.database_error);
		status_name_last(health, "database_not_reached");
	}
	if (s.database == DATABASE_BEHIND) {
		status_add_problem(health, behind_remedy(s.age),
			"the rows in force stay, because %s is older: %s", s.server,
			s.database_behind);
		status_name_last(health, "database_behind");
	}
	if (s.load_error[0] != '\0') {
		status_add_problem(health,
			"Correct the tables, the queries or the role's rights. Postern tries "
			"again by itself.",
			"the last load failed and the previous rows stay in force: %s",
			s.load_error);
		status_name_last(health, "load_failed");
	}
	check_locks(&s, health);
	check_notifications(&s.faults, health);
	check_untold(&s, health);
	cache_status_free(&s);
}

/* ---- store ----------------------------------------------------------------- */

static json_t *describe_store(void *context)
{
	struct cache_status s;
	json_t *json;

	if (cache_copy_status(context, &s) != 0)
		return NULL;
	json = json_pack("{s:o, s:I, s:I, s:o}", "written_at", time_json(s.store_written),
		"left_out", (json_int_t)s.store_left_out, "journal_bytes",
		(json_int_t)s.journal_bytes, "error", json_text_or_null(s.store_error));
	cache_status_free(&s);
	return json;
}

static void check_store(void *context, struct status_health *health)
{
	struct cache_status s;

	if (cache_copy_status(context, &s) != 0)
		return;
	if (s.store_is_locked)
		status_add_problem(health,
			"End the other daemon, or set a different [store] path for each. Until then, "
			"this one decides by the database, but keeps no copy of it.",
			"the store file is not written: %s", s.store_error);
	else if (s.store_error[0] != '\0')
		status_add_problem(health,
			"Correct the file of [store] path or its mode, or free space in its "
			"directory.",
			"the store file cannot be read or written: %s", s.store_error);
	if (s.store_late_since != 0)
		status_add_problem(health,
			STATUS_REPAIR_DISK " "
					   "Postern then writes the file.",
			"the store file is not written: %s: a write has not ended for %lld s",
			s.store_late_path, (long long)(clock_ms() - s.store_late_since) / 1000);
	if (s.store_left_out > 0)
		status_add_problem(health,
			"See the log for the rows, and correct them in the database.",
			"%zu row%s could not be written to the store file", s.store_left_out,
			s.store_left_out == 1 ? "" : "s");
	cache_status_free(&s);
}

/* ---- all ------------------------------------------------------------------- */

int cache_status_register(struct cache *cache, struct status *registry)
{
	const struct status_section sections[] = {
		{ "cache", cache, describe_cache, check_cache },
		{ "database", cache, describe_database, check_database },
		{ "store", cache, describe_store, check_store },
		{ "lists", cache, cache_describe_lists, cache_check_lists },
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (status_register(registry, &sections[i]) != 0)
			return -1;
	}
	return 0;
}
