#ifndef POSTERN_FILE_H
#define POSTERN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "lib/base/errmsg.h"

/*
 * Occupy the standard descriptors that the starter of the process has left closed, before a file or
 * a socket gets their numbers and what is printed. Like closed ones, they can neither be read nor
 * written. Call it first in main().
 */
void file_occupy_closed(void);

/* The state of a file that was read; equal stamps mean the same content. A plain value. */
struct file_stamp {
	bool exists;
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};

/* Get the stamp of the present file; all zero when none exists. Returns 0, or -1 with err set; a
 * link to a file that does not exist is an error. */
int file_stamp(const char *path, struct file_stamp *stamp_r, struct errmsg *err);
bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

/*
 * Make path absolute, so that it stays valid after a chdir(); symbolic links stay in it. The caller
 * frees the result. NULL when out of memory or when the working directory is lost.
 */
char *file_absolute(const char *path);

/* Return the directory of a path ("." without a slash); the caller frees it. NULL when out of
 * memory. */
char *file_directory(const char *path);

enum file_result {
	FILE_READ,    /* completely, and it did not change meanwhile */
	FILE_MISSING, /* it does not exist; err set */
	FILE_FAILED,  /* unreadable, not a regular file, longer than max, or changed while it was
			 read; err set */
};

/*
 * Read a whole file of at most max bytes and append a NUL. The caller frees *text_r; stamp_r may be
 * NULL.
 */
enum file_result file_read(const char *path, uint64_t max, char **text_r, size_t *len_r,
	struct file_stamp *stamp_r, struct errmsg *err);

/*
 * The same, but refuse a file that the group or others may access, or that belongs to a user other
 * than root, the process's own and `user` ((uid_t)-1: nobody). Errors never show its content.
 */
enum file_result file_read_secret(const char *path, uint64_t max, uid_t user, char **text_r,
	size_t *len_r, struct errmsg *err);

/* Return whether a file belongs to somebody who may do everything with it anyway: root, the
 * process's own user or `user` ((uid_t)-1: nobody). */
bool file_is_owned(const struct stat *st, uid_t user);

/* Check the same of a file with a secret. Returns 0, or -1 with err set. */
int file_check_owner(const char *path, const struct stat *st, uid_t user, struct errmsg *err);

/* Really open a file for reading. FILE_READ, FILE_MISSING, or FILE_FAILED with err
 * set to the reason alone, without the path. */
enum file_result file_try_open(const char *path, struct errmsg *err);

/* Really create a file without a name in a directory. Returns 0, or -1 with err set to the reason.
 */
int file_try_create(const char *folder, struct errmsg *err);

#endif
