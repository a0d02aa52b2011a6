#ifndef POSTERN_CACHE_PRIVATE_H
#define POSTERN_CACHE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/conf/config.h"
#include "lib/rules/users_references.h"
#include "lib/store/store_read.h"
#include "milter/cache/cache.h"
#include "milter/cache/database.h"
#include "milter/cache/known_right.h"
#include "milter/cache/list_reader.h"
#include "milter/cache/policy_problems.h"
#include "milter/cache/regex_preparer.h"
#include "milter/cache/store_sync.h"
#include "milter/cache/watch.h"
#include "milter/pg/revision.h"

/* The cache thread's state, for the files cache*.c only. */

#define CACHE_LATE_MS 10000   /* a path that has not answered for so long is a problem */
#define STORE_SLOT LIST_COUNT /* the store's slot in the watch; a list's slot is its list_id */

/* A reload that was requested and is not yet answered. */
struct cache_reload {
	bool is_active;
	bool awaits_config; /* postern.conf is being read for it; the rest follows */
	bool accepts_older; /* an older state of the database is accepted, too */
	uint64_t number;
	uint64_t database_request;
	int64_t patient_until, deadline;
	struct errmsg err; /* the first failure; "" for none */
	/* It confirms the files that were there when it began, each until that one has been read.
	 */
	bool awaits[WATCH_FILES];
};

struct cache {
	/* Set before the thread starts. */
	pthread_t thread;
	bool has_ended;		   /* used by the starting thread only */
	struct snapshot *snapshot; /* has its own lock */
	struct cache_hooks hooks;
	char *config_path;
	int wake_fd;			       /* an eventfd: adding to it wakes the thread */
	atomic_uint_least64_t asked, answered; /* see cache_ask() */

	/* Shared under lock, which is held only for copying. */
	pthread_mutex_t lock;
	pthread_cond_t first; /* signals that first_ended became true */
	bool stop_wanted;
	uint64_t requested; /* the last request for a reload */
	bool accepts_older; /* one of the requests not yet begun accepts an older database */
	bool first_ended, has_policy;
	struct errmsg first_error;
	struct cache_status status;

	/* Used by the thread only. */
	bool is_stopping;
	bool is_woken;			 /* attend() has something to do */
	const struct config *config;	 /* a reference */
	const struct config *decides_by; /* a reference: its settings are those of the policy */
	struct watch *watch;
	struct policy_problems *policy_problems;
	struct database *database;
	struct store_sync *store_sync;
	struct regex_preparer *preparer;
	struct cache_reload reload;

	/* The parts of the next policy; its settings are those of decides_by. */
	struct job *configuration; /* reads postern.conf or the public suffix list */
	bool is_outdated;	   /* it began before the reload that awaits them */
	struct job *store;	   /* reads the JSON store */
	char *store_path;	   /* ... of this path */
	struct orgdomain *psl;
	int64_t psl_retry_at;
	struct list *lists[LIST_COUNT]; /* NULL: not yet read */
	bool list_existed[LIST_COUNT]; /* its file, when it was last read or a reload confirmed that
					  it is gone */
	bool is_new_directory;	       /* a reload named another one for them */
	bool awaits_directory;	       /* ... and they are not in force yet, nor its settings */
	struct job *readers[LIST_COUNT]; /* of the files that are being read */
	bool reads_together;		 /* what they read comes into force together */
	struct job *names;		 /* compares the names in their directory */
	struct file_stamp folder;	 /* of their directory, when its names were last compared */
	bool has_folder_faults;		 /* a file in it has nearly a list's name */
	struct profiles *profiles;	 /* NULL: none yet */
	struct users *users;
	struct users_references *references; /* of the database's users */
	enum cache_source source;	     /* of profiles and users */
	struct revision revision;
	bool file_is_behind;  /* the store that was read lacks changes that are still on the disk */
	bool is_changed;      /* since the last policy was made */
	size_t replaced_rows; /* since unused memory was last returned to the system */

	struct errmsg list_error[LIST_COUNT]; /* why its file is not in force; "": it is */
	struct errmsg store_error, config_error, psl_error;
	struct known_right
		right; /* since when the parts of the policy in force are right or wrong */
};

/* ---- cache_status.c ---- */

/* Fill the status with the present state. */
void cache_update_status(struct cache *cache);

/* The same if reading the lists or the public suffix list went differently than before. */
void cache_update_files_status(struct cache *cache);

/* Find the paths that have not answered for late_ms or, if they are only looked at, for 2 s if that
 * is less. Returns their number, of which the first CACHE_HANGS are in hangs_r. */
