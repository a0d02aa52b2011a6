/*
 * The cache thread: its loop, and the functions by which other threads reach it. The thread owns
 * PostgreSQL's connection, the watch on files and the parts of the next policy.
 */
#include "milter/cache/cache.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/thread.h"
#include "milter/base/deadline.h"
#include "milter/cache/cache_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

/*
 * Concurrency. Other threads reach the cache thread through the members under `lock` (the request
 * to stop, requests for a reload, the status) and wake it by an eventfd. They get its policies,
 * which are immutable, from the snapshot.
 *
 * Two helpers have threads of their own for calls that may block for long: pg_connect.c to connect,
 * one thread for each attempt, which is abandoned if the attempt is given up; and store_job.c
 * to write the JSON file, from references to immutable rows, and its journal. Each hands over its
 * result under a lock of its own and wakes the cache thread by an eventfd. A third helper,
 * line_worker.c, parses rows during a load and ends with it. A fourth, regex_preparer.c, makes the
 * regexes of a policy faster while it is in force. All looks at watched files (watch_look.c), reads
 * of lists (list_reader.c), of postern.conf and the public suffix list (config_reader.c) and of the
 * JSON store (store_reader.c), and comparisons of names (cache_files.c) are jobs in threads of
 * their own, because their file system may not answer: the cache thread itself uses none. It waits
 * for a read for a short time, then does other work until it has ended. When the cache thread ends,
 * it abandons the rest.
 *
 * The cache thread waits only in poll_once(), for its current purpose and also for the eventfd and
 * inotify. Therefore a database that hangs does not delay the lists, a reload of the files or the
 * end of the thread. attend(), which does all work except PostgreSQL's, also runs during a load;
 * the rows of a load are put in force together with the files as they are when the load ends.
 */

#define NICENESS 5 /* of the thread and of all that it starts: threads that judge mail go first */
#define AWAITED_MS 1000	     /* between looks whether the kept rows wait for their file system */
#define STOP_WRITE_MS 5000   /* how long a stop waits for the JSON file */
#define STOP_PREPARE_MS 1000 /* how long it waits for the present step of the regexes */

/* ---- the thread --------------------------------------------------------------- */

/*
 * Return the reason why there is no policy yet, which may be stored in err, or NULL while the first
 * load continues.
 */
static const struct errmsg *first_failure(const struct cache *cache, struct errmsg *err)
{
	const struct cache_status *status = &cache->status; /* only this thread writes it */
	bool is_reading = false;
	size_t i;

	if (cache->psl_error.text[0] != '\0')
		return &cache->psl_error;
	for (i = 0; i < LIST_COUNT; i++) {
		if (cache->lists[i] == NULL && cache->list_error[i].text[0] != '\0')
			return &cache->list_error[i];
		is_reading = is_reading || cache->lists[i] == NULL;
	}
	if (is_reading && cache->source == SOURCE_CACHE)
		return NULL; /* the kept rows decide as soon as the lists have been read */
	if (!database_is_configured(cache->database))
		return cache->store_error.text[0] != '\0' ? &cache->store_error : NULL;
	if (status->load_error[0] != '\0')
		(void)errmsg_set(err, "%s", status->load_error);
	else if (status->database_error[0] != '\0')
		(void)errmsg_set(err, "%s", status->database_error);
	else
		return NULL;
	return err;
}

/*
 * Wake cache_wait_first() once a policy is in force, or once the reason why there is none is known.
 */
static void note_first_end(struct cache *cache)
{
	const struct errmsg *failure = NULL;
	struct errmsg err;

	if (cache->first_ended && cache->has_policy)
		return;
	if (cache->status.publications == 0 && (failure = first_failure(cache, &err)) == NULL)
		return;
	(void)pthread_mutex_lock(&cache->lock);
	cache->first_ended = true;
	cache->has_policy = failure == NULL;
	if (failure != NULL)
		cache->first_error = *failure;
	(void)pthread_cond_broadcast(&cache->first);
	(void)pthread_mutex_unlock(&cache->lock);
}

/* Begin to read everything again. Requests made during this reload are answered by the next one. */
static void begin_reload(struct cache *cache, uint64_t number)
{
	if (cache->hooks.reload_began != NULL)
		cache->hooks.reload_began(cache->hooks.context);
	cache_reload_begin(cache, number, clock_ms());
	(void)pthread_mutex_lock(&cache->lock);
	cache->reload.accepts_older = cache->accepts_older;
	cache->accepts_older = false;
	(void)pthread_mutex_unlock(&cache->lock);
}

