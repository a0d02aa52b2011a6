/*
 * Reads the JSON store, or PostgreSQL's rows that were kept in it, and decides whether the lists
 * alone decide because there is none. The cache thread runs it. Shown by t/unit/test_cache.c and
 * t/integration/test_store_file.py.
 */
#include <stdlib.h>
#include <string.h>

#include "milter/cache/cache_private.h"
#include "milter/cache/store_reader.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

static void note_unreadable_store(struct cache *cache, const struct errmsg *err)
{
	if (strcmp(err->text, cache->store_error.text) != 0)
		log_event(LOG_LEVEL_ERROR, "store: %s%s", err->text,
			cache->source != SOURCE_NONE ? "; the policy in force stays" : "");
	cache->store_error = *err;
	cache_reload_failed(cache, err);
	cache_update_status(cache);
}

static void note_readable_store(struct cache *cache)
{
	if (cache->store_error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "store: the file can be read again");
	cache->store_error.text[0] = '\0';
}

/* ---- the end of a read ---------------------------------------------------------- */

/* Use the rows that were read. */
static void take_rows(struct cache *cache, struct store_reading *reading)
{
	note_readable_store(cache);
	if (reading->is_copy && !reading->store.from_prev)
		store_sync_begin(cache->store_sync, reading->path, &reading->store);
	cache_take_store(cache, reading->is_copy ? SOURCE_CACHE : SOURCE_STORE, &reading->store,
		reading->source.problems);
	reading->source.problems = NULL;
	/* A reload may have changed the setting since the read began. */
	if (reading->source.rcpt_re_anchored != cache->config->settings->rcpt_re_anchored)
		cache_anchor_profiles(cache);
}

/* Return whether a store that does not exist is meant: no rows of it are in force, and it was not a
 * broken file that has only been removed, unless a reload confirms that. */
static bool is_absence_meant(const struct cache *cache)
{
	return cache->profiles == NULL && cache->users == NULL &&
		(cache->source == SOURCE_LISTS || cache->store_error.text[0] == '\0' ||
			cache->reload.awaits[STORE_SLOT]);
}

static void end_copy(struct cache *cache, struct store_reading *reading)
{
	/* PostgreSQL itself may have answered meanwhile, or a reload set another path. */
	if (cache->source == SOURCE_DATABASE ||
		strcmp(reading->path, cache->config->store.path) != 0)
		return;
	if (reading->result == STORE_READ)
		take_rows(cache, reading);
	else if (reading->result == STORE_REFUSED)
		note_unreadable_store(cache, &reading->err);
}

static void end_own(struct cache *cache, struct store_reading *reading)
{
	const bool is_forced = watch_is_forced(cache->watch, STORE_SLOT);

	/* Even a bad file is not read again before it changes. */
	watch_loaded(cache->watch, STORE_SLOT, &reading->stamp);
	if (reading->result == STORE_READ) {
		log_event(LOG_LEVEL_INFO, "store %s read", reading->path);
		take_rows(cache, reading);
	} else if (reading->result == STORE_MISSING && is_absence_meant(cache)) {
		cache_use_lists_only(cache);
	} else {
		if (reading->result == STORE_MISSING)
			(void)errmsg_set(&reading->err,
				"%s: the file does not exist, and the rows in force stay; restore it, or "
				"leave [store] path empty to put the lists alone in force",
				reading->path);
		cache_wait_for_users(cache);
		note_unreadable_store(cache, &reading->err);
	}
	if (!is_forced)
		cache->reload.awaits[STORE_SLOT] = false;
}

void cache_end_store(struct cache *cache, int64_t until)
{
	struct store_reading *reading;

	if (cache->store == NULL)
		return;
	if (!job_wait(cache->store, until))
		return;
	reading = job_finish(&cache->store);
	if (reading->is_copy && cache->config->database.present)
		end_copy(cache, reading);
	else if (!reading->is_copy && watch_is_reading(cache->watch, STORE_SLOT))
		end_own(cache, reading); /* else it has another path by now */
	store_reading_free(reading);
}

/* ---- the beginning -------------------------------------------------------------- */

static void begin_store(struct cache *cache, bool is_copy, bool with_prev)
{
	const struct store_reading how = {
		.path = (char *)cache->config->store.path,
		.is_copy = is_copy,
		.with_prev = with_prev,
		.source = {
			.rcpt_re_anchored = cache->config->settings->rcpt_re_anchored,
			.user = cache->config->user,
			.previous = cache->users,
			.previous_profiles = cache->profiles,
		},
	};
	const struct errmsg err = { "[store] path: out of memory" };

	job_abandon(&cache->store);
	free(cache->store_path);
	cache->store_path = strdup(how.path);
	if ((cache->store = store_reader_start(&how, cache->wake_fd)) != NULL)
		return;
	if (!is_copy)
		watch_failed(cache->watch, STORE_SLOT, clock_ms());
	note_unreadable_store(cache, &err);
}

/* Return whether the read of a store takes so long that nothing waits for it any more, most likely
 * for a file system that does not answer. */
static bool is_late(const struct cache *cache)
{
	return clock_ms() - job_begun(cache->store) >= CACHE_LATE_MS;
}

void cache_begin_kept_store(struct cache *cache)
{
	if (cache->store != NULL && is_late(cache) && cache->store_path != NULL &&
		strcmp(cache->store_path, cache->config->store.path) == 0)
		return; /* one thread that waits for a path is enough */
	if (cache->config->store.path[0] != '\0')
		begin_store(cache, true, true);
}

void cache_begin_store(struct cache *cache)
{
	begin_store(cache, false, cache->source == SOURCE_NONE || cache->source == SOURCE_LISTS);
}

bool cache_awaits_kept_store(const struct cache *cache)
{
	return cache->store != NULL && cache->config->database.present &&
		cache->source != SOURCE_DATABASE && !is_late(cache);
}

void cache_decide_without_store(struct cache *cache)
{
	if (cache->source == SOURCE_NONE && !cache->config->database.present &&
		watch_folder_gone(cache->watch, STORE_SLOT) && is_absence_meant(cache))
		cache_use_lists_only(cache);
}
