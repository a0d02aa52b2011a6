#ifndef POSTERN_KNOWN_RIGHT_H
#define POSTERN_KNOWN_RIGHT_H

#include <stdbool.h>
#include <time.h>

#include "milter/cache/watch.h"

/* The origin of the users and profiles in force. */
enum cache_source {
	SOURCE_NONE,  /* there is no policy yet */
	SOURCE_LISTS, /* lists only: neither a database nor a store is configured */
	SOURCE_STORE, /* the JSON file, which is the store */
	SOURCE_CACHE, /* the JSON file that the cache thread wrote earlier: the database has not
			 answered yet */
	SOURCE_DATABASE,
};

/*
 * When the policy in force was last known to be what its sources contain: its age, in status. The
 * rule is the whole of known_right(): the policy is as old as its oldest part.
 *
 * - Rows of PostgreSQL are right when they were read, and whenever a look finds that nothing that
 * the queries read has changed. A look that cannot find every change confirms nothing, unless it
 * reads everything. Neither does one that fails, or that is refused because a table would become
 * empty.
 *   A standby may lag: its rows are as old as the last commit that it has replayed, unless it has
 *   replayed everything and is still receiving.
 * - Rows of a kept store are as old as they were when they were written.
 * - Files are watched, so that what is in force is right until a file changes. From then on, until
 * it is read, it is as old as that change: also while the file cannot be read, is held back, or has
 *   disappeared with its directory. The same applies to the public suffix list and to postern.conf,
 *   which are read at a reload, if that fails.
 * - Where a reload has configured a database that has not answered yet, the rows of the former
 * source are as old as that reload.
 *
 * Times are wall clock; 0: never, or (of a file) that what is in force is the file's.
 */
struct known_right {
	time_t rows;			 /* of SOURCE_DATABASE and SOURCE_CACHE */
	time_t wrong_since[WATCH_FILES]; /* the watched files, by their slots */
	time_t psl_wrong_since, config_wrong_since;
	time_t source_wrong_since; /* a database is configured, but the rows came from elsewhere */
};

/* The time, or 0 if there is no policy. Thread-safe. */
time_t known_right(const struct known_right *parts, enum cache_source source, time_t now);

/*
 * Note whether a part is wrong now; *since is the member of struct known_right that belongs to it.
 * Returns whether that has changed.
 */
bool known_right_note(time_t *since, bool is_wrong, time_t now);

#endif
