/*
 * Reads whole files, and keeps the standard descriptors from becoming files. Holds no state; any
 * thread.
 */
#include "lib/conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/parallel.h"
#include "lib/conf/file_wait.h"

#define PIECE_MIN ((size_t)16 << 20) /* bytes */

void file_occupy_closed(void)
{
	static const int useless[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	/* open() returns the lowest free number. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* cppcheck-suppress leakReturnValNotUsed ; it stays open */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", useless[fd]) != fd)
			return;
	}
}

static int64_t nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static struct file_stamp stamp_of(const struct stat *st)
{
	return (struct file_stamp){
		.exists = true,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = nanoseconds(&st->st_mtim),
		.ctime_ns = nanoseconds(&st->st_ctim),
	};
}

char *file_absolute(const char *path)
{
	char *here, *absolute = NULL;

	if (*path == '/')
		return strdup(path);
	if ((here = getcwd(NULL, 0)) != NULL &&
		asprintf(&absolute, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path) < 0)
		absolute = NULL;
	free(here);
	return absolute;
}

char *file_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* ENOLINK: a link to a file that does not exist, which is not a missing file (ENOENT), because
 * somebody has put it there. */
static const char *reason_of(int error)
{
	return error == ENOLINK ? "is a symbolic link to a file that does not exist" :
				  strerror(error);
}

static int find_stamp(const char *path, struct file_stamp *stamp_r, struct errmsg *err)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		*stamp_r = stamp_of(&st);
		return 0;
	}
	if (errno != ENOENT)
		return errmsg_set(err, "%s: %s", path, strerror(errno));
	if (lstat(path, &st) == 0)
		return errmsg_set(err, "%s: %s", path, reason_of(ENOLINK));
	*stamp_r = (struct file_stamp){ 0 };
	return 0;
}

int file_stamp(const char *path, struct file_stamp *stamp_r, struct errmsg *err)
{
	int ret;

	file_wait_begin(path);
	ret = find_stamp(path, stamp_r, err);
	file_wait_end();
	return ret;
}

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->exists == b->exists && a->dev == b->dev && a->ino == b->ino &&
		a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* The bytes of a file, which threads read in parallel: on a machine with little to do, that takes
 * half the time for a large file. */
struct pieces {
	int fd;
	char *text;
	size_t size;
	unsigned count;
	int errors[PARALLEL_MAX]; /* an errno; 0: the piece was read, or the file ends in it */
	size_t lens[PARALLEL_MAX];
};

static void read_piece(void *context, unsigned number)
{
	struct pieces *p = context;
	size_t at = p->size / p->count * number;
	const size_t end = number + 1 == p->count ? p->size : at + p->size / p->count;
	ssize_t n = 1;

	while (at < end && n != 0) {
		n = pread(p->fd, p->text + at, end - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			p->errors[number] = errno;
			return;
		}
		at += (size_t)n;
		p->lens[number] += (size_t)n;
	}
}

/* Read up to size bytes of a regular file. Returns their number, or -1 with errno set. */
static ssize_t read_up_to(int fd, char *text, size_t size)
{
	struct pieces p = { .fd = fd, .text = text, .size = size };
	size_t len = 0;

	p.count = parallel_parts(size, PIECE_MIN);
	parallel_run(p.count, read_piece, &p);
	for (unsigned i = 0; i < p.count; i++) {
		if (p.errors[i] != 0) {
			errno = p.errors[i];
			return -1;
		}
		len += p.lens[i];
	}
	return (ssize_t)len;
}

static enum file_result fail_read(const char *path, const char *why, struct errmsg *err)
{
	(void)errmsg_set(err, "%s: %s", path, why);
	return FILE_FAILED;
}

/* A file that is being read. */
struct reading {
	const char *path;
	int fd;
	struct stat st;
};

/* Return why this is not a file with content, or NULL. */
static const char *wrong_kind(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return NULL;
	return S_ISDIR(st->st_mode) ? "is a directory" : "is not a regular file";
}

static enum file_result check_kind(const struct reading *r, uint64_t max, struct errmsg *err)
{
	const char *why = wrong_kind(&r->st);

	if (why != NULL)
		return fail_read(r->path, why, err);
	if ((uint64_t)r->st.st_size > max || (uint64_t)r->st.st_size >= SIZE_MAX / 2) {
		(void)errmsg_set(err, "%s: has %" PRIu64 " bytes; at most %" PRIu64 " are read",
			r->path, (uint64_t)r->st.st_size, max);
		return FILE_FAILED;
	}
	return FILE_READ;
}

bool file_is_owned(const struct stat *st, uid_t user)
{
	return st->st_uid == 0 || st->st_uid == geteuid() || st->st_uid == user;
}

int file_check_owner(const char *path, const struct stat *st, uid_t user, struct errmsg *err)
{
	if (file_is_owned(st, user))
		return 0;
	return errmsg_set(err,
		"%s: belongs to user %lu, who can replace the secret in it; "
		"make it belong to root or to the daemon's user (chown)",
		path, (unsigned long)st->st_uid);
}

