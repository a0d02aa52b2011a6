#include <string.h>

#include "milter/cache/cache_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define PSL_RETRY_MS 5000

void cache_follow_source(struct cache *cache)
{
	if (!cache->config->database.present && store_is_missing(cache->config->store.path))
		cache_drop_rows(cache);
	else if (cache->source == SOURCE_LISTS && cache->status.serial == 0)
		cache->source = SOURCE_NONE; /* nothing was in force: wait for users */
}

void cache_read_config(struct cache *cache)
{
	const struct config *config, *old = cache->config;
	struct errmsg err;

	cache->config_error.text[0] = '\0';
	if (config_load(cache->config_path, &config, &cache->config_error) < 0) {
		log_event(LOG_LEVEL_ERROR, "config refused, the old one stays: %s",
			cache->config_error.text);
		cache_reload_failed(cache, &cache->config_error);
		return;
	}
	if (cache->hooks.config_taken != NULL &&
		cache->hooks.config_taken(cache->hooks.context, config, old, &err) != 0)
		cache_reload_failed(cache, &err);
	cache->config = config;
	cache->is_changed = true;
	database_configure(cache->database, config);
	if (config->settings->rcpt_re_anchored != old->settings->rcpt_re_anchored)
		cache_anchor_profiles(cache);
	cache_follow_source(cache);
	if (!config->database.present)
		store_sync_forget(cache->store_sync); /* the file is other people's from now on */
	else if (cache->source == SOURCE_DATABASE &&
		strcmp(config->store.path, old->store.path) != 0)
		cache_keep_store(cache);
	cache_watch_files(cache, false);
	config_unref(&old);
}

void cache_read_psl(struct cache *cache, bool force, int64_t now)
{
	struct orgdomain *psl;
	struct errmsg err;

	if (!force && (cache->psl != NULL || now < cache->psl_retry_at))
		return;
	cache->psl_retry_at = now + PSL_RETRY_MS;
	if (orgdomain_open(cache->config->lists.public_suffix_list, &psl, &err) < 0) {
		if (force || strcmp(err.text, cache->psl_error.text) != 0)
			log_event(LOG_LEVEL_ERROR, "public suffix list: %s", err.text);
		cache->psl_error = err;
		cache_reload_failed(cache, &err);
		return;
	}
	cache->psl_error.text[0] = '\0';
	orgdomain_unref(&cache->psl);
	cache->psl = psl;
	cache->is_changed = true;
}
