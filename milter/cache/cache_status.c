/*
 * The cache thread's status: the thread itself fills it whenever something in it changes, and any
 * thread copies it under the cache's lock. Shown by t/unit/test_cache.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

#include "milter/cache/cache_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

const char *cache_source_name(enum cache_source source)
{
	static const char *const names[] = {
		[SOURCE_NONE] = "none",
		[SOURCE_LISTS] = "lists",
		[SOURCE_STORE] = "store",
		[SOURCE_CACHE] = "cache",
		[SOURCE_DATABASE] = "database",
	};

	return names[source];
}

const char *database_state_name(enum database_state state)
{
	static const char *const names[] = {
		[DATABASE_OFF] = "off",
		[DATABASE_CONNECTING] = "connecting",
		[DATABASE_LISTENING] = "listening",
		[DATABASE_POLLING] = "polling",
		[DATABASE_BEHIND] = "behind",
		[DATABASE_DOWN] = "down",
	};

	return names[state];
}

void cache_status_free(struct cache_status *status)
{
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		free(status->problems[level].texts);
		status->problems[level].texts = NULL;
	}
}

static void copy_text(char *to, size_t size, const char *text)
{
	(void)text_format(to, size, "%s", text);
}

static void describe_memory(const struct cache *cache, struct cache_status *status)
{
	int i;

	status->users = cache->users != NULL ? users_count(cache->users) : 0;
	status->users_bytes = cache->users != NULL ? users_bytes(cache->users) : 0;
	status->profiles = cache->profiles != NULL ? profiles_count(cache->profiles) : 0;
	for (i = 0; i < LIST_COUNT; i++)
		status->list_entries[i] =
			cache->lists[i] != NULL ? list_entries(cache->lists[i]) : 0;
}

/* Add the path for which the job has waited for so long, if any. Returns the new count. */
static size_t add_hang(struct cache_hang hangs[CACHE_HANGS], size_t count, struct job *job,
	int64_t late_ms)
{
	char path[JOB_PATH_SIZE];
	const int64_t since = job == NULL ? 0 : job_waits(job, path);
	struct cache_hang hang = { .since = since };

	if (since == 0 || clock_ms() - since < late_ms)
		return count;
	copy_text(hang.path, sizeof(hang.path), path);
	for (size_t i = 0; i < count && i < CACHE_HANGS; i++)
		if (strcmp(hangs[i].path, hang.path) == 0)
			return count;
	if (count < CACHE_HANGS)
		hangs[count] = hang;
	return count + 1;
}

size_t cache_find_hangs(const struct cache *cache, int64_t late_ms,
	struct cache_hang hangs_r[CACHE_HANGS])
{
	const int64_t look_ms = clock_earlier(late_ms, WATCH_LATE_MS);
	size_t count = 0;

	memset(hangs_r, 0, CACHE_HANGS * sizeof(*hangs_r));
	count = add_hang(hangs_r, count, cache->configuration, late_ms);
	count = add_hang(hangs_r, count, cache->store, late_ms);
	for (size_t i = 0; i < WATCH_FILES; i++)
		count = add_hang(hangs_r, count, watch_look_at(cache->watch, i), look_ms);
	for (size_t i = 0; i < LIST_COUNT; i++)
		count = add_hang(hangs_r, count, cache->readers[i], late_ms);
	return add_hang(hangs_r, count, cache->names, late_ms);
}

/* Set the members of status that tell how reading the files went. */
static void describe_files(const struct cache *cache, struct cache_status *status)
{
	const char *polled;

	status->lists_unreadable = 0;
	status->list_error[0] = '\0';
	status->hang_count = cache_find_hangs(cache, CACHE_LATE_MS, status->hangs);
	status->looks_refused = watch_refused(cache->watch);
	status->lists_are_gone = watch_folder_gone(cache->watch, 0);
	copy_text(status->lists_folder, sizeof(status->lists_folder),
		cache->config->lists.directory);
	status->polled_for = watch_polled_for(cache->watch, &polled);
	copy_text(status->polled_folder, sizeof(status->polled_folder), polled);
	for (int i = 0; i < LIST_COUNT; i++) {
		status->lists_reading[i] =
			cache->readers[i] == NULL || job_wait(cache->readers[i], 0) ?
			0 :
			job_begun(cache->readers[i]);
		status->list_is_unreadable[i] = cache->list_error[i].text[0] != '\0';
		if (status->list_is_unreadable[i] && status->lists_unreadable++ == 0)
			copy_text(status->list_error, sizeof(status->list_error),
				cache->list_error[i].text);
	}
}

