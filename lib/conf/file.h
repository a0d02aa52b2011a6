#ifndef POSTERN_FILE_H
#define POSTERN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

/* Which state of a file was read: two that are equal in all of it are the same. A plain value. */
struct file_stamp {
	bool exists;
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};

/* The stamp of what stands at path now; all zero when nothing does. -1 with err set when that can't
 * be known. */
int file_stamp(const char *path, struct file_stamp *stamp_r, struct errmsg *err);
bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

/*
 * path from / on, so that it holds after a chdir(); symbolic links in it stay. The caller's to
 * free(); NULL when out of memory or the working directory is lost.
 */
char *file_absolute(const char *path);

enum file_result {
	FILE_READ,    /* whole; nobody was seen to change it meanwhile */
	FILE_MISSING, /* there is none; err set */
	FILE_FAILED,  /* unreadable, no regular file, longer than max, or changed while it was read;
			 err set */
};

/*
 * Read a file whole: at most max bytes, a NUL behind them. *text_r is the
 * caller's to free(); stamp_r may be NULL.
 */
enum file_result file_read(const char *path, uint64_t max, char **text_r, size_t *len_r,
	struct file_stamp *stamp_r, struct errmsg *err);

/* The same, refused when the group or others may read or write it. Errors never show what is in it.
 */
enum file_result file_read_secret(const char *path, uint64_t max, char **text_r, size_t *len_r,
	struct errmsg *err);

/*
 * A file written beside the one that it will replace. Until file_commit() the old one
 * stays; a process that dies leaves at most PATH.new, which the next one takes over. One writer of
 * a path at a time.
 */
struct file_writer;

/* Begin PATH.new with mode 0600. NULL with err set. */
struct file_writer *file_begin(const char *path, struct errmsg *err);
int file_add(struct file_writer *writer, const void *bytes, size_t len, struct errmsg *err);

/*
 * fsync, keep the old file as PATH.prev (when keep_prev), rename, fsync the folder. The writer is
 * gone either way; after -1 the old file is still there. stamp_r may be NULL.
 */
int file_commit(struct file_writer **writer, bool keep_prev, struct file_stamp *stamp_r,
	struct errmsg *err);
void file_abandon(struct file_writer **writer); /* removes PATH.new; takes NULL */

#endif
