/*
 * Replaces files so that a crash leaves the old or the new one. A writer owns its descriptor and
 * PATH.new; any thread, but only one writer of a path at a time.
 */
#include "lib/conf/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_BUFFER (256u << 10)

struct file_writer {
	char *path, *new_path, *prev_path;
	int fd;
	size_t len;
	char buffer[WRITE_BUFFER];
};

static void writer_free(struct file_writer **writer)
{
	struct file_writer *w = *writer;

	*writer = NULL;
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w->path);
	free(w->new_path);
	free(w->prev_path);
	free(w);
}

struct file_writer *file_begin(const char *path, struct errmsg *err)
{
	struct file_writer *w = malloc(sizeof(*w));

	if (w == NULL) {
		(void)errmsg_set(err, "%s: out of memory", path);
		return NULL;
	}
	w->fd = -1;
	w->len = 0;
	w->path = strdup(path);
	w->new_path = w->prev_path = NULL;
	if (w->path == NULL || asprintf(&w->new_path, "%s.new", path) < 0 ||
		asprintf(&w->prev_path, "%s.prev", path) < 0) {
		(void)errmsg_set(err, "%s: out of memory", path);
		goto failed;
	}
	(void)unlink(w->new_path); /* a process that died may have left it */
	w->fd = open(w->new_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0 || fchmod(w->fd, 0600) < 0) {
		(void)errmsg_set(err, "%s: %s", w->new_path, strerror(errno));
		goto failed;
	}
	return w;
failed:
	writer_free(&w);
	return NULL;
}

static int write_all(struct file_writer *w, const char *bytes, size_t len, struct errmsg *err)
{
	ssize_t n;

	while (len > 0) {
		n = write(w->fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errmsg_set(err, "%s: %s", w->new_path, strerror(errno));
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int flush_buffer(struct file_writer *w, struct errmsg *err)
{
	size_t len = w->len;

	w->len = 0;
	return write_all(w, w->buffer, len, err);
}

int file_add(struct file_writer *writer, const void *bytes, size_t len, struct errmsg *err)
{
	if (len > sizeof(writer->buffer) - writer->len && flush_buffer(writer, err) < 0)
		return -1;
	if (len > sizeof(writer->buffer))
		return write_all(writer, bytes, len, err);
	memcpy(writer->buffer + writer->len, bytes, len);
	writer->len += len;
	return 0;
}

/* Make the renames in the directory of path survive a crash of the machine. */
static int sync_folder_of(const char *path, struct errmsg *err)
{
	char *folder = file_directory(path);
	int fd = -1, ret = 0;

	if (folder == NULL)
		return errmsg_set(err, "%s: out of memory", path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL)) /* EINVAL: not supported */
		ret = errmsg_set(err, "%s: %s", folder, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	free(folder);
	return ret;
}

/*
 * Make PATH.prev another name of the present PATH. An existing PATH.prev is replaced in one step,
 * so that it is never missing. A file of another user may not get a second name
 * (fs.protected_hardlinks), nor any file where the file system has none: PATH is then missing until
 * the new file has its name. Anything but a regular file or a link is not kept: the rename that
 * follows replaces it, or fails and reports why.
 */
static int keep_as_prev(const struct file_writer *w, struct errmsg *err)
{
	struct stat st;
	char *beside;
	int ret = 0;

	if (lstat(w->path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return 0;
	if (asprintf(&beside, "%s.new", w->prev_path) < 0)
		return errmsg_set(err, "%s: out of memory", w->path);
	(void)unlink(beside);
	if (link(w->path, beside) < 0) {
		if (errno != ENOENT && rename(w->path, w->prev_path) < 0)
			ret = errmsg_set(err, "%s: %s", w->prev_path, strerror(errno));
	} else if (rename(beside, w->prev_path) < 0) {
		ret = errmsg_set(err, "%s: %s", w->prev_path, strerror(errno));
	}
	(void)unlink(beside); /* rename() keeps it if both are already the same file */
	free(beside);
	return ret;
}

int file_sync(struct file_writer *writer, struct errmsg *err)
{
	if (flush_buffer(writer, err) < 0)
		return -1;
	return fsync(writer->fd) == 0 ?
		0 :
		errmsg_set(err, "%s: %s", writer->new_path, strerror(errno));
}

int file_commit(struct file_writer **writer, bool keep_prev, struct file_stamp *stamp_r,
	struct errmsg *err)
{
	struct file_writer *w = *writer;
	int ret;

	if (file_sync(w, err) < 0 || (keep_prev && keep_as_prev(w, err) < 0))
		goto failed;
	if (rename(w->new_path, w->path) < 0) {
		(void)errmsg_set(err, "%s: %s", w->path, strerror(errno));
		goto failed;
	}
	ret = stamp_r == NULL ? 0 : file_stamp(w->path, stamp_r, err);
	if (sync_folder_of(w->path, err) != 0)
		ret = -1;
	writer_free(writer);
	return ret;
failed:
	file_abandon(writer);
	return -1;
}

void file_abandon(struct file_writer **writer)
{
	if (*writer == NULL)
		return;
	(void)unlink((*writer)->new_path);
	writer_free(writer);
}

bool file_has_room(const char *path, uint64_t bytes)
{
	struct errmsg unused;
	struct file_writer *w = file_begin(path, &unused);
	bool has_room = true;

	if (w == NULL)
		return true;
	if (fallocate(w->fd, 0, 0, (off_t)bytes) != 0)
		has_room = errno != ENOSPC && errno != EDQUOT;
	file_abandon(&w);
	return has_room;
}

int file_put_aside(const char *path, struct errmsg *err)
{
	struct stat st;
	char *bad;
	int ret = 1;

	if (lstat(path, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return 0;
	if (asprintf(&bad, "%s.bad", path) < 0)
		return errmsg_set(err, "%s: out of memory", path);
	if (rename(path, bad) != 0)
		ret = errmsg_set(err, "%s: it is in the way, and cannot be renamed to %s: %s", path,
			bad, strerror(errno));
	free(bad);
	return ret;
}