static void describe_problems(const struct cache *cache, struct cache_status *status)
{
	for (int i = 0; i < PROBLEM_LEVELS; i++) {
		const enum problem_level level = (enum problem_level)i;

		status->problems[i].count = policy_problems_count(cache->policy_problems, level);
		status->problems[i].texts = policy_problems_text(cache->policy_problems, level);
	}
}

/* Return whether the list in force may not be that of its file. */
static bool is_list_wrong(const struct cache *cache, size_t id)
{
	return cache->list_error[id].text[0] != '\0' || watch_is_pending(cache->watch, id) ||
		watch_is_unanswered(cache->watch, id) || watch_folder_gone(cache->watch, id);
}

/* Return whether the rows in force may not be those of the store, which is no copy. */
static bool is_store_wrong(const struct cache *cache)
{
	return !database_is_configured(cache->database) &&
		(cache->store_error.text[0] != '\0' || watch_is_pending(cache->watch, STORE_SLOT) ||
			watch_is_unanswered(cache->watch, STORE_SLOT) ||
			watch_folder_gone(cache->watch, STORE_SLOT));
}

/* Note which parts of the policy are wrong now. Returns whether that has changed. */
static bool note_wrong_parts(struct cache *cache)
{
	struct known_right *right = &cache->right;
	const time_t now = time(NULL);
	bool changed = false;

	for (size_t i = 0; i < LIST_COUNT; i++)
		changed |= known_right_note(&right->wrong_since[i], is_list_wrong(cache, i), now);
	changed |= known_right_note(&right->wrong_since[STORE_SLOT], is_store_wrong(cache), now);
	changed |= known_right_note(&right->psl_wrong_since, cache->psl_error.text[0] != '\0', now);
	changed |= known_right_note(&right->config_wrong_since, cache->config_error.text[0] != '\0',
		now);
	changed |= known_right_note(&right->source_wrong_since,
		database_is_configured(cache->database) && cache->source != SOURCE_DATABASE &&
			cache->source != SOURCE_CACHE,
		now);
	return changed;
}

/* Return when a write of the store that has not ended for long began, by clock_ms(); 0: there is
 * none. */
static int64_t store_late_since(const struct cache *cache)
{
	const int64_t since = store_sync_state(cache->store_sync).writing_since;

	return since != 0 && clock_ms() - since >= CACHE_LATE_MS ? since : 0;
}

/* Note the write, and log once that it does not end, and that it has ended. */
static void note_store_late(const struct cache *cache, struct cache_status *status)
{
	const int64_t since = store_late_since(cache);

	if (since != 0 && status->store_late_since == 0) {
		copy_text(status->store_late_path, sizeof(status->store_late_path),
			store_sync_state(cache->store_sync).writing_path);
		quote_log(LOG_LEVEL_ERROR, "file", status->store_late_path, "store disk=hangs");
	} else if (since == 0 && status->store_late_since != 0) {
		log_event(LOG_LEVEL_NOTICE, "store disk=answers");
	}
	status->store_late_since = since;
}

void cache_update_files_status(struct cache *cache)
{
	const struct cache_status *status = &cache->status; /* only this thread writes it */
	const bool has_changed = note_wrong_parts(cache);
	struct cache_status now;

	describe_files(cache, &now);
	if (has_changed || store_late_since(cache) != status->store_late_since ||
		memcmp(now.list_is_unreadable, status->list_is_unreadable,
			sizeof(now.list_is_unreadable)) != 0 ||
		strcmp(now.list_error, status->list_error) != 0 ||
		now.hang_count != status->hang_count ||
		memcmp(now.hangs, status->hangs, sizeof(now.hangs)) != 0 ||
		now.looks_refused != status->looks_refused ||
		now.lists_are_gone != status->lists_are_gone ||
		strcmp(now.lists_folder, status->lists_folder) != 0 ||
		now.polled_for != status->polled_for ||
		strcmp(now.polled_folder, status->polled_folder) != 0 ||
		memcmp(now.lists_reading, status->lists_reading, sizeof(now.lists_reading)) != 0 ||
		strcmp(cache->psl_error.text, status->psl_error) != 0)
		cache_update_status(cache);
}

