#ifndef POSTERN_CACHE_H
#define POSTERN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "milter/cache/cache_status.h"
#include "milter/shared/snapshot.h"

struct config;

/*
 * The cache thread alone uses PostgreSQL, the list files and the JSON file. It builds policies,
 * puts them in force in the snapshot, and reads the configuration again on a reload. It logs with
 * log_event(), each failure once and not at every attempt.
 */
struct cache;

/*
 * The functions by which the cache thread reports to the rest of the daemon. It holds no lock
 * during these calls, which must neither wait nor end the cache. Each may be NULL.
 */
struct cache_hooks {
	void *context;

	/* A reload has begun, which reload_ended will end. */
	void (*reload_began)(void *context);

	/*
	 * A reload has read a configuration whose form is right. The hook reads the files that the
	 * daemon takes from it into *files_r, which is NULL before. Returns 0, or -1 with err set
	 * if the configuration is refused nevertheless. Runs in a thread that may outlive the
	 * daemon's objects if a file system does not answer.
	 */
	int (*config_read)(const struct config *config, void **files_r, struct errmsg *err);
	void (*files_free)(void *files); /* set if config_read is; accepts NULL; any thread */

	/*
	 * A reload has read a good configuration, which replaces `old`; the policy with its
	 * settings follows. Both live as long as the call, unless the hook takes a reference. The
	 * hook takes over the files, and reports which changes need a restart. Returns 0, or -1
	 * with err set if one of the files could not be read, which fails the reload.
	 */
	int (*config_taken)(void *context, const struct config *config, const struct config *old,
		void *files, struct errmsg *err);

	/*
	 * Answers every reload up to and including `request`. ok: everything was read and is in
	 * force, except for bad rows and lines (see the status). Otherwise err gives the source
	 * that could not be read; its old version stays in force.
	 */
	void (*reload_ended)(void *context, uint64_t request, bool ok, const struct errmsg *err);
};

/*
 * Start the thread, which blocks all signals. config is the one that was read at the start; the
 * cache takes a reference. config_path is read again at each reload. snapshot must outlive the
 * cache. Returns 0, or -1 with err set.
 */
int cache_start(const struct config *config, const char *config_path, struct snapshot *snapshot,
	const struct cache_hooks *hooks, struct cache **cache_r, struct errmsg *err);

/*
 * Wait until the first load has ended. Returns 0 if a policy is in force, or -1 with err set if
 * there is none, or after timeout_ms; the thread keeps trying. A database that does not answer does
 * not delay this if the JSON file gave a policy.
 */
int cache_wait_first(struct cache *cache, int timeout_ms, struct errmsg *err);

/*
 * cache_end() ends the thread and answers the pending reloads, within about a second even if the
 * database hangs. cache_free() does so, too, if that has not been done, and waits up to two seconds
 * for the JSON file to be written; it accepts NULL. Between the two, the functions below may still
 * be called. Only the thread that started the cache may call them.
 */
void cache_end(struct cache *cache);
void cache_free(struct cache **cache);

/*
 * Request that everything be read again: configuration, lists, store and database. Returns the
 * request's number, which is higher than all earlier ones; requests made while one waits are
 * answered together. accept_older: take the database's rows even if its state is older than the
 * rows in force. Never waits. Thread-safe.
 */
uint64_t cache_reload_request(struct cache *cache, bool accept_older);

/*
 * Ask the thread for a sign of life. Returns the question's number; cache_answered() returns that
 * of the last question that the thread has answered, which it does whenever it has no other work.
 * One thread may ask. Neither waits.
 */
uint64_t cache_ask(struct cache *cache);
uint64_t cache_answered(const struct cache *cache);

/* Return a reference to the policy in force, or NULL. Thread-safe. */
struct policy *cache_policy(const struct cache *cache);

/*
 * Copy the status into *status_r, which the caller must cache_status_free(). Returns 0, or -1 when
 * out of memory. Waits for no load. Thread-safe.
 */
int cache_copy_status(struct cache *cache, struct cache_status *status_r);

#endif
