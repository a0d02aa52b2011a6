#ifndef POSTERN_FILE_WRITER_H
#define POSTERN_FILE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/conf/file.h"

/*
 * A file that is written beside the one that it will replace. The old file stays until
 * file_commit(). A process that dies leaves at most PATH.new, which the next writer removes. Only
 * one writer of a path may exist at a time.
 */
struct file_writer;

/* Create PATH.new with mode 0600. Returns NULL with err set on failure. */
struct file_writer *file_begin(const char *path, struct errmsg *err);
int file_add(struct file_writer *writer, const void *bytes, size_t len, struct errmsg *err);

/*
 * fsync the new file, keep the old one as PATH.prev (if keep_prev), rename the new one to PATH, and
 * fsync the directory. Frees the writer in any case. Returns 0, or -1 with err set and the old file
 * still in place, or the new one, with *stamp_r set, if only that fsync has failed. stamp_r may be
 * NULL.
 */
int file_commit(struct file_writer **writer, bool keep_prev, struct file_stamp *stamp_r,
	struct errmsg *err);
void file_abandon(struct file_writer **writer); /* removes PATH.new; accepts NULL */

/* Write what was added to the disk, so that file_commit() need only rename files. Returns 0, or -1
 * with err set. */
int file_sync(struct file_writer *writer, struct errmsg *err);

/* Return whether the disk and the quota have room for a new file of that size; true if this cannot
 * be determined. PATH.new is created and removed for this. */
bool file_has_room(const char *path, uint64_t bytes);

/*
 * Rename the file or directory at path to PATH.bad, so that a new file can take its place without
 * the loss of what somebody has put there. Returns 1, 0 when there is none, or -1 with err set.
 */
int file_put_aside(const char *path, struct errmsg *err);

#endif