static enum file_result check_private(const struct reading *r, uid_t user, struct errmsg *err)
{
	if (file_check_owner(r->path, &r->st, user, err) != 0)
		return FILE_FAILED;
	if ((r->st.st_mode & 077) == 0)
		return FILE_READ;
	(void)errmsg_set(err,
		"%s: its mode is %04o, so that users other than its owner have access to a secret; "
		"make it 0600",
		r->path, (unsigned)(r->st.st_mode & 07777));
	return FILE_FAILED;
}

/* Open a file, which may be a FIFO. Returns -1 with errno set, for reason_of(). */
static int open_for_reading(const char *path)
{
	/* With O_NONBLOCK, a FIFO in place of a file does not block the thread. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		errno = lstat(path, &st) == 0 ? ENOLINK : ENOENT;
	return fd;
}

/* Open a file of at most max bytes. *reading_r is set, and must be closed, only after FILE_READ. */
static enum file_result begin_reading(const char *path, uint64_t max, struct reading *reading_r,
	struct errmsg *err)
{
	struct reading r = { .path = path };
	enum file_result result;

	if ((r.fd = open_for_reading(path)) < 0) {
		result = errno == ENOENT ? FILE_MISSING : FILE_FAILED;
		(void)errmsg_set(err, "%s: %s", path, reason_of(errno));
		return result;
	}
	result = fstat(r.fd, &r.st) < 0 ? fail_read(path, strerror(errno), err) :
					  check_kind(&r, max, err);
	if (result == FILE_READ)
		*reading_r = r;
	else
		(void)close(r.fd);
	return result;
}

/* Read the file, and compare its stamps from before and after. */
static enum file_result read_text(const struct reading *r, char **text_r, size_t *len_r,
	struct errmsg *err)
{
	size_t size = (size_t)r->st.st_size;
	char *text = malloc(size + 1);
	struct file_stamp before = stamp_of(&r->st), after;
	struct stat now;
	ssize_t len;

	if (text == NULL)
		return fail_read(r->path, "out of memory", err);
	/* One byte more than the file should have shows that it grows. */
	if ((len = read_up_to(r->fd, text, size + 1)) < 0 || fstat(r->fd, &now) < 0) {
		free(text);
		return fail_read(r->path, strerror(errno), err);
	}
	after = stamp_of(&now);
	after.ctime_ns = before.ctime_ns; /* a rename or a link does not change the content */
	if ((size_t)len != size || !file_stamp_equal(&before, &after)) {
		free(text);
		return fail_read(r->path, "changed while it was read", err);
	}
	text[len] = '\0';
	*text_r = text;
	*len_r = size;
	return FILE_READ;
}

/* user: NULL for a file that is no secret. */
static enum file_result read_whole(const char *path, uint64_t max, const uid_t *user, char **text_r,
	size_t *len_r, struct file_stamp *stamp_r, struct errmsg *err)
{
	struct reading r;
	enum file_result result = begin_reading(path, max, &r, err);

	if (result != FILE_READ)
		return result;
	if (user != NULL)
		result = check_private(&r, *user, err);
	if (result == FILE_READ)
		result = read_text(&r, text_r, len_r, err);
	if (result == FILE_READ && stamp_r != NULL)
		*stamp_r = stamp_of(&r.st);
	(void)close(r.fd);
	return result;
}

enum file_result file_read(const char *path, uint64_t max, char **text_r, size_t *len_r,
	struct file_stamp *stamp_r, struct errmsg *err)
{
	enum file_result result;

	file_wait_begin(path);
	result = read_whole(path, max, NULL, text_r, len_r, stamp_r, err);
	file_wait_end();
	return result;
}

enum file_result file_read_secret(const char *path, uint64_t max, uid_t user, char **text_r,
	size_t *len_r, struct errmsg *err)
{
	enum file_result result;

	file_wait_begin(path);
	result = read_whole(path, max, &user, text_r, len_r, NULL, err);
	file_wait_end();
	return result;
}

enum file_result file_try_open(const char *path, struct errmsg *err)
{
	const int fd = open_for_reading(path);
	const char *why;
	struct stat st;

	if (fd < 0) {
		(void)errmsg_set(err, "%s", reason_of(errno));
		return errno == ENOENT ? FILE_MISSING : FILE_FAILED;
	}
	why = fstat(fd, &st) != 0 ? strerror(errno) : wrong_kind(&st);
	if (why != NULL)
		(void)errmsg_set(err, "%s", why);
	(void)close(fd);
	return why == NULL ? FILE_READ : FILE_FAILED;
}

int file_try_create(const char *folder, struct errmsg *err)
{
	const char byte = 0;
	int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600), ret = 0;

	if (fd >= 0) {
		if (write(fd, &byte, 1) != 1)
			ret = errmsg_set(err, "%s", strerror(errno));
		(void)close(fd);
		return ret;
	}
	/* Not every file system has files without names. */
	if ((errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) &&
		access(folder, W_OK | X_OK) == 0)
		return 0;
	return errmsg_set(err, "%s", strerror(errno));
}
