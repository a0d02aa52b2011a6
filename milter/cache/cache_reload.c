/*
 * Reads the configuration again, puts it in force, and answers the request for it once all that it
 * concerns has been read. The cache thread runs it. Shown by t/unit/test_cache.c and
 * t/integration/test_database_reload.py.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/store/list_files.h"
#include "milter/cache/cache_private.h"
#include "milter/cache/config_reader.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define UNANSWERED_MS 5000 /* then a reload does not wait any longer for a file system */
#define PSL_RETRY_MS 5000
#define READING_MS 1000	 /* between looks whether what is read waits for a file system */
#define PATIENCE_MS 1000 /* but at least so long, because it may just have begun to answer */
#define RELOAD_MS                                                                      \
	60000 /* until a reload is answered, even if the database has not been reached \
	       */

/* ---- the configuration ---------------------------------------------------------- */

/* Watch the files that the configuration names; force: have all of them read. */
static void watch_files(struct cache *cache, bool force)
{
	const struct config *config = cache->config;
	bool is_store = !config->database.present && config->store.path[0] != '\0';
	char *path;
	size_t i;
	int failed = 0;

	for (i = 0; i < LIST_COUNT; i++) {
		if (list_file_path(config->lists.directory, (enum list_id)i, &path) < 0) {
			failed = -1;
			continue;
		}
		failed |= watch_file(cache->watch, i, path);
		if (force) {
			watch_force(cache->watch, i);
			cache->reload.awaits[i] = true;
		}
		free(path);
	}
	failed |= watch_file(cache->watch, STORE_SLOT, is_store ? config->store.path : NULL);
	if (force && is_store) {
		watch_force(cache->watch, STORE_SLOT);
		cache->reload.awaits[STORE_SLOT] = true;
	}
	if (failed)
		log_event(LOG_LEVEL_ERROR,
			"out of memory: some files are not watched; run posternctl reload");
}

void cache_apply_config(struct cache *cache)
{
	const struct config *config = cache->config;

	database_configure(cache->database, config);
	cache_wait_for_users(cache);
	if (!config->database.present && config->store.path[0] == '\0')
		cache_use_lists_only(cache);
	watch_files(cache, false);
	if (!config->database.present && !watch_is_reading(cache->watch, STORE_SLOT))
		job_abandon(&cache->store);
}

void cache_use_settings(struct cache *cache)
{
	if (cache->awaits_directory)
		return;
	config_unref(&cache->decides_by);
	cache->decides_by = config_ref(cache->config);
	cache->is_changed = true;
}

/* Put a configuration in force. Takes over config and files. */
static void take_config(struct cache *cache, const struct config *config, void *files)
{
	const struct config *old = cache->config;
	struct errmsg err;

	if (cache->hooks.config_taken != NULL &&
		cache->hooks.config_taken(cache->hooks.context, config, old, files, &err) != 0)
		cache_reload_failed(cache, &err);
	cache->config = config;
	if (strcmp(config->lists.directory, old->lists.directory) != 0) {
		cache->is_new_directory = cache->awaits_directory = true;
		job_abandon(&cache->names); /* of the old one */
	}
	cache_use_settings(cache);
	cache_apply_config(cache);
	if (config->settings->rcpt_re_anchored != old->settings->rcpt_re_anchored)
		cache_anchor_profiles(cache);
	if (!config->database.present)
		store_sync_leave(cache->store_sync, clock_ms());
	else if (cache->source == SOURCE_DATABASE &&
		strcmp(config->store.path, old->store.path) != 0)
		cache_keep_store(cache);
	config_unref(&old);
}

