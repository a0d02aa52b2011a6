/*
 * The cache thread's status: the thread itself fills it whenever something in it changes, and any
 * thread copies it under the cache's lock. Shown by t/unit/test_cache.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/cache/cache_private.h"

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
	free(status->problems);
	status->problems = NULL;
}

static void copy_text(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

static void describe_memory(const struct cache *cache, struct cache_status *status)
{
	int i;

	status->users = cache->users != NULL ? users_count(cache->users) : 0;
	status->users_bytes = cache->users != NULL ? users_bytes(cache->users) : 0;
	status->profiles = cache->profiles != NULL ? profiles_count(cache->profiles) : 0;
	status->lists_bytes = 0;
	for (i = 0; i < LIST_COUNT; i++) {
		status->list_entries[i] =
			cache->lists[i] != NULL ? list_entries(cache->lists[i]) : 0;
		status->lists_bytes += cache->lists[i] != NULL ? list_bytes(cache->lists[i]) : 0;
	}
}

void cache_update_status(struct cache *cache)
{
	const struct errmsg *sync_error = store_sync_error(cache->store_sync);
	char revision[REVISION_SIZE], *problems = policy_problems_text(cache->policy_problems),
				      *old;
	struct cache_status *status = &cache->status;

	revision_format(&cache->revision, revision);
	(void)pthread_mutex_lock(&cache->lock);
	status->source = cache->source;
	status->confirmed = cache->confirmed;
	copy_text(status->revision, sizeof(status->revision), revision);
	database_describe(cache->database, status);
	status->store_written = store_sync_written(cache->store_sync);
	copy_text(status->store_error, sizeof(status->store_error),
		sync_error->text[0] != '\0' ? sync_error->text : cache->store_error.text);
	copy_text(status->config_error, sizeof(status->config_error), cache->config_error.text);
	describe_memory(cache, status);
	status->problem_count = policy_problems_count(cache->policy_problems);
	old = status->problems;
	status->problems = problems;
	(void)pthread_mutex_unlock(&cache->lock);
	free(old);
}

int cache_copy_status(struct cache *cache, struct cache_status *status_r)
{
	int ret = 0;

	(void)pthread_mutex_lock(&cache->lock);
	*status_r = cache->status;
	if (status_r->problems != NULL && (status_r->problems = strdup(status_r->problems)) == NULL)
		ret = -1;
	(void)pthread_mutex_unlock(&cache->lock);
	return ret;
}
