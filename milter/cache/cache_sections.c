/*
 * The status sections of the cache thread: cache (the policy), database, store and lists. They
 * copy the thread's status under its lock, and run on the server thread.
 * t/integration/test_status.py covers it.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/match/regexlist.h"
#include "milter/cache/cache.h"
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

#define MORE_THREADS                                                             \
	"Permit more threads (TasksMax= of the unit, ulimit -u before the init " \
	"script's start, kernel.threads-max). Postern keeps trying."

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
	if (s.store_error[0] != '\0')
		status_add_problem(health,
			"Correct the file of [store] path or its mode, or free space in its "
			"directory.",
			"the store file cannot be read or written: %s", s.store_error);
	if (s.store_left_out > 0)
		status_add_problem(health,
			"See the log for the rows, and correct them in the database.",
			"%zu row%s could not be written to the store file", s.store_left_out,
			s.store_left_out == 1 ? "" : "s");
	cache_status_free(&s);
}

/* ---- lists ----------------------------------------------------------------- */

#define READING_MS 10000 /* a list that is read for longer is a problem */

/* The names of the lists that are being read. */
static json_t *reading_json(const struct cache_status *s)
{
	json_t *names = json_array();

	for (int i = 0; i < LIST_COUNT; i++) {
		if (s->lists_reading[i] != 0 &&
			json_array_append_new(names, json_string(list_name((enum list_id)i))) !=
				0) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

/* What the regexes of one list take. */
static json_t *regexes_json(const struct list *list)
{
	struct regexlist_size size;

	regexlist_measure(list_regexes(list), &size);
	return json_pack("{s:I, s:I, s:I, s:b, s:I, s:I}", "patterns", (json_int_t)size.regexes,
		"interpreted", (json_int_t)size.interpreted, "always_tried",
		(json_int_t)size.untested, "prepared",
		(int)regexlist_is_prepared(list_regexes(list)), "prepare_ms",
		(json_int_t)(size.prepared_ns / 1000000), "bytes", (json_int_t)size.bytes);
}

/* The regex lists in force that are not empty, by their names. */
static json_t *all_regexes_json(const struct policy *policy)
{
	json_t *all = json_object();

	for (int i = 0; policy != NULL && i < LIST_COUNT; i++) {
		const struct list *list = policy_parts(policy)->lists[i];

		if (list != NULL && regexlist_count(list_regexes(list)) > 0)
			(void)json_object_set_new(all, list_name((enum list_id)i),
				regexes_json(list));
	}
	return all;
}

static json_t *describe_lists(void *context)
{
	json_t *entries = json_object();
	json_t *reading, *regexes;
	struct policy *policy;
	struct cache_status s;

	if (cache_copy_status(context, &s) != 0) {
		json_decref(entries);
		return NULL;
	}
	for (int i = 0; i < LIST_COUNT; i++) {
		if (json_object_set_new(entries, list_name((enum list_id)i),
			    json_integer((json_int_t)s.list_entries[i])) != 0) {
			json_decref(entries);
			entries = NULL; /* so that json_pack() fails */
		}
	}
	reading = reading_json(&s);
	policy = cache_policy(context);
	regexes = all_regexes_json(policy);
	policy_unref(&policy);
	cache_status_free(&s);
	return json_pack("{s:o, s:I, s:o, s:b, s:o, s:o}", "entries", entries, "lists_bytes",
		(json_int_t)s.lists_bytes, "reading", reading, "files_polled",
		(int)s.files_are_polled, "error", json_text_or_null(s.list_error), "regexes",
		regexes);
}

/* Report the paths whose file system does not answer. */
static void check_hangs(const struct cache_status *s, struct status_health *health)
{
	for (size_t i = 0; i < s->hang_count && i < CACHE_HANGS; i++) {
		const int64_t waited = (clock_ms() - s->hangs[i].since) / 1000;
		const time_t when = time(NULL) - (time_t)waited;
		struct tm tm;
		char text[32], more[64] = "";

		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&when, &tm));
		if (i == CACHE_HANGS - 1 && s->hang_count > CACHE_HANGS)
			(void)text_format(more, sizeof(more), "; nor have %zu more files",
				s->hang_count - CACHE_HANGS);
		status_add_problem(health,
			"Check the mount and its server; Postern goes on when it answers. It is better "
			"to keep these files on a local disk.",
			"%s has not answered for %lld s; changes there since %s are not in force%s",
			s->hangs[i].path, (long long)waited, text, more);
	}
}

static void check_lists(void *context, struct status_health *health)
{
	struct cache_status s;

	if (cache_copy_status(context, &s) != 0)
		return;
	check_hangs(&s, health);
	if (s.looks_refused != 0)
		status_add_problem(health, MORE_THREADS,
			"the system refuses the threads that look at the files, so that other changes "
			"wait for them: %s",
			strerror(s.looks_refused));
	if (s.lists_are_gone)
		status_add_problem(health, "Restore the directory, or correct [lists] directory.",
			"%s: the directory of the lists does not exist; lists that were read before "
			"stay in force, others are empty",
			s.lists_folder);
	if (s.lists_unreadable > 0)
		status_add_problem(health,
			"Correct the file, its mode, or that of the directory; Postern reads it "
			"again when it changes. If a program is writing it, wait for its end.",
			"%zu list file%s cannot be used: %s", s.lists_unreadable,
			s.lists_unreadable == 1 ? "" : "s", s.list_error);
	for (int i = 0; i < LIST_COUNT; i++) {
		if (s.lists_reading[i] != 0 && clock_ms() - s.lists_reading[i] >= READING_MS)
			status_add_problem(health,
				"Wait until it has been read, or shorten the list: a megabyte takes about "
				"0.1 s, or 1 s with names beyond ASCII. If it takes longer, check whether "
				"its file system answers.",
				"reading list file %s has taken %lld s so far; until it has been read, "
				"%s",
				list_name((enum list_id)i),
				(long long)(clock_ms() - s.lists_reading[i]) / 1000,
				s.serial == 0 ? "there is no policy" :
						"the earlier list is in force");
	}
	if (s.files_are_polled)
		status_add_problem(health,
			"Raise the sysctls fs.inotify.max_user_watches and max_user_instances, "
			"then restart postern.",
			"inotify does not report changes of files, so they are found later");
	cache_status_free(&s);
}

int cache_status_register(struct cache *cache, struct status *registry)
{
	const struct status_section sections[] = {
		{ "cache", cache, describe_cache, check_cache },
		{ "database", cache, describe_database, check_database },
		{ "store", cache, describe_store, check_store },
		{ "lists", cache, describe_lists, check_lists },
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (status_register(registry, &sections[i]) != 0)
			return -1;
	}
	return 0;
}
