#ifndef POSTERN_FILE_LOCK_H
#define POSTERN_FILE_LOCK_H

#include <stdbool.h>

#include "lib/base/errmsg.h"

enum file_lock {
	FILE_LOCKED,	  /* until file_lock_release(), or until the process ends */
	FILE_LOCK_BUSY,	  /* somebody else has the lock; err set */
	FILE_LOCK_FAILED, /* the file cannot be opened or locked; err set */
};

/*
 * Lock the file at path, which is made if necessary, without waiting. The lock is flock()'s, which
 * Linux passes on to a server of NFS. *fd is -1, or was set by an earlier call: that lock is kept
 * as long as its file is at path. Nobody may remove the file; if somebody does, the next call locks
 * a new one. After any result other than FILE_LOCKED, *fd is -1.
 */
enum file_lock file_lock_take(const char *path, int *fd, struct errmsg *err);
void file_lock_release(int *fd); /* accepts -1, and sets it */

/* Return whether the file of the lock is still at path. */
bool file_lock_is_kept(const char *path, int fd);

/* Return whether somebody, who may be this process, has the lock on path; false if unknown. */
bool file_lock_is_busy(const char *path);

#endif
