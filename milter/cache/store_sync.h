#ifndef POSTERN_STORE_SYNC_H
#define POSTERN_STORE_SYNC_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/errmsg.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"

/*
 * Writes PostgreSQL's rows to the JSON file. A separate thread does each write, from references to
 * immutable rows, so that a slow disk does not delay a load. The file is written soon after a
 * change; under constant change, every few seconds, or less often if writing takes long. A write
 * that failed is repeated as soon as there is more room on the disk, and twice a minute in any
 * case. Only one thread may call these functions. They log failures. Times are of clock_ms().
 */
struct store_sync;

#define STORE_SYNC_SOON_MS 200	 /* between a change and its write, for changes that follow it */
#define STORE_SYNC_PAUSE_MS 5000 /* at least, between two writes */

/* The eventfd wake_fd gets 1 added when a write has ended. Returns NULL when out of memory. */
struct store_sync *store_sync_new(int wake_fd);

/*
 * Wait for the write in progress, then write the rows that are still wanted, also those that could
 * not be written before, for wait_ms in all. After that time, the writing thread is abandoned and
 * ends with the process. Logs an error if the file lacks rows then. Accepts NULL.
 */
void store_sync_free(struct store_sync **sync, int wait_ms);

/*
 * Have these rows written to path; takes references. The file also keeps revision, and as the time
 * of its rows right_at (wall clock), at which they were known to be right. Replaces rows that were
 * wanted before and are not yet being written.
 */
void store_sync_want(struct store_sync *sync, const char *path, struct profiles *profiles,
	struct users *users, const char *revision, time_t right_at, int64_t now);

/* Drop the rows that were wanted. */
void store_sync_forget(struct store_sync *sync);

/*
 * Start a write if it is due, and note the result of one that has ended. Call this at
 * store_sync_due() and when woken. Returns whether a write has ended.
 */
bool store_sync_attend(struct store_sync *sync, int64_t now);

int64_t store_sync_due(const struct store_sync *sync); /* CLOCK_NEVER: nothing is wanted */

/* When the file was last written (0: never), and why the last write failed ("" if it did not). */
time_t store_sync_written(const struct store_sync *sync);
const struct errmsg *store_sync_error(const struct store_sync *sync);
size_t store_sync_left_out(const struct store_sync *sync); /* rows that it could not write */

#endif
