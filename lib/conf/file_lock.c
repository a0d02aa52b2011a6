/*
 * Locks on files, which keep several processes from using the same path. The caller owns the
 * descriptor, which carries the lock; any thread. t/unit/test_file_lock.c covers it.
 */
#include "lib/conf/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf/file_wait.h"

#define TRIES 10 /* while somebody replaces the file */

bool file_lock_is_kept(const char *path, int fd)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && lstat(path, &there) == 0 && mine.st_dev == there.st_dev &&
		mine.st_ino == there.st_ino;
}

static enum file_lock take(const char *path, int *fd, struct errmsg *err)
{
	for (int i = 0; i < TRIES; i++) {
		if (*fd >= 0 && file_lock_is_kept(path, *fd))
			return FILE_LOCKED;
		file_lock_release(fd);
		*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) != 0) {
			const bool is_busy = *fd >= 0 && errno == EWOULDBLOCK;

			(void)errmsg_set(err, "%s: %s", path, strerror(errno));
			file_lock_release(fd);
			return is_busy ? FILE_LOCK_BUSY : FILE_LOCK_FAILED;
		}
	}
	file_lock_release(fd);
	(void)errmsg_set(err, "%s: is replaced again and again", path);
	return FILE_LOCK_FAILED;
}

enum file_lock file_lock_take(const char *path, int *fd, struct errmsg *err)
{
	enum file_lock lock;

	file_wait_begin(path);
	lock = take(path, fd, err);
	file_wait_end();
	return lock;
}

void file_lock_release(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

bool file_lock_is_busy(const char *path)
{
	bool is_busy = false;
	int fd;

	file_wait_begin(path);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) >= 0) {
		is_busy = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
		(void)close(fd);
	}
	file_wait_end();
	return is_busy;
}
