#ifndef POSTERN_CACHE_H
#define POSTERN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "milter/cache/cache_status.h"
#include "milter/shared/snapshot.h"

struct config;

/*
 * The cache thread: the one owner of PostgreSQL, the list files and the JSON
 * file. It builds policies and puts them in force in the snapshot; it re-reads the configuration
 * on a reload. It logs by log_event(), each failure once and not at every attempt.
 */
struct cache;

/*
 * What it tells the rest of the daemon. Called in the cache thread, without any lock
 * held; they must not wait, and must not end it. Either may be NULL.
 */
struct cache_hooks {
	void *context;

	/*
	 * A reload has read a new, good configuration: `config` lives as long as the call; `old` is
	 * what was in force. The policy with its settings follows. What of it can't change while
	 * running (sockets, user) is for the hook to say. 0, or -1 with err set: a file that it
	 * names can't be read, which fails the reload.
	 */
	int (*config_taken)(void *context, const struct config *config, const struct config *old,
		struct errmsg *err);

	/*
	 * Every reload up to and including `request` is answered: ok when all was read and is in
	 * force (bad rows and lines left out all the same: see the status); else err says what was
	 * not, and the old stays.
	 */
	void (*reload_ended)(void *context, uint64_t request, bool ok, const struct errmsg *err);
};

/*
 * Start the thread. config is the one that was read at the start; the cache takes a reference of
 * its own. config_path is read again at each reload. snapshot must outlive the cache. 0, or -1 with
 * err set. All signals are blocked in the thread.
 */
int cache_start(const struct config *config, const char *config_path, struct snapshot *snapshot,
	const struct cache_hooks *hooks, struct cache **cache_r, struct errmsg *err);

/*
 * Wait until the first load has ended: a policy is in force, or it is known why there is none (then
 * err says so and the thread goes on trying). 0 with a policy; -1 without one, or after timeout_ms.
 * A JSON file that is being read counts as not ended; a database that doesn't answer does not hold
 * this up when the JSON file gave a policy.
 */
int cache_wait_first(struct cache *cache, int timeout_ms, struct errmsg *err);

/*
 * End the thread, within a second or so also when the database hangs; what asked for a reload is
 * answered. The functions below may still be called, until cache_free(), which ends it first where
 * that was not done. By the thread that started it. cache_free() takes NULL.
 */
void cache_end(struct cache *cache);
void cache_free(struct cache **cache);

/*
 * Ask for everything to be read again: configuration, lists, store, database. Returns the
 * request's number (they grow); requests that come while one is waiting are answered together.
 * Never waits; any thread.
 */
uint64_t cache_reload_request(struct cache *cache);

/* Fill *status_r; cache_status_free() it afterwards. Any thread; waits for no load. -1 only when
 * out of memory. */
int cache_copy_status(struct cache *cache, struct cache_status *status_r);

#endif
