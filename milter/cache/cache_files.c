#include <stdlib.h>
#include <string.h>

#include "lib/store/list_files.h"
#include "lib/store/store_read.h"
#include "milter/cache/cache_private.h"
#include "milter/log/log.h"

void cache_watch_files(struct cache *cache, bool force)
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
		if (force)
			watch_force(cache->watch, i);
		free(path);
	}
	failed |= watch_file(cache->watch, STORE_SLOT, is_store ? config->store.path : NULL);
	if (force && is_store)
		watch_force(cache->watch, STORE_SLOT);
	if (failed)
		log_event(LOG_LEVEL_ERROR, "out of memory: not all files are watched; reload");
}

bool cache_files_pending(const struct cache *cache)
{
	size_t i;

	for (i = 0; i < WATCH_FILES; i++)
		if (watch_is_pending(cache->watch, i))
			return true;
	return false;
}

/* Say why a file can't be read, each reason once; in a reload, that it failed. */
static void file_failed(struct cache *cache, size_t slot, const struct errmsg *err)
{
	struct errmsg *last = &cache->file_error[slot];

	if (strcmp(err->text, last->text) != 0)
		log_event(LOG_LEVEL_ERROR, "%s; %s", err->text,
			slot < LIST_COUNT && cache->lists[slot] == NULL ?
				"there is no policy without it" :
				"what was read before stays in force");
	*last = *err;
	cache_reload_failed(cache, err);
}

static void file_read_again(struct cache *cache, size_t slot, const char *name)
{
	if (cache->file_error[slot].text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "%s: can be read again", name);
	cache->file_error[slot].text[0] = '\0';
}

static void take_list(struct cache *cache, enum list_id id, struct list *list,
	struct problems *problems)
{
	list_unref(&cache->lists[id]);
	cache->lists[id] = list;
	policy_problems_set(cache->policy_problems, (size_t)id, problems);
	cache->is_changed = true;
}

static void read_list(struct cache *cache, enum list_id id, int64_t now)
{
	struct problems *problems = problems_new();
	const struct list_source source = {
		.directory = cache->config->lists.directory,
		.max_file = cache->config->lists.max_file,
		.psl = cache->psl,
		.problems = problems,
	};
	struct file_stamp stamp;
	struct errmsg err;
	struct list *list;
	bool is_news;

	if (list_file_read(&source, id, &list, &stamp, &err) < 0) {
		problems_free(&problems);
		watch_failed(cache->watch, id, now);
		file_failed(cache, id, &err);
		return;
	}
	is_news = !watch_is_loaded(cache->watch, id, &stamp);
	watch_loaded(cache->watch, id, &stamp);
	file_read_again(cache, id, list_name(id));
	log_event(is_news && stamp.exists ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "list %s entries=%zu",
		list_name(id), list_entries(list));
	take_list(cache, id, list, problems);
}

/* Lists whose folder isn't there at the start are empty, and that is said. */
static void do_without_folder(struct cache *cache)
{
	struct problems *problems;
	struct list *list;
	size_t i;

	for (i = 0; i < LIST_COUNT; i++) {
		if (cache->lists[i] != NULL || !watch_folder_gone(cache->watch, i))
			continue;
		if ((list = list_build((enum list_id)i, "", 0, cache->psl, NULL)) == NULL)
			return;
		problems = i == 0 ? problems_new() : NULL;
		problems_add(problems, "%s: there is no such folder, so that all lists are empty",
			cache->config->lists.directory);
		take_list(cache, (enum list_id)i, list, problems);
	}
}

/* ---- the JSON store ------------------------------------------------------------ */

static void store_failed(struct cache *cache, const struct errmsg *err)
{
	if (strcmp(err->text, cache->store_error.text) != 0)
		log_event(LOG_LEVEL_ERROR, "store: %s%s", err->text,
			cache->source != SOURCE_NONE ? "; what is in force stays" : "");
	cache->store_error = *err;
	cache_reload_failed(cache, err);
	cache_update_status(cache);
}

/* Put what a store file holds in force. The result of reading it. */
static enum store_result read_store(struct cache *cache, enum cache_source source, bool with_prev,
	struct errmsg *err)
{
	const char *path = cache->config->store.path;
	struct problems *problems = problems_new();
	const struct store_source how = {
		.rcpt_re_anchored = cache->config->settings->rcpt_re_anchored,
		.previous = cache->users,
		.problems = problems,
	};
	struct store store = { 0 };
	enum store_result result;

	if (problems == NULL) {
		(void)errmsg_set(err, "out of memory");
		return STORE_REFUSED;
	}
	result = with_prev ? store_read_with_prev(path, &how, &store, err) :
			     store_read(path, &how, &store, err);
	if (result != STORE_READ) {
		problems_free(&problems);
		return result;
	}
	if (cache->store_error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "store: can be read again");
	cache->store_error.text[0] = '\0';
	cache_take_store(cache, source, &store, problems);
	store_clear(&store);
	return STORE_READ;
}

void cache_read_kept_store(struct cache *cache)
{
	struct errmsg err;

	if (cache->config->store.path[0] != '\0' &&
		read_store(cache, SOURCE_CACHE, true, &err) == STORE_REFUSED)
		store_failed(cache, &err);
}

/* The store that is the only one, written by people or posternctl. */
static void read_own_store(struct cache *cache)
{
	struct file_stamp stamp = { 0 };
	struct errmsg err;

	(void)file_stamp(cache->config->store.path, &stamp, NULL);
	/* What it is now counts as seen, good or bad: it is read again when it changes. */
	watch_loaded(cache->watch, STORE_SLOT, &stamp);
	if (cache->source == SOURCE_LISTS) {
		if (store_is_missing(cache->config->store.path))
			return;
		cache_follow_source(cache);
	}
	switch (read_store(cache, SOURCE_STORE,
		cache->source == SOURCE_NONE || cache->source == SOURCE_LISTS, &err)) {
	case STORE_READ:
		log_event(LOG_LEVEL_INFO, "store %s read", cache->config->store.path);
		break;
	case STORE_MISSING:
		(void)errmsg_set(&err,
			"%s: is gone; a reload without it leaves the lists alone in force",
			cache->config->store.path);
		store_failed(cache, &err);
		break;
	case STORE_REFUSED:
		store_failed(cache, &err);
		break;
	}
}

void cache_read_files(struct cache *cache, int64_t now)
{
	size_t slot;

	if (cache->psl == NULL)
		return;
	while (watch_next(cache->watch, now, &slot)) {
		if (slot == STORE_SLOT)
			read_own_store(cache);
		else
			read_list(cache, (enum list_id)slot, now);
	}
	do_without_folder(cache);
}
