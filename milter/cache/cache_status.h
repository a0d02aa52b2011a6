#ifndef POSTERN_CACHE_STATUS_H
#define POSTERN_CACHE_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/errmsg.h"
#include "lib/rules/list.h"
#include "milter/shared/status.h"

/* Where the users and profiles in force came from. */
enum cache_source {
	SOURCE_NONE,  /* there is no policy yet */
	SOURCE_LISTS, /* lists only: neither database nor store is configured */
	SOURCE_STORE, /* the JSON file, which is the store */
	SOURCE_CACHE, /* the JSON file, written by the cache thread earlier: the database has not
			 answered yet */
	SOURCE_DATABASE,
};

/* "none", "lists", "store", "cache", "database" */
const char *cache_source_name(enum cache_source source);

enum database_state {
	DATABASE_OFF,	     /* not configured */
	DATABASE_CONNECTING, /* never reached so far */
	DATABASE_LISTENING,  /* changes are notified */
	DATABASE_POLLING, /* reached, but LISTEN is refused (a standby) or brings nothing (a pooler)
			   */
	DATABASE_BEHIND,  /* a standby that lags behind what is in force: waiting */
	DATABASE_DOWN,	  /* was reached, isn't now: `database_error` says why */
};

/* "off", "connecting", "listening", "polling", "behind", "down" */
const char *database_state_name(enum database_state database);

/*
 * What the cache thread tells about itself: a plain value, but for `problems`. Times are wall
 * clock; 0: never.
 */
struct cache_status {
	enum cache_source source;
	uint64_t serial;    /* policy_serial() of what is in force; 0: none */
	time_t published;   /* when it was put in force */
	time_t confirmed;   /* when its source was last known to say the same: age = now - confirmed
			     */
	char revision[256]; /* the feed's position, or what else names the state; "" for none */
	uint64_t publications; /* policies put in force since the start */

	enum database_state database;
	char server[256]; /* host:port or socket of the connection; never the password */
	bool has_feed;	  /* our change feed is there */
	time_t database_since;
	char database_error[512]; /* the last one; "" for none */

	time_t store_written;  /* when the JSON file was last written */
	char store_error[512]; /* why the last writing or reading failed; "" for none */

	size_t users, profiles;
	size_t users_bytes, lists_bytes; /* memory */
	size_t list_entries[LIST_COUNT];

	uint64_t loads_failed;	/* since the start: loads that left the old policy in force */
	char load_error[512];	/* why the last load failed; "" when it did not */
	char config_error[512]; /* why the last reading of the configuration failed; "" when it did
				   not */

	/* What is wrong with the policy in force: see policy_problems.h. */
	size_t problem_count; /* all */
	char *problems; /* those that have a text, a line each; NULL for none; cache_status_free()
			 */
};

/* Free what a status holds. */
void cache_status_free(struct cache_status *status);

/* The texts of the problems as an array of strings. A new reference; NULL when out of memory. */
json_t *cache_status_problems_json(const struct cache_status *status);

/*
 * Register the sections cache (the policy), database, store and lists. The cache must outlive the
 * registry's last use. -1 when out of memory.
 */
struct cache;
int cache_status_register(struct cache *cache, struct status *registry);

#endif