static void take_psl(struct cache *cache, struct config_reading *reading)
{
	const struct errmsg *err = &reading->psl_err;

	if (reading->psl == NULL) {
		if (reading->path != NULL || strcmp(err->text, cache->psl_error.text) != 0)
			log_event(LOG_LEVEL_ERROR, "public suffix list: %s", err->text);
		cache->psl_error = *err;
		cache_reload_failed(cache, err);
		return;
	}
	cache->psl_error.text[0] = '\0';
	orgdomain_unref(&cache->psl);
	cache->psl = reading->psl;
	reading->psl = NULL;
	cache->is_changed = true;
}

/* Go on with a reload after postern.conf was read, or without it: read the other files and the
 * database. */
static void reload_the_rest(struct cache *cache)
{
	struct cache_reload *reload = &cache->reload;

	reload->awaits_config = false;
	watch_files(cache, true);
	if (database_is_configured(cache->database) && cache->source != SOURCE_DATABASE)
		cache_begin_kept_store(cache);
	reload->database_request = database_reload(cache->database, reload->accepts_older);
}

/* Put in force what was read for a reload. A bad configuration leaves the old one. */
static void take_reading(struct cache *cache, struct config_reading *reading)
{
	cache->config_error.text[0] = '\0';
	if (reading->config == NULL) {
		cache->config_error = reading->err;
		log_event(LOG_LEVEL_ERROR, "config refused, the old one stays: %s",
			cache->config_error.text);
		cache_reload_failed(cache, &cache->config_error);
	} else {
		take_config(cache, reading->config, reading->files);
		reading->config = NULL;
		reading->files = NULL;
	}
	take_psl(cache, reading);
	reload_the_rest(cache);
}

static void end_reading(struct cache *cache)
{
	struct config_reading *reading;

	if (cache->configuration == NULL || !job_wait(cache->configuration, 0))
		return;
	reading = job_finish(&cache->configuration);
	if (reading->path != NULL && cache->reload.awaits_config && !cache->is_outdated)
		take_reading(cache, reading);
	else if (reading->path == NULL && cache->psl == NULL)
		take_psl(cache, reading);
	config_reading_free(reading);
}

/* Begin to read what is awaited, unless that is being done. */
static void begin_reading(struct cache *cache, int64_t now)
{
	const bool is_whole = cache->reload.awaits_config;
	const struct errmsg no_memory = { "postern.conf: out of memory" };

	if (cache->configuration != NULL ||
		(!is_whole && (cache->psl != NULL || now < cache->psl_retry_at)))
		return;
	cache->psl_retry_at = now + PSL_RETRY_MS;
	cache->is_outdated = false;
	cache->configuration = config_reader_start(is_whole ? cache->config_path : NULL,
		cache->config, &cache->hooks, cache->wake_fd);
	if (cache->configuration != NULL || !is_whole)
		return;
	cache_reload_failed(cache, &no_memory);
	reload_the_rest(cache);
}

/* Return whether a reload must go on without postern.conf; err tells why. */
static bool is_config_late(struct cache *cache, int64_t now, struct errmsg *err)
{
	char path[JOB_PATH_SIZE];
	const int64_t since = job_waits(cache->configuration, path);

	if (since != 0 && now - since >= UNANSWERED_MS && now >= cache->reload.patient_until)
		return errmsg_set(err,
			       "%s: its file system has not answered for %lld s, so that the configuration "
			       "stays as it was; check the mount, then reload again",
			       path, (long long)(now - since) / 1000) < 0;
	return now >= cache->reload.deadline &&
		errmsg_set(err, "the configuration has not been read yet") < 0;
}

void cache_attend_config(struct cache *cache, int64_t now)
{
	struct errmsg err;

	end_reading(cache);
	begin_reading(cache, now);
	if (!cache->reload.awaits_config || !is_config_late(cache, now, &err))
		return;
	cache_reload_failed(cache, &err);
	reload_the_rest(cache);
}

int64_t cache_config_due(const struct cache *cache)
{
	if (cache->configuration != NULL)
		return clock_ms() + READING_MS;
	return cache->psl == NULL ? cache->psl_retry_at : CLOCK_NEVER;
}

