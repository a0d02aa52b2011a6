#ifndef POSTERN_STORE_READER_H
#define POSTERN_STORE_READER_H

#include "lib/store/store_read.h"
#include "milter/loop/job.h"

/*
 * One reading of the JSON store in a thread of its own, because its file system may not answer, and
 * many rows take long. While it runs, it belongs to that thread.
 */
struct store_reading {
	/* How to read it. */
	char *path;
	bool is_copy;		    /* of PostgreSQL's rows; otherwise, people write it */
	bool with_prev;		    /* if it is unusable, its predecessor is read */
	struct store_source source; /* its objects belong to the reading */

	/* What was read. */
	enum store_result result;
	struct file_stamp stamp; /* of the file, before it was read */
	struct store store;
	struct errmsg err;
};

/* Start a reading: a copy of that one, with references to its previous rows; its problems are not
 * used. Returns what job_start() does; the job's context is the reading. */
struct job *store_reader_start(const struct store_reading *how, int wake_fd);

void store_reading_free(struct store_reading *reading);

#endif
