#ifndef POSTERN_STORE_JOB_H
#define POSTERN_STORE_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/store/journal_file.h"
#include "lib/store/store_lock.h"
#include "lib/store/store_read.h"
#include "milter/loop/job.h"

/* One write of the JSON file or its journal. While it runs, it belongs to its thread. */
struct store_job {
	char *path;
	int lock_fd;		/* of store_lock.h; -1: not locked yet */
	int lock_wait_ms;	/* how long it may wait for a daemon that is just ending */
	struct store_base base; /* of the file and journal as they are; then, as they are left */
	bool has_base;
	struct strbuf lines; /* appended to the journal, if there are any */
	bool is_whole;	     /* then the file is written with these rows */
	bool only_if_same;   /* ... unless it is not that of base any more */
	struct store rows;
	bool waits_for_room; /* nothing is done unless there is more than `room` by now, and enough
			      */

	enum file_lock lock;		   /* unless it is FILE_LOCKED, nothing was written */
	enum journal_append appended;	   /* what became of the lines */
	bool was_written;		   /* the file was */
	bool lacks_room;		   /* nothing was done for lack of it */
	uint64_t room;			   /* bytes that were free after a failure; 0: unknown */
	struct errmsg err;		   /* what failed; "": nothing */
	struct problems *problems;	   /* of rows that the file lacks */
	int64_t began, appended_at, ended; /* of clock_ms(); appended_at 0: no lines */

	atomic_bool is_kept; /* the lines are in the journal; the starter may read it at any time */
};

struct store_job *store_job_new(const char *path); /* NULL when out of memory */
void store_job_free(struct store_job **job);	   /* accepts NULL */

/*
 * Begin to look whether the file and its journal are as base describes them. store_look_end() takes
 * the result of a look that has ended: whether somebody has removed or changed one of them.
 */
struct job *store_look_start(const char *path, const struct store_base *base, int wake_fd);
bool store_look_end(struct job **look);

/* Begin the write; the result's context is the store_job. As job_start(). */
struct job *store_job_start(struct store_job *job, int wake_fd);

#endif
