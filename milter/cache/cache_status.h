#ifndef POSTERN_CACHE_STATUS_H
#define POSTERN_CACHE_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/rules/list.h"
#include "milter/cache/known_right.h"
#include "milter/pg/revision.h"
#include "milter/shared/status.h"

/* "none", "lists", "store", "cache", "database" */
const char *cache_source_name(enum cache_source source);

enum database_state {
	DATABASE_OFF,	     /* not configured */
	DATABASE_CONNECTING, /* not reached so far */
	DATABASE_LISTENING,  /* reached, and it notifies of changes */
	DATABASE_POLLING,    /* reached, but LISTEN is refused (a standby) or has no effect (a
				pooler) */
	DATABASE_BEHIND,     /* reached, but its state is older than the rows in force: waiting */
	DATABASE_DOWN,	     /* was reached, but is not now */
};

/* "off", "connecting", "listening", "polling", "behind", "down" */
const char *database_state_name(enum database_state state);

/* Conditions that delay the discovery of changes although the database is reached. */
struct database_faults {
	bool listen_refused;	 /* by a primary */
	bool listen_is_lost;	 /* behind a pooler that does not pass on notifications */
	bool is_unnotified;	 /* changes were found by polling, of which no notification came */
	bool feed_is_refused;	 /* a query of the change feed failed */
	bool feed_is_forbidden;	 /* the role may not use the change feed */
	char role[64];		 /* as which the daemon has logged in */
	char database[64];	 /* its name; "": the connection string contains none */
	bool feed_is_incomplete; /* triggers of the change feed are missing or disabled */
};

#define CACHE_HANGS 8

/* A path whose file system does not answer. */
struct cache_hang {
	char path[256];
	int64_t since; /* by clock_ms() */
};

/*
 * The state of the cache thread: a plain value, except for the texts of `problems`. Times are wall
 * clock; 0: never. Texts are "" when there is no such error.
 */
struct cache_status {
	enum cache_source source;
	uint64_t serial;	  /* policy_serial() of the policy in force; 0: none */
	time_t published;	  /* when that policy was put in force */
	time_t confirmed;	  /* when it was last known to be right: known_right.h */
	struct known_right right; /* its parts, from which `confirmed` follows */
	char revision[256];    /* the position in the change feed, or another name of the state */
	uint64_t publications; /* policies put in force since the start */

	enum database_state database;
	char server[256];     /* host:port or socket of the connection; never the password */
	bool has_feed;	      /* the change feed is in use */
	bool has_untold;      /* a look does not find every change: only reading everything does */
	char untold[512];     /* the reason */
	char read_whole[512]; /* why a change of one row reads a whole table; "": it does not */
	unsigned full_reload_interval; /* s between readings of everything; 0: never */
	time_t database_since;	       /* the state began */
	char database_error[512];      /* why the connection failed */
	enum revision_age age;	       /* while the state is DATABASE_BEHIND */
	char database_behind[512];     /* the same in words; "" in other states */
	struct database_faults faults;
	uint64_t loads_failed; /* since the start: the rows in force stayed */
	char load_error[512];  /* why the last load failed */
	time_t locked_since;   /* others lock or change the tables; 0: nobody */

	time_t store_written;	  /* when the JSON file or its journal was last written */
	char store_error[512];	  /* why it could not be read or written the last time */
	bool store_is_locked;	  /* because another daemon writes it */
	size_t store_left_out;	  /* rows that the last write left out */
	uint64_t journal_bytes;	  /* of the JSON file's journal */
	int64_t store_late_since; /* when a write that does not end began, by clock_ms(); 0: none */
	char store_late_path[512];

	size_t users, profiles;
	size_t unprepared;	  /* regex lists that are interpreted, until they are prepared */
	char preparer_error[512]; /* why nothing prepares them */
	size_t users_bytes;	  /* memory */
	size_t list_entries[LIST_COUNT];
	size_t lists_unreadable;	     /* lists whose file is not in force */
	bool list_is_unreadable[LIST_COUNT]; /* right.wrong_since has since when */
	char list_error[512];		     /* why the first of them is not */
	/* When the read of a list began that has not ended, by clock_ms(); 0: it is not being read.
	 */
	int64_t lists_reading[LIST_COUNT];
	size_t hang_count; /* paths whose file system does not answer; the first are in hangs */
	struct cache_hang hangs[CACHE_HANGS];
	int looks_refused;	/* the errno for which no thread looks at files; 0: one does */
	bool lists_are_gone;	/* their directory is missing */
	char lists_folder[512]; /* the path of their directory */
	int polled_for; /* the errno for which inotify does not report some changes; 0: it does */
	char polled_folder[512]; /* the folder that it refuses; "": there is no inotify */
	char psl_error[512];	 /* why the public suffix list cannot be read */

	char config_error[512]; /* why the last reading of the configuration failed */

	/* Problems and notes of the rows and lines in force; policy_problems.h. */
	struct {
		size_t count; /* all */
		char *texts;  /* those that were kept, one line each; NULL: none */
	} problems[PROBLEM_LEVELS];
};

/* Free the texts that a status owns. */
void cache_status_free(struct cache_status *status);

/*
 * Return the texts of the problems or notes as an array of strings: a new reference, or NULL when
 * out of memory.
 */
json_t *cache_status_problems_json(const struct cache_status *status, enum problem_level level);

/* Report files whose changes inotify does not report. */
void cache_check_polled_files(const struct cache_status *status, struct status_health *health);

/* Report the lists that cannot be used, or whose read takes long at that time of clock_ms(). */
void cache_check_list_files(const struct cache_status *status, int64_t now,
	struct status_health *health);

/*
 * Register the sections cache (the policy), database, store and lists. The cache must outlive the
 * registry's last use. Returns 0, or -1 when out of memory.
 */
struct cache;
int cache_status_register(struct cache *cache, struct status *registry);

#endif
