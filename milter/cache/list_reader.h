#ifndef POSTERN_LIST_READER_H
#define POSTERN_LIST_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/list_files.h"

/*
 * Reads one list file in a thread of its own, which ends with the read, because a long list takes
 * long (0.1 s a megabyte) and must delay neither users nor other lists. If the system refuses the
 * thread, which is logged, the caller's thread reads the file. Only one thread may call these
 * functions.
 */
struct list_reader;

/* What was read, or why not. */
struct list_reading {
	struct list *list;	   /* a reference; NULL: see err */
	struct file_stamp stamp;   /* of the text that was read */
	struct problems *problems; /* the caller frees them; NULL when out of memory */
	struct errmsg err;
};

/*
 * Begin to read a list as list_file_read() does with this source. Everything in the source is
 * copied or referenced, except its problems, which are not used. wake_fd is an eventfd, to which
 * the thread adds 1 at its end. Returns NULL when out of memory.
 */
struct list_reader *list_reader_start(const struct list_source *source, enum list_id id,
	int wake_fd);

/* Return when the read began, by clock_ms(). */
int64_t list_reader_begun(const struct list_reader *reader);

/* Wait for the end until this time of clock_ms(). Returns whether it has ended. */
bool list_reader_wait(struct list_reader *reader, int64_t until);

/* Hand over what was read, and free the reader, which has ended. */
void list_reader_finish(struct list_reader **reader, struct list_reading *reading_r);

/* Abandon the read: a thread that has not ended uses neither the caller's objects nor wake_fd from
 * now on, and frees what it has made. Accepts NULL. */
void list_reader_abandon(struct list_reader **reader);

#endif