static void attend_store(struct cache *cache)
{
	const enum store_sync_event event = store_sync_attend(cache->store_sync, clock_ms());

	if (event == STORE_SYNC_NOTHING)
		return;
	if (event == STORE_SYNC_RELEASED) {
		cache_trim_memory(cache); /* the references may have been the last ones */
		if (database_is_configured(cache->database) &&
			store_sync_state(cache->store_sync).error->text[0] == '\0')
			cache->store_error.text[0] = '\0'; /* the file that had it is replaced */
	}
	cache_update_status(cache);
}

/* Do all work except PostgreSQL's. A part of it may take long, so that each one asks for the time.
 */
static void attend(struct cache *cache)
{
	uint64_t requested, woken;

	cache->is_woken = false;
	atomic_store(&cache->answered, atomic_load(&cache->asked));
	(void)!read(cache->wake_fd, &woken, sizeof(woken));
	(void)pthread_mutex_lock(&cache->lock);
	cache->is_stopping = cache->stop_wanted;
	requested = cache->requested;
	(void)pthread_mutex_unlock(&cache->lock);
	if (cache->is_stopping)
		return;
	if (requested > cache->reload.number && !cache->reload.is_active)
		begin_reload(cache, requested);
	cache_attend_config(cache, clock_ms());
	cache_end_store(cache, 0);
	cache_read_files(cache);
	cache_update_files_status(cache);
	cache_publish(cache);
	policy_problems_report_unlogged(cache->policy_problems, clock_ms());
	if (regex_preparer_attend(cache->preparer, clock_ms()))
		cache_update_status(cache);
	attend_store(cache);
	cache_reload_end(cache, clock_ms());
	note_first_end(cache);
}

/* When attend() must run at the latest, even if nothing wakes the thread. */
static int64_t attend_due(const struct cache *cache)
{
	int64_t due = cache->psl == NULL ? CLOCK_NEVER : watch_due(cache->watch);

	if (cache->is_woken)
		return 0;
	due = clock_earlier(due, store_sync_due(cache->store_sync));
	due = clock_earlier(due, store_sync_look_due(cache->store_sync));
	due = clock_earlier(due, regex_preparer_due(cache->preparer));
	due = clock_earlier(due, cache_config_due(cache));
	if (cache_awaits_kept_store(cache))
		due = clock_earlier(due, clock_ms() + AWAITED_MS);
	return clock_earlier(due, cache_reload_due(cache));
}

/* Wait for fd, for work of attend(), or until due. Returns whether fd is ready. */
static bool poll_once(struct cache *cache, int fd, bool for_write, int64_t due)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = for_write ? POLLOUT : POLLIN },
		{ .fd = cache->wake_fd, .events = POLLIN },
		{ .fd = cache->psl != NULL ? watch_fd(cache->watch) : -1, .events = POLLIN },
	};

	if (poll(fds, 3, clock_timeout(clock_ms(), due)) <= 0)
		return false;
	cache->is_woken = cache->is_woken || fds[1].revents != 0 || fds[2].revents != 0;
	return fds[0].revents != 0;
}

/* The wait of struct pg_waiter, which does the thread's other work meanwhile. */
static enum pg_wait wait_attending(void *context, int fd, bool for_write, int64_t deadline)
{
	struct cache *cache = context;
	int64_t due;

	for (;;) {
		if (clock_ms() >= attend_due(cache))
			attend(cache);
		if (cache->is_stopping || database_gives_up(cache->database))
			return PG_WAIT_GIVE_UP;
		due = attend_due(cache);
		if (poll_once(cache, fd, for_write, due < deadline ? due : deadline))
			return PG_WAIT_READY;
		if (!cache->is_woken && clock_ms() >= deadline)
			return PG_WAIT_TIMEOUT;
	}
}

static void start_up(struct cache *cache)
{
	cache_apply_config(cache);
	if (cache->config->database.present)
		cache_begin_kept_store(cache);
}

static void *cache_run(void *context)
{
	struct cache *cache = context;
	int64_t due, database;
	uint64_t requested;
	bool is_followed;

	thread_give_way(NICENESS);
	start_up(cache);
	for (;;) {
		attend(cache);
		if (cache->is_stopping)
			break;
		is_followed = !cache_awaits_kept_store(cache);
		if (is_followed)
			database_run(cache->database);
		cache_reload_end(cache, clock_ms());
		note_first_end(cache);
		due = attend_due(cache);
		database = is_followed ? database_due(cache->database) : CLOCK_NEVER;
		(void)poll_once(cache, is_followed ? database_fd(cache->database) : -1, false,
			due < database ? due : database);
	}
	(void)pthread_mutex_lock(&cache->lock);
	requested = cache->requested;
	(void)pthread_mutex_unlock(&cache->lock);
	cache_reload_abandon(cache, requested);
	return NULL;
}

/* ---- for other threads --------------------------------------------------------- */