void cache_update_status(struct cache *cache)
{
	const struct store_sync_state kept = store_sync_state(cache->store_sync);
	char revision[REVISION_SIZE];
	struct cache_status *status = &cache->status;
	struct cache_status files, old;

	(void)note_wrong_parts(cache);
	describe_files(cache, &files);
	describe_problems(cache, &files);
	revision_format(&cache->revision, revision);
	(void)pthread_mutex_lock(&cache->lock);
	status->source = cache->source;
	status->right = cache->right;
	copy_text(status->revision, sizeof(status->revision), revision);
	database_describe(cache->database, status);
	status->store_written = kept.written;
	copy_text(status->store_error, sizeof(status->store_error),
		kept.error->text[0] != '\0' ? kept.error->text : cache->store_error.text);
	copy_text(status->config_error, sizeof(status->config_error), cache->config_error.text);
	copy_text(status->psl_error, sizeof(status->psl_error), cache->psl_error.text);
	copy_text(status->preparer_error, sizeof(status->preparer_error),
		regex_preparer_error(cache->preparer));
	describe_memory(cache, status);
	status->store_is_locked = kept.is_locked_out;
	status->store_left_out = kept.left_out;
	status->journal_bytes = kept.journal_bytes;
	note_store_late(cache, status);
	status->lists_unreadable = files.lists_unreadable;
	memcpy(status->list_is_unreadable, files.list_is_unreadable,
		sizeof(status->list_is_unreadable));
	copy_text(status->list_error, sizeof(status->list_error), files.list_error);
	status->hang_count = files.hang_count;
	memcpy(status->hangs, files.hangs, sizeof(status->hangs));
	status->looks_refused = files.looks_refused;
	status->lists_are_gone = files.lists_are_gone;
	copy_text(status->lists_folder, sizeof(status->lists_folder), files.lists_folder);
	status->polled_for = files.polled_for;
	copy_text(status->polled_folder, sizeof(status->polled_folder), files.polled_folder);
	memcpy(status->lists_reading, files.lists_reading, sizeof(status->lists_reading));
	memcpy(old.problems, status->problems, sizeof(old.problems));
	memcpy(status->problems, files.problems, sizeof(status->problems));
	(void)pthread_mutex_unlock(&cache->lock);
	cache_status_free(&old);
}

void cache_reload_failed(struct cache *cache, const struct errmsg *err)
{
	if (cache->reload.is_active && cache->reload.err.text[0] == '\0')
		cache->reload.err = *err;
}

struct policy *cache_policy(const struct cache *cache)
{
	return snapshot_get(cache->snapshot);
}

/* Return how many regex lists of the policy in force are not prepared yet. */
static size_t count_unprepared(const struct cache *cache)
{
	struct policy *policy = cache_policy(cache);
	size_t count = 0;

	if (policy != NULL)
		free(policy_unprepared(policy, &count));
	policy_unref(&policy);
	return count;
}

int cache_copy_status(struct cache *cache, struct cache_status *status_r)
{
	const size_t unprepared = count_unprepared(cache);
	int ret = 0;

	(void)pthread_mutex_lock(&cache->lock);
	*status_r = cache->status;
	status_r->unprepared = unprepared;
	status_r->confirmed = known_right(&status_r->right, status_r->source, time(NULL));
	for (int i = 0; i < PROBLEM_LEVELS; i++) {
		if (cache->status.problems[i].texts == NULL)
			continue;
		status_r->problems[i].texts = strdup(cache->status.problems[i].texts);
		if (status_r->problems[i].texts == NULL)
			ret = -1;
	}
	(void)pthread_mutex_unlock(&cache->lock);
	if (ret != 0)
		cache_status_free(status_r);
	return ret;
}
