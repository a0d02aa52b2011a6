#ifndef POSTERN_STORE_SYNC_H
#define POSTERN_STORE_SYNC_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/errmsg.h"
#include "lib/store/store_read.h"

/*
 * Keeps PostgreSQL's rows in the JSON file and its journal. A change is appended to the journal at
 * once, and a further one STORE_SYNC_JOURNAL_MS later. The whole file is written only if there is
 * none yet that the journal could follow, if the journal has grown, and at the end. A separate
 * thread does each write, so that a slow disk does not delay a load. It gets the journal's lines as
 * text, which are made when the rows change: no old rows are kept for it. What failed is repeated
 * as soon as there is more room on the disk, and twice a minute in any case. If somebody removes or
 * changes the file or its journal, the file is written again. Only one thread may call these
 * functions. They log failures. Times are of clock_ms().
 */
struct store_sync;

#define STORE_SYNC_JOURNAL_MS 100 /* at least, between two appends to the journal */
#define STORE_SYNC_SOON_MS 200	  /* until the file is written, for changes that follow */
#define STORE_SYNC_PAUSE_MS 5000  /* at least, between two writes of the file */
#define STORE_SYNC_LOOK_MS 5000	  /* between two looks whether the file is still there */

/* The journal may have a quarter of the file's bytes, but may always have the first of these
 * numbers, and never more than the second. */
#define STORE_SYNC_JOURNAL_MIN (64 << 10)
#define STORE_SYNC_JOURNAL_MAX (64 << 20)

/* Changes that wait for the journal; if there are more, the file is written. */
#define STORE_SYNC_LINES_MAX (8 << 20)

/* The eventfd wake_fd gets 1 added when a write has ended. Returns NULL when out of memory. */
struct store_sync *store_sync_new(int wake_fd);

/*
 * Wait for the write in progress, then write what is still wanted, and the whole file if it has a
 * journal, for wait_ms in all. After that time, the writing thread is abandoned and ends with the
 * process. Logs an error if rows are neither in the file nor in its journal then. Accepts NULL.
 */
void store_sync_free(struct store_sync **sync, int wait_ms);

/* The store at path, as it was just read, has these rows: from now on, its journal may follow them.
 * Takes references. */
void store_sync_begin(struct store_sync *sync, const char *path, const struct store *store);

/*
 * Have these rows kept at path; takes references. The file also keeps revision, and as the time of
 * its rows right_at (wall clock), at which they were known to be right.
 */
void store_sync_want(struct store_sync *sync, const char *path, struct profiles *profiles,
	struct users *users, const char *revision, time_t right_at, int64_t now);

/* From now on, people write the file. If it is still as it was last written, it gets the changes in
 * its journal. */
void store_sync_leave(struct store_sync *sync, int64_t now);

enum store_sync_event {
	STORE_SYNC_NOTHING,
	STORE_SYNC_APPENDED, /* a write to the journal has ended */
	STORE_SYNC_RELEASED, /* a write of the file has ended, and rows that it kept are free */
};

/*
 * Start a write if it is due, and note the result of one that has ended. Call this at
 * store_sync_due() and when woken.
 */
enum store_sync_event store_sync_attend(struct store_sync *sync, int64_t now);

int64_t store_sync_due(const struct store_sync *sync); /* CLOCK_NEVER: nothing is wanted */

/* When store_sync_attend() looks at the file next; CLOCK_NEVER: there is nothing to look at. */
int64_t store_sync_look_due(const struct store_sync *sync);

struct store_sync_state {
	time_t written;		    /* when the file or its journal was last written; 0: never */
	const struct errmsg *error; /* why the last write failed ("" if it did not) */
	bool is_locked_out;	    /* it failed because another daemon keeps its rows there */
	size_t left_out;	    /* rows that the last write of the file left out */
	uint64_t journal_bytes;
	int64_t writing_since;	  /* clock_ms(); 0: no write is in progress */
	const char *writing_path; /* of that write */
};
struct store_sync_state store_sync_state(const struct store_sync *sync);

#endif
