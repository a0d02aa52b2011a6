#include "milter/cache/cache_private.h"
#include "milter/log/log.h"

#define RELOAD_MS 60000 /* after which a reload is answered though the database is not ready */

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
		.deadline = now + RELOAD_MS,
	};
	cache_read_config(cache);
	cache_read_psl(cache, true, now);
	cache_watch_files(cache, true);
	if (database_is_configured(cache->database) && cache->source != SOURCE_DATABASE)
		cache_read_kept_store(cache);
	cache->reload.database_request = database_reload(cache->database);
}

static void answer(struct cache *cache, uint64_t number, const struct errmsg *err)
{
	bool ok = err->text[0] == '\0';

	if (ok)
		log_event(LOG_LEVEL_NOTICE, "reload done problems=%zu",
			policy_problems_count(cache->policy_problems));
	else
		log_event(LOG_LEVEL_ERROR, "reload not done: %s", err->text);
	if (cache->hooks.reload_ended != NULL)
		cache->hooks.reload_ended(cache->hooks.context, number, ok, err);
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
	if (cache_files_pending(cache) && !is_late)
		return;
	if (err.text[0] != '\0') {
		(void)errmsg_prefix(&err, "database: ");
		cache_reload_failed(cache, &err);
	}
	reload->is_active = false;
	cache_update_status(cache);
	answer(cache, reload->number, &reload->err);
}

void cache_reload_abandon(struct cache *cache, uint64_t requested)
{
	const struct errmsg ending = { "the daemon is ending" };

	if (cache->reload.is_active || requested > cache->reload.number)
		answer(cache, requested, &ending);
}