static void destroy_cache(struct cache **cache)
{
	struct cache *c = *cache;
	int i;

	*cache = NULL;
	if (c == NULL)
		return;
	database_free(&c->database);
	store_sync_free(&c->store_sync, STOP_WRITE_MS);
	regex_preparer_free(&c->preparer, STOP_PREPARE_MS);
	watch_free(&c->watch);
	job_abandon(&c->names);
	job_abandon(&c->configuration);
	job_abandon(&c->store);
	free(c->store_path);
	policy_problems_free(&c->policy_problems);
	for (i = 0; i < LIST_COUNT; i++) {
		job_abandon(&c->readers[i]);
		list_unref(&c->lists[i]);
	}
	profiles_unref(&c->profiles);
	users_unref(&c->users);
	users_references_free(&c->references);
	orgdomain_unref(&c->psl);
	config_unref(&c->config);
	config_unref(&c->decides_by);
	cache_status_free(&c->status);
	free(c->config_path);
	if (c->wake_fd >= 0)
		(void)close(c->wake_fd);
	(void)pthread_cond_destroy(&c->first);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct cache *cache_new(const struct config *config, const char *config_path)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return NULL;
	cache->config = config_ref(config);
	cache->decides_by = config_ref(config);
	(void)pthread_mutex_init(&cache->lock, NULL);
	deadline_init_cond(&cache->first);
	cache->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cache->config_path = strdup(config_path);
	cache->watch = watch_new(true, cache->wake_fd);
	cache->policy_problems = policy_problems_new();
	cache->store_sync = store_sync_new(cache->wake_fd);
	cache->preparer = regex_preparer_new();
	cache->references = users_references_new();
	cache->database = cache_database_new(cache,
		&(struct pg_waiter){ .context = cache, .wait = wait_attending });
	if (cache->wake_fd < 0 || cache->config_path == NULL || cache->watch == NULL ||
		cache->policy_problems == NULL || cache->store_sync == NULL ||
		cache->preparer == NULL || cache->references == NULL || cache->database == NULL)
		destroy_cache(&cache);
	return cache;
}

int cache_start(const struct config *config, const char *config_path, struct snapshot *snapshot,
	const struct cache_hooks *hooks, struct cache **cache_r, struct errmsg *err)
{
	struct cache *cache = cache_new(config, config_path);
	int error;

	if (cache == NULL)
		return errmsg_set(err, "out of memory");
	cache->snapshot = snapshot;
	cache->hooks = *hooks;
	cache_return_large_blocks();
	if ((error = thread_start(&cache->thread, "cache", cache_run, cache)) != 0) {
		destroy_cache(&cache);
		return errmsg_set(err, "cannot start the cache thread: %s", strerror(error));
	}
	*cache_r = cache;
	return 0;
}

int cache_wait_first(struct cache *cache, int timeout_ms, struct errmsg *err)
{
	const struct timespec until = deadline_in(timeout_ms);
	int ret = -1, error = 0;

	(void)pthread_mutex_lock(&cache->lock);
	while (!cache->first_ended && error != ETIMEDOUT)
		error = pthread_cond_timedwait(&cache->first, &cache->lock, &until);
	if (cache->has_policy)
		ret = 0;
	else if (cache->first_ended)
		*err = cache->first_error;
	else
		(void)errmsg_set(err, "nothing has been loaded yet");
	(void)pthread_mutex_unlock(&cache->lock);
	return ret;
}

static void wake(struct cache *cache)
{
	uint64_t one = 1;

	(void)!write(cache->wake_fd, &one, sizeof(one)); /* fails if the thread is awake anyway */
}

void cache_end(struct cache *cache)
{
	if (cache->has_ended)
		return;
	(void)pthread_mutex_lock(&cache->lock);
	cache->stop_wanted = true;
	(void)pthread_mutex_unlock(&cache->lock);
	wake(cache);
	(void)pthread_join(cache->thread, NULL);
	cache->has_ended = true;
}

void cache_free(struct cache **cache)
{
	if (*cache == NULL)
		return;
	cache_end(*cache);
	destroy_cache(cache);
}

uint64_t cache_ask(struct cache *cache)
{
	const uint64_t number = atomic_fetch_add(&cache->asked, 1) + 1;

	wake(cache);
	return number;
}

uint64_t cache_answered(const struct cache *cache)
{
	return atomic_load(&cache->answered);
}

uint64_t cache_reload_request(struct cache *cache, bool accept_older)
{
	uint64_t number;

	(void)pthread_mutex_lock(&cache->lock);
	number = ++cache->requested;
	cache->accepts_older = cache->accepts_older || accept_older;
	(void)pthread_mutex_unlock(&cache->lock);
	wake(cache);
	return number;
}
