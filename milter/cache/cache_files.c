/*
 * Reads the list files into the parts of the next policy, and remembers why one cannot be read. The
 * cache thread runs it. Shown by t/unit/test_cache.c and t/integration/test_list_files.py.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/conf/file_wait.h"
#include "lib/store/list_files.h"
#include "milter/cache/cache_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define READING_MS 50	/* then what was read comes into force, and other work is done */
#define HELD_ENTRIES 20 /* a shorter list may lose most of its entries at once */

/* ---- the lists ------------------------------------------------------------------ */

/* Log each reason only once. A reload that awaits the list fails. */
static void note_unusable_list(struct cache *cache, enum list_id id, const struct errmsg *err,
	enum log_level level)
{
	struct errmsg *last = &cache->list_error[id];

	if (strcmp(err->text, last->text) != 0)
		log_event(level, "%s; %s", err->text,
			cache->lists[id] == NULL ? "there is no policy without this list" :
						   "the list read before stays in force");
	*last = *err;
	if (cache->reload.awaits[id])
		cache_reload_failed(cache, err);
}

/*
 * Return whether a reload confirms the file: it is the one that was there when the reload began.
 * What becomes of it while the reload waits for the database is not confirmed.
 */
static bool is_confirmed(const struct cache *cache, enum list_id id, const struct file_stamp *stamp)
{
	return cache->reload.is_active && cache->reload.awaits[id] &&
		file_stamp_equal(stamp, watch_stamp_when_forced(cache->watch, id));
}

static void note_usable_list(struct cache *cache, enum list_id id)
{
	if (cache->list_error[id].text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "%s: the list can be used again", list_name(id));
	cache->list_error[id].text[0] = '\0';
}

/*
 * Return whether to keep the list in force instead of a text that has lost most of its entries: it
 * may be only the beginning of what a program is writing. A reload confirms the text.
 */
static bool is_held_back(struct cache *cache, enum list_id id, const struct list *list,
	const struct file_stamp *stamp, int64_t now)
{
	size_t had = cache->lists[id] == NULL ? 0 : list_entries(cache->lists[id]);
	size_t has = list_entries(list);
	bool by_reload = is_confirmed(cache, id, stamp);

	if (!cache->config->lists.refuse_empty || !stamp->exists || had < HELD_ENTRIES ||
		(stamp->size > 0 && has * 2 >= had))
		return false;
	if (!by_reload && !watch_is_complete(cache->watch, id, stamp, now))
		return true;
	if (stamp->size == 0 || has == 0 || by_reload)
		log_event(LOG_LEVEL_WARNING, "list %s entries=%zu before=%zu reason=\"%s\"",
			list_name(id), has, had,
			by_reload		? "a reload confirms the file" :
				stamp->size > 0 ? "the file is complete" :
						  "the file stays empty");
	return false;
}

static void hold_back(struct cache *cache, enum list_id id, const struct list *list,
	const struct file_stamp *stamp, int64_t now)
{
	const bool is_read_again = watch_is_forced(cache->watch, id);
	struct errmsg err;

	watch_held(cache->watch, id, stamp, now);
	if (is_read_again)
		return;
	(void)errmsg_set(&err,
		"%s/%s: has %zu entries instead of %zu, which is taken for a file that is being "
		"written; run posternctl reload if it is complete",
		cache->config->lists.directory, list_name(id), list_entries(list),
		list_entries(cache->lists[id]));
	note_unusable_list(cache, id, &err, LOG_LEVEL_WARNING);
}

/* Use this list in the next policy. Takes over list and problems. */
static void use_list(struct cache *cache, enum list_id id, struct list *list,
	struct problems *problems)
{
	list_unref(&cache->lists[id]);
	cache->lists[id] = list;
	policy_problems_set(cache->policy_problems, (size_t)id, problems);
	cache->is_changed = true;
}

/* Report a file that has disappeared, until it exists again or a reload confirms that it is gone.
 */
static void check_list_exists(struct cache *cache, enum list_id id, const struct file_stamp *stamp,
	struct problems *problems)
{
	if (stamp->exists || is_confirmed(cache, id, stamp))
		cache->list_existed[id] = stamp->exists;
	if (!stamp->exists && cache->list_existed[id])
		problems_add(problems,
			"%s: the file has disappeared, so that the list is empty; restore it, or run "
			"posternctl reload to confirm that it is gone",
			list_name(id));
}

static void note_failed_list(struct cache *cache, enum list_id id, const struct errmsg *err)
{
	const bool is_read_again = watch_is_forced(cache->watch, id);

	watch_failed(cache->watch, id, clock_ms());
	if (!is_read_again)
		note_unusable_list(cache, id, err, LOG_LEVEL_ERROR);
}