size_t cache_find_hangs(const struct cache *cache, int64_t late_ms,
	struct cache_hang hangs_r[CACHE_HANGS]);

/* Fail the reload in progress, if there is one. Its answer is the first failure. */
void cache_reload_failed(struct cache *cache, const struct errmsg *err);

/* ---- cache_lists_section.c ---- */

#define MORE_THREADS                                                             \
	"Permit more threads (TasksMax= of the unit, ulimit -u before the init " \
	"script's start, kernel.threads-max). Postern keeps trying."

/* The functions of the status section lists. */
json_t *cache_describe_lists(void *context);
void cache_check_lists(void *context, struct status_health *health);

/* ---- cache_policy.c ---- */

/* Make a policy and put it in force, if its parts are complete and one has changed. */
void cache_publish(struct cache *cache);

/*
 * Have large blocks returned to the system when they are freed. By default, glibc keeps ever larger
 * ones, so that a load of many rows would take three times the memory of its policy.
 */
void cache_return_large_blocks(void);

/* Return unused memory to the system, if there are many users. */
void cache_trim_memory(struct cache *cache);

/*
 * Drop the users and profiles, and let the lists alone decide: there is neither a database nor a
 * store. Rows in force stay, however, until [store] path is empty, because a path may be mistyped
 * and a file removed by mistake.
 */
void cache_use_lists_only(struct cache *cache);

/* Have the first policy wait for users, because without them every login could use any sender.
 * Lists that are already in force alone stay so until users are read. */
void cache_wait_for_users(struct cache *cache);

/* Use all rows of a store file. Takes them out of store, and takes over problems. */
void cache_take_store(struct cache *cache, enum cache_source source, struct store *store,
	struct problems *problems);

/* Have PostgreSQL's rows written to the JSON file. */
void cache_keep_store(struct cache *cache);

/* Read the rcpt_re of the profiles in force again, because [profile] rcpt_re_anchored changed. */
void cache_anchor_profiles(struct cache *cache);

/*
 * Make the database, which reports to the cache and waits by waiter. Returns NULL when out of
 * memory.
 */
struct database *cache_database_new(struct cache *cache, const struct pg_waiter *waiter);

/* ---- cache_reload.c ---- */

/* Give cache->config to the database and the watch. */
void cache_apply_config(struct cache *cache);

/* Begin a reload that answers all requests up to number: read postern.conf, then everything else.
 */
void cache_reload_begin(struct cache *cache, uint64_t number, int64_t now);

/* Put in force what was read of postern.conf and the public suffix list, and begin to read them for
 * a reload, or while there is no public suffix list. A reload goes on without them if their file
 * system does not answer. */
void cache_attend_config(struct cache *cache, int64_t now);

/* When cache_attend_config() must be called at the latest, even if nothing wakes the thread. */
int64_t cache_config_due(const struct cache *cache);

/* When cache_reload_end() must be called at the latest, even if nothing wakes the thread. */
int64_t cache_reload_due(const struct cache *cache);

/* Answer the reload if everything has been read, or if it takes too long. */
void cache_reload_end(struct cache *cache, int64_t now);

/* Answer all requests up to that number with a failure, because the thread ends. */
void cache_reload_abandon(struct cache *cache, uint64_t requested);

/* Let the settings of cache->config decide, unless the lists of another directory, which it names,
 * have not been read yet. */
void cache_use_settings(struct cache *cache);

/* ---- cache_store.c ---- */

/* Begin to read the store in which PostgreSQL's rows were kept, until PostgreSQL answers. */
void cache_begin_kept_store(struct cache *cache);

/* Begin to read the store where there is no database; people or posternctl write it. */
void cache_begin_store(struct cache *cache);

/* Use what was read of the store, if that ends until then, by clock_ms(). */
void cache_end_store(struct cache *cache, int64_t until);

/* Return whether the database must not be followed yet: the kept rows tell which of its states was
 * in force. They are not awaited if their file system does not answer. */
bool cache_awaits_kept_store(const struct cache *cache);

/* Let the lists alone decide if the store's directory does not exist at the start. */
void cache_decide_without_store(struct cache *cache);

/* ---- cache_files.c ---- */

/*
 * Read the watched files that have changed and are whole, the store first. If that takes long, the
 * rest is read at the next call, so that no file delays the others: a long list is read on while
 * others come into force. The lists of another directory come into force together.
 */
void cache_read_files(struct cache *cache);

#endif
