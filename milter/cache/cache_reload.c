/*
 * Reads the configuration again, puts it in force, and answers the request for it once all that it
 * concerns has been read. The cache thread runs it. Shown by t/unit/test_cache.c and
 * t/integration/test_database_reload.py.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/store/list_files.h"
#include "milter/cache/cache_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define UNANSWERED_MS 5000 /* then a reload does not wait any longer for a file system */
#define PATIENCE_MS 1000   /* but at least so long, because it may just have begun to answer */
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
	database_configure(cache->database, cache->config);
	(void)cache_decide_lists_only(cache);
	watch_files(cache, false);
}

/* Load postern.conf. Returns a reference, or NULL with err set, which counts the errors after the
 * first. */
static const struct config *load_config(const struct cache *cache, struct errmsg *err)
{
	struct problems *errors = problems_new();
	const struct config *config = NULL;

	if (errors == NULL)
		(void)errmsg_set(err, "out of memory");
	else if (config_load_all(cache->config_path, NULL, &config, errors, err) != 0)
		problems_summarize(errors, err);
	problems_free(&errors);
	if (config != NULL && cache->hooks.config_read != NULL &&
		cache->hooks.config_read(cache->hooks.context, config, err) != 0)
		config_unref(&config);
	return config;
}

void cache_use_settings(struct cache *cache)
{
	if (cache->awaits_directory)
		return;
	config_unref(&cache->decides_by);
	cache->decides_by = config_ref(cache->config);
	cache->is_changed = true;
}

/* Read postern.conf. If it is bad, log the error and keep the old configuration. */
static void read_config(struct cache *cache)
{
	const struct config *config, *old = cache->config;
	struct errmsg err;

	cache->config_error.text[0] = '\0';
	if ((config = load_config(cache, &cache->config_error)) == NULL) {
		log_event(LOG_LEVEL_ERROR, "config refused, the old one stays: %s",
			cache->config_error.text);
		cache_reload_failed(cache, &cache->config_error);
		return;
	}
	if (cache->hooks.config_taken != NULL &&
		cache->hooks.config_taken(cache->hooks.context, config, old, &err) != 0)
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

/* ---- the reload ----------------------------------------------------------------- */

void cache_reload_failed(struct cache *cache, const struct errmsg *err)
{
	if (cache->reload.is_active && cache->reload.err.text[0] == '\0')
		cache->reload.err = *err;
}

void cache_reload_begin(struct cache *cache, uint64_t number, int64_t now)
{
	cache->reload = (struct cache_reload){
		.is_active = true,
		.number = number,
		.patient_until = now + PATIENCE_MS,
		.deadline = now + RELOAD_MS,
	};
	read_config(cache);
	watch_files(cache, true);
}

static void answer_reload(struct cache *cache, uint64_t number, const struct errmsg *err)
{
	bool ok = err->text[0] == '\0';
	bool is_logged = strcmp(err->text, cache->config_error.text) == 0; /* by read_config() */

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

	for (i = 0; i < WATCH_FILES; i++)
		if (cache->reload.awaits[i] && watch_is_pending(cache->watch, i))
			return true;
	return false;
}

/* Return whether the file system of the lists or of the store has not answered for so long that a
 * reload is answered without it; err tells which. */
static bool is_unanswered(const struct cache *cache, struct errmsg *err)
{
	const size_t slots[] = { 0, STORE_SLOT };
	int64_t since;

	for (size_t i = 0; i < 2; i++) {
		since = watch_unanswered(cache->watch, slots[i]);
		if (since == 0 || clock_ms() - since < UNANSWERED_MS)
			continue;
		(void)errmsg_set(err,
			"%s: its file system has not answered for %lld s, so that what was read "
			"before stays in force; check the mount",
			slots[i] == STORE_SLOT ? cache->config->store.path :
						 cache->config->lists.directory,
			(long long)(clock_ms() - since) / 1000);
		return true;
	}
	return false;
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

	if (!reload->is_active)
		return CLOCK_NEVER;
	return clock_ms() < reload->patient_until ? reload->patient_until : reload->deadline;
}

void cache_reload_end(struct cache *cache, int64_t now)
{
	struct cache_reload *reload = &cache->reload;
	bool is_late = now >= reload->deadline;
	struct errmsg err;

	if (!reload->is_active)
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