/* Use a list that was read. Takes over list and problems. */
static void note_read_list(struct cache *cache, enum list_id id, struct list *list,
	const struct file_stamp *stamp, struct problems *problems)
{
	const bool is_news = !watch_is_loaded(cache->watch, id, stamp);

	check_list_exists(cache, id, stamp, problems);
	watch_loaded(cache->watch, id, stamp);
	note_usable_list(cache, id);
	log_event(is_news && stamp->exists ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
		"list %s entries=%zu", list_name(id), list_entries(list));
	use_list(cache, id, list, problems);
}

/* Use what was read of a list, if it can be used. Takes over reading's objects. */
static void end_reading(struct cache *cache, enum list_id id, struct list_reading *reading)
{
	const int64_t now = clock_ms();

	if (reading->list == NULL) {
		note_failed_list(cache, id, &reading->err);
	} else if (is_held_back(cache, id, reading->list, &reading->stamp, now)) {
		hold_back(cache, id, reading->list, &reading->stamp, now);
	} else {
		note_read_list(cache, id, reading->list, &reading->stamp, reading->problems);
		return;
	}
	list_unref(&reading->list);
	problems_free(&reading->problems);
}

/* End the read of a list, whose reader has ended. */
static void end_list(struct cache *cache, enum list_id id)
{
	const int64_t now = clock_ms();
	struct list_reading reading;
	bool is_forced;

	list_reader_finish(&cache->readers[id], &reading);
	if (reading.list != NULL && !watch_had_settled(cache->watch, id, &reading.stamp, now)) {
		watch_dropped(cache->watch, id, now);
		list_unref(&reading.list);
		problems_free(&reading.problems);
		return;
	}
	is_forced = watch_is_forced(cache->watch, id);
	end_reading(cache, id, &reading);
	if (!is_forced)
		cache->reload.awaits[id] = false;
}

static void begin_list(struct cache *cache, enum list_id id)
{
	const struct list_source source = {
		.directory = cache->config->lists.directory,
		.max_file = cache->config->lists.max_file,
		.user = cache->config->user,
		.previous = cache->lists,
		.psl = cache->psl,
		.whole_lines = watch_is_written(cache->watch, id),
	};
	struct errmsg err;

	job_abandon(&cache->readers[id]); /* of another path */
	cache->readers[id] = list_reader_start(&source, id, cache->wake_fd);
	if (cache->readers[id] != NULL)
		return;
	(void)errmsg_set(&err, "%s/%s: out of memory", source.directory, list_name(id));
	note_failed_list(cache, id, &err);
	cache->reload.awaits[id] = false;
}

static void wait_for_list(struct cache *cache, size_t slot, int64_t until)
{
	if (slot < LIST_COUNT && cache->readers[slot] != NULL)
		(void)job_wait(cache->readers[slot], until);
}

/* Return whether the list's file does not answer, for which others must not wait. */
static bool is_stuck(const struct cache *cache, size_t slot)
{
	struct job *reader = cache->readers[slot];
	char path[JOB_PATH_SIZE];
	const int64_t since = reader == NULL ? 0 : job_waits(reader, path);

	return watch_is_stuck(cache->watch, slot) ||
		(since != 0 && clock_ms() - since >= WATCH_LATE_MS);
}

/* Use what the readers that have ended have read; if lists must come into force together, only when
 * all have. */
static void end_lists(struct cache *cache)
{
	bool has_ended[LIST_COUNT] = { false }, all = true;
	size_t i;

	for (i = 0; i < LIST_COUNT; i++) {
		if (!watch_is_reading(cache->watch, i))
			job_abandon(&cache->readers[i]); /* it has another path by now */
		if (cache->readers[i] != NULL)
			has_ended[i] = job_wait(cache->readers[i], 0);
		if (!has_ended[i] && watch_is_pending(cache->watch, i) && !is_stuck(cache, i))
			all = false;
	}
	if (cache->reads_together && !all)
		return;
	if (cache->reads_together)
		watch_folder_accept(cache->watch, 0);
	cache->reads_together = false;
	for (i = 0; i < LIST_COUNT; i++) {
		if (has_ended[i])
			end_list(cache, (enum list_id)i);
	}
	if (cache->awaits_directory && all) {
		cache->awaits_directory = false;
		cache_use_settings(cache);
	}
}

/*
 * If the directory does not exist, use an empty list in place of each list that was never read, and
 * report that as a problem of the first one. Lists that were read stay in force when their
 * directory disappears.
 */
