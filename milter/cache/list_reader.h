#ifndef POSTERN_LIST_READER_H
#define POSTERN_LIST_READER_H

#include "lib/store/list_files.h"
#include "milter/loop/job.h"

/*
 * Reads one list file in a thread of its own, because a long list takes long (0.1 s a megabyte),
 * its file system may not answer, and neither may delay users or other lists. A thread that the
 * system refuses is logged.
 */

/* What was read, or why not. */
struct list_reading {
	struct list *list;	   /* a reference; NULL: see err */
	struct file_stamp stamp;   /* of the text that was read */
	struct problems *problems; /* the caller frees them; NULL when out of memory */
	struct errmsg err;
};

/*
 * Begin to read a list as list_file_read() does with this source. Everything in the source is
 * copied or referenced, except its problems, which are not used. The job adds 1 to the eventfd
 * wake_fd at its end. Returns NULL when out of memory.
 */
struct job *list_reader_start(const struct list_source *source, enum list_id id, int wake_fd);

/* Hand over what was read, and free the job, which has ended. */
void list_reader_finish(struct job **job, struct list_reading *reading_r);

#endif