/* ---- the reload ----------------------------------------------------------------- */

void cache_reload_begin(struct cache *cache, uint64_t number, int64_t now)
{
	cache->reload = (struct cache_reload){
		.is_active = true,
		.awaits_config = true,
		.number = number,
		.patient_until = now + PATIENCE_MS,
		.deadline = now + RELOAD_MS,
	};
	cache->is_outdated = true; /* what is being read already */
}

static void answer_reload(struct cache *cache, uint64_t number, const struct errmsg *err)
{
	bool ok = err->text[0] == '\0';
	bool is_logged = strcmp(err->text, cache->config_error.text) == 0; /* by take_reading() */

	if (ok)
		log_event(LOG_LEVEL_NOTICE, "reload done problems=%zu",
			policy_problems_count(cache->policy_problems, PROBLEM));
	else
		log_event(LOG_LEVEL_ERROR, "reload not done: %s",
			is_logged ? "the configuration is refused" : err->text);
	if (cache->hooks.reload_ended != NULL)
		cache->hooks.reload_ended(cache->hooks.context, number, ok, err);
}

/* Return whether some file has yet to be read for the reload. */
static bool files_are_pending(const struct cache *cache)
{
	size_t i;

	if (cache_awaits_kept_store(cache))
		return true;
	for (i = 0; i < WATCH_FILES; i++)
		if (cache->reload.awaits[i] && watch_is_pending(cache->watch, i))
			return true;
	return false;
}

/* Return whether a path has not answered for so long that a reload is answered without it; err
 * tells which. */
static bool is_unanswered(const struct cache *cache, struct errmsg *err)
{
	struct cache_hang hangs[CACHE_HANGS];

	if (cache_find_hangs(cache, UNANSWERED_MS, hangs) == 0)
		return false;
	(void)errmsg_set(err,
		"%s: its file system has not answered for %lld s, so that what was read before stays "
		"in force; check the mount",
		hangs[0].path, (long long)(clock_ms() - hangs[0].since) / 1000);
	return true;
}

/* A reload must not hide that the lists are those of an earlier directory. */
static void fail_without_folder(struct cache *cache)
{
	struct errmsg err;

	if (!watch_folder_gone(cache->watch, 0))
		return;
	(void)errmsg_set(&err, "%s: the directory of the lists does not exist",
		cache->config->lists.directory);
	cache_reload_failed(cache, &err);
}

int64_t cache_reload_due(const struct cache *cache)
{
	const struct cache_reload *reload = &cache->reload;

	if (!reload->is_active || reload->awaits_config)
		return CLOCK_NEVER;
	return clock_ms() < reload->patient_until ? reload->patient_until : reload->deadline;
}

void cache_reload_end(struct cache *cache, int64_t now)
{
	struct cache_reload *reload = &cache->reload;
	bool is_late = now >= reload->deadline;
	struct errmsg err;

	if (!reload->is_active || reload->awaits_config)
		return;
	if (!database_reloaded(cache->database, reload->database_request, &err)) {
		if (!is_late)
			return;
		(void)errmsg_set(&err, "the database has not answered yet");
	}
	if (files_are_pending(cache)) {
		struct errmsg reason = { "not all files have been read yet" };

		if (!is_late && (now < reload->patient_until || !is_unanswered(cache, &reason)))
			return;
		cache_reload_failed(cache, &reason);
	}
	fail_without_folder(cache);
	if (err.text[0] != '\0') {
		(void)errmsg_prefix(&err, "database: ");
		cache_reload_failed(cache, &err);
	}
	reload->is_active = false;
	cache_update_status(cache);
	answer_reload(cache, reload->number, &reload->err);
}

void cache_reload_abandon(struct cache *cache, uint64_t requested)
{
	const struct errmsg ending = { "the daemon is ending" };

	if (cache->reload.is_active || requested > cache->reload.number)
		answer_reload(cache, requested, &ending);
}