static void use_empty_lists(struct cache *cache)
{
	struct problems *problems;
	struct list *list;
	size_t first = LIST_COUNT, missing = 0, i;

	for (i = LIST_COUNT; i-- > 0;) {
		if (cache->lists[i] != NULL || !watch_folder_gone(cache->watch, i))
			continue;
		first = i;
		missing++;
	}
	for (i = first; i < LIST_COUNT; i++) {
		if (cache->lists[i] != NULL)
			continue;
		if ((list = list_build((enum list_id)i, "", 0, cache->psl, NULL)) == NULL)
			return;
		problems = i == first ? problems_new() : NULL;
		problems_add(problems, "%s: the directory does not exist, so that %s empty",
			cache->config->lists.directory,
			missing == LIST_COUNT ? "all lists are" :
						"the lists that were not read before are");
		use_list(cache, (enum list_id)i, list, problems);
	}
}

/* What the thread "names" finds: the faults of the lists' directory, such as files whose name is
 * nearly a list's. */
struct names {
	char *directory;
	uid_t user;
	struct problems *problems;
};

static void free_names(void *context)
{
	struct names *names = context;

	problems_free(&names->problems);
	free(names->directory);
	free(names);
}

static void run_names(void *context)
{
	const struct names *names = context;

	file_wait_begin(names->directory);
	list_files_report_names(&(const struct list_source){ .directory = names->directory,
		.user = names->user,
		.problems = names->problems });
	file_wait_end();
}

/* Begin to compare the names if the directory has changed. */
static void begin_names(struct cache *cache)
{
	static const struct job_work work = { "names", run_names, free_names, NULL };
	const struct file_stamp *folder = watch_folder_stamp(cache->watch, 0);
	struct names *names;

	if (cache->names != NULL || file_stamp_equal(folder, &cache->folder) ||
		(names = calloc(1, sizeof(*names))) == NULL)
		return;
	names->directory = strdup(cache->config->lists.directory);
	names->user = cache->config->user;
	names->problems = problems_new();
	if (names->directory == NULL || names->problems == NULL) {
		free_names(names);
		return;
	}
	if ((cache->names = job_start(&work, names, cache->wake_fd)) != NULL)
		cache->folder = *folder;
}

static void compare_names(struct cache *cache)
{
	bool had_folder_faults = cache->has_folder_faults;
	struct names *names;

	begin_names(cache);
	if (cache->names == NULL || !job_wait(cache->names, 0))
		return;
	names = job_finish(&cache->names);
	cache->has_folder_faults = problems_count(names->problems) > 0 ||
		problems_level_count(names->problems, PROBLEM_NOTE) > 0;
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_FOLDER, names->problems);
	names->problems = NULL;
	free_names(names);
	if (cache->has_folder_faults || had_folder_faults) {
		policy_problems_log_changes(cache->policy_problems);
		cache_update_status(cache);
	}
}

/* ---- all files ------------------------------------------------------------------- */

static void read_file(struct cache *cache, size_t slot)
{
	if (slot != STORE_SLOT) {
		begin_list(cache, (enum list_id)slot);
		return;
	}
	cache_begin_store(cache);
}

void cache_read_files(struct cache *cache)
{
	const int64_t until = clock_ms() + READING_MS;
	size_t slot, count;

	if (cache->psl == NULL)
		return;
	watch_look(cache->watch, clock_ms());
	if (watch_folder_replaced(cache->watch, 0) || cache->is_new_directory)
		cache->reads_together = true;
	cache->is_new_directory = false;
	compare_names(cache);
	if (!cache->reads_together) /* or else no list may have been begun yet */
		end_lists(cache);
	/* The store may take rights from users. However often it changes, a list has its turn. */
	if (watch_must_read(cache->watch, STORE_SLOT)) {
		read_file(cache, STORE_SLOT);
		cache_end_store(cache, until);
	}
	/* Files that change again come last, so that each has been read when this ends. */
	for (count = 0; count < WATCH_FILES; count++) {
		if (!watch_next(cache->watch, &slot))
			break;
		read_file(cache, slot);
		if (cache->reads_together)
			continue;
		wait_for_list(cache, slot, until);
		end_lists(cache);
		if (clock_ms() >= until)
			break;
	}
	if (cache->reads_together) {
		for (slot = 0; slot < LIST_COUNT; slot++)
			wait_for_list(cache, slot, until);
		end_lists(cache);
	}
	use_empty_lists(cache);
	cache_decide_without_store(cache);
}
