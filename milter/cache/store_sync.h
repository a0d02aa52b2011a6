#ifndef POSTERN_STORE_SYNC_H
#define POSTERN_STORE_SYNC_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/errmsg.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"

/*
 * Keeps the JSON file up with what PostgreSQL said. A thread of its own writes it, from references
 * on rows that never change, so that no disk delays a load. It is written soon after a change;
 * under constant change, every few seconds (rarer when writing takes long). For one
 * thread, but for what the writing thread does. Logs. Times are of clock_ms().
 */
struct store_sync;

#define STORE_SYNC_SOON_MS 200	 /* after a change: others of the same moment come along */
#define STORE_SYNC_PAUSE_MS 5000 /* between two writings, at least */

/* wake_fd: an eventfd that gets 1 added when a writing has ended. NULL when out of memory. */
struct store_sync *store_sync_new(int wake_fd);

/*
 * Finish what is being written, write what waits to be written, for wait_ms at most; then leave the
 * writing thread to itself: it ends with the process. Takes NULL.
 */
void store_sync_free(struct store_sync **sync, int wait_ms);

/*
 * path is to hold these rows; references are taken. revision is kept in the file. What waited to be
 * written is replaced.
 */
void store_sync_want(struct store_sync *sync, const char *path, struct profiles *profiles,
	struct users *users, const char *revision, int64_t now);

/* What waits to be written is not to be written any more. */
void store_sync_forget(struct store_sync *sync);

/*
 * Write when it is time, look what became of it: to be called at store_sync_due() and when woken.
 * Whether a writing has ended.
 */
bool store_sync_attend(struct store_sync *sync, int64_t now);

int64_t store_sync_due(const struct store_sync *sync); /* CLOCK_NEVER: nothing waits */

/* When the file was last written (0: never), and why the last writing failed ("" when it did not).
 */
time_t store_sync_written(const struct store_sync *sync);
const struct errmsg *store_sync_error(const struct store_sync *sync);

#endif
