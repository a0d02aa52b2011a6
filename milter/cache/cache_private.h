#ifndef POSTERN_CACHE_PRIVATE_H
#define POSTERN_CACHE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/conf/config.h"
#include "lib/store/store_read.h"
#include "milter/cache/cache.h"
#include "milter/cache/database.h"
#include "milter/cache/policy_problems.h"
#include "milter/cache/store_sync.h"
#include "milter/cache/watch.h"
#include "milter/pg/revision.h"

/* Of the files cache*.c alone. */

#define STORE_SLOT LIST_COUNT /* in the watch; the lists have the slots of their numbers */

/* A reload that somebody asked for, while it is not answered. */
struct cache_reload {
	bool is_active;
	uint64_t number;
	uint64_t database_request;
	int64_t deadline;
	struct errmsg err; /* the first thing that went wrong; "" for nothing */
};

struct cache {
	/* Set before the thread starts. */
	pthread_t thread;
	bool has_ended;		   /* the starting thread's own */
	struct snapshot *snapshot; /* has its own lock */
	struct cache_hooks hooks;
	char *config_path;
	int wake_fd; /* an eventfd; anyone adds to it to wake the thread */

	/* Shared: under lock, which is held for copying alone. */
	pthread_mutex_t lock;
	pthread_cond_t first; /* first_ended became true */
	bool stop_wanted;
	uint64_t requested; /* the last request for a reload */
	bool first_ended, has_policy;
	struct errmsg first_error;
	struct cache_status status;

	/* The thread's own. */
	bool is_stopping;
	bool is_woken; /* something has to be looked after */
	const struct config *config;
	struct watch *watch;
	struct policy_problems *policy_problems;
	struct database *database;
	struct store_sync *store_sync;
	struct cache_reload reload;

	/* What the next policy is made of; settings stand in config. */
	struct orgdomain *psl;
	int64_t psl_retry_at;
	struct list *lists[LIST_COUNT]; /* NULL: not read yet */
	struct profiles *profiles;	/* NULL: none yet */
	struct users *users;
	enum cache_source source; /* of profiles and users */
	struct revision revision;
	bool is_changed; /* since the last policy was made */

	struct errmsg file_error[WATCH_FILES]; /* the last of each slot, as it was logged */
	struct errmsg store_error, config_error, psl_error;
	time_t confirmed;
};

/* ---- cache_reload.c ---- */

/* Read everything again, for all requests up to that number. */
void cache_reload_begin(struct cache *cache, uint64_t number, int64_t now);

/* A part of the reload went wrong; the first one that did is what is answered. */
void cache_reload_failed(struct cache *cache, const struct errmsg *err);

/* Answer it, if all that it is about has ended. */
void cache_reload_end(struct cache *cache, int64_t now);

/* The thread ends: answer all up to that number. */
void cache_reload_abandon(struct cache *cache, uint64_t requested);

/* ---- cache_config.c ---- */

/* Read postern.conf again. What is wrong with it is logged; then the old one stays. */
void cache_read_config(struct cache *cache);

/* Drop what of the rows in force can't stay under the configuration. */
void cache_follow_source(struct cache *cache);

/* Read the public suffix list, where it isn't there or force; again later, when it can't be. */
void cache_read_psl(struct cache *cache, bool force, int64_t now);

/* ---- cache_files.c ---- */

/* Watch the files that the configuration names; force: read them all again. */
void cache_watch_files(struct cache *cache, bool force);

/* Read the store that PostgreSQL's rows were kept in, before PostgreSQL has answered. */
void cache_read_kept_store(struct cache *cache);

/* Read what changed and has settled. */
void cache_read_files(struct cache *cache, int64_t now);

/* Whether a file of a reload is still to be read. */
bool cache_files_pending(const struct cache *cache);

/* ---- cache_policy.c ---- */

/* Put in force what is there, if it makes a policy and anything changed. */
void cache_publish(struct cache *cache);

/* Rows that came from a file, all of them; takes them out of the store, and problems over. */
void cache_take_store(struct cache *cache, enum cache_source source, struct store *store,
	struct problems *problems);

/* No users and profiles any more, and no place for them: the lists alone decide, until there are
 * others. */
void cache_drop_rows(struct cache *cache);

/* Have the JSON file hold what PostgreSQL said. */
void cache_keep_store(struct cache *cache);

/* The rcpt_re of the profiles in force, read as the settings now say. */
void cache_anchor_profiles(struct cache *cache);

/* Of struct database_owner; context is the cache. */
struct profiles *cache_profiles(void *context);
struct users *cache_users(void *context);
const struct revision *cache_revision(void *context);
bool cache_rcpt_re_anchored(void *context);
void cache_take_rows(void *context, struct database_rows *rows);
void cache_confirm(void *context, const struct revision *revision);

/* ---- cache_status.c ---- */

/* Fill the status with the present state. */
void cache_update_status(struct cache *cache);

#endif
