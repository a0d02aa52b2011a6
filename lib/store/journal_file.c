/*
 * Reads the journal of a JSON store, and appends to it so that a failure or a crash leaves what was
 * there before. Holds no state; any thread. t/unit/test_journal_file.c covers it.
 */
#include "lib/store/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf/file_wait.h"
#include "lib/store/store_journal.h"

#define TRIES 10 /* to read the file while somebody appends to it */

char *journal_file_path(const char *store_path)
{
	char *path;

	return asprintf(&path, "%s.journal", store_path) < 0 ? NULL : path;
}

char *journal_file_prev_path(const char *store_path)
{
	char *path;

	return asprintf(&path, "%s.prev.journal", store_path) < 0 ? NULL : path;
}

/* ---- reading -------------------------------------------------------------------- */

/* Return what is wrong with the file, or NULL. */
static const char *find_fault(const struct stat *st, const char *store_path)
{
	struct stat store;

	if (S_ISLNK(st->st_mode))
		return "is a symbolic link";
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid() &&
		(stat(store_path, &store) != 0 || store.st_uid != st->st_uid))
		return "belongs to another user than the store";
	return NULL;
}

/* Look at a file before it is read. *fault_r: why it may not be; or NULL. */
static enum file_result look_at(const char *path, const char *store_path, struct stat *st_r,
	const char **fault_r)
{
	enum file_result result = FILE_READ;

	file_wait_begin(path);
	if (lstat(path, st_r) != 0)
		result = errno == ENOENT ? FILE_MISSING : FILE_FAILED;
	else
		*fault_r = find_fault(st_r, store_path);
	file_wait_end();
	return result;
}

enum file_result journal_file_read(const char *path, const char *store_path, char **text_r,
	size_t *len_r, struct file_stamp *stamp_r, struct errmsg *err)
{
	enum file_result result = FILE_FAILED;
	const char *fault = NULL;
	struct stat st;

	for (int i = 0; result == FILE_FAILED && i < TRIES; i++) {
		if ((result = look_at(path, store_path, &st, &fault)) != FILE_READ) {
			(void)errmsg_set(err, "%s: %s", path, strerror(errno));
			return result;
		}
		if (fault != NULL) {
			(void)errmsg_set(err, "%s: %s", path, fault);
			return FILE_FAILED;
		}
		result = file_read(path, STORE_JOURNAL_MAX, text_r, len_r, stamp_r, err);
		if (result == FILE_READ && stamp_r->ino == st.st_ino && stamp_r->dev == st.st_dev &&
			stamp_r->size == *len_r)
			return result;
		if (result == FILE_READ) {
			free(*text_r);
			*text_r = NULL;
			(void)errmsg_set(err,
				"%s: was replaced while it was read, or begins with a byte order mark",
				path);
			result = FILE_FAILED;
		}
	}
	return result;
}

bool journal_file_is_that_of(const char *store_path, const struct store_base *base)
{
	char *path = journal_file_path(store_path);
	const bool is_there = path != NULL && base->end.len > 0;
	struct stat st;
	bool is_same;

	if (path != NULL && lstat(path, &st) == 0)
		is_same = is_there && st.st_dev == base->journal_dev &&
			st.st_ino == base->journal_ino && (uint64_t)st.st_size == base->end.len;
	else
		is_same = path != NULL && errno == ENOENT && !is_there;
	free(path);
	return is_same;
}

/* ---- appending ------------------------------------------------------------------ */

/* Without room, nothing else could be written either. Any other error may concern the journal
 * alone, so that the store has to be written. */
static enum journal_append fail(const char *path, struct errmsg *err)
{
	const bool lacks_room = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

	(void)errmsg_set(err, "%s: %s", path, strerror(errno));
	return lacks_room ? JOURNAL_FAILED : JOURNAL_OUTDATED;
}

static enum journal_append outdate(const char *path, const char *what, struct errmsg *err)
{
	(void)errmsg_set(err, "%s: %s", path, what);
	return JOURNAL_OUTDATED;
}

/* Open the journal of base, or begin it; *fd_r is set only after JOURNAL_APPENDED. */
static enum journal_append open_journal(const char *path, const struct store_base *base, int *fd_r,
	struct stat *st_r, struct errmsg *err)
{
	const bool begins = base->end.len == 0;
	int fd;

	if (begins && unlink(path) != 0 && errno != ENOENT)
		return fail(path, err);
	fd = open(path,
		O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (begins ? O_CREAT | O_EXCL : 0),
		0600);
	if (fd < 0)
		return !begins && (errno == ENOENT || errno == ELOOP) ?
			outdate(path, "was removed or replaced", err) :
			fail(path, err);
	if (fstat(fd, st_r) != 0 || (begins && fchmod(fd, 0600) != 0)) {
		const enum journal_append result = fail(path, err);

		(void)close(fd);
		return result;
	}
	if (!begins &&
		(st_r->st_dev != base->journal_dev || st_r->st_ino != base->journal_ino ||
			(uint64_t)st_r->st_size < base->end.len)) {
		(void)close(fd);
		return outdate(path, "was replaced or cut", err);
	}
	*fd_r = fd;
	return JOURNAL_APPENDED;
}

static int write_at(int fd, const char *bytes, size_t len, uint64_t at)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n, at += (uint64_t)n) {
		n = pwrite(fd, bytes, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -1;
	}
	return 0;
}

/* Make the name of a new journal outlast a crash of the machine. */
static int sync_folder(const char *path)
{
	char *folder = file_directory(path);
	int fd, ret = -1;

	if (folder == NULL)
		return -1;
	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) {
		ret = fsync(fd) < 0 && errno != EINVAL ? -1 : 0; /* EINVAL: not supported */
		(void)close(fd);
	}
	free(folder);
	return ret;
}

/* Write the bytes behind the end of base; after a failure, the file is as it was. */
static enum journal_append write_framed(int fd, const char *path, const struct store_base *base,
	const struct strbuf *framed, struct errmsg *err)
{
	enum journal_append result = JOURNAL_APPENDED;

	if (ftruncate(fd, (off_t)base->end.len) != 0)
		return fail(path, err);
	if (write_at(fd, framed->text, framed->len, base->end.len) != 0 || fdatasync(fd) != 0 ||
		(base->end.len == 0 && sync_folder(path) != 0)) {
		result = fail(path, err);
		(void)!ftruncate(fd, (off_t)base->end.len); /* or else a reader finds the tear */
	}
	return result;
}

static enum journal_append append(const char *path, struct store_base *base,
	const struct strbuf *framed, const struct journal_end *end, struct errmsg *err)
{
	enum journal_append result;
	struct stat st;
	int fd = -1;

	result = open_journal(path, base, &fd, &st, err);
	if (result != JOURNAL_APPENDED)
		return result;
	result = write_framed(fd, path, base, framed, err);
	if (close(fd) != 0 && result == JOURNAL_APPENDED)
		result = fail(path, err);
	if (result == JOURNAL_APPENDED) {
		base->end = *end;
		base->journal_dev = st.st_dev;
		base->journal_ino = st.st_ino;
	}
	return result;
}

enum journal_append journal_file_append(const char *store_path, struct store_base *base,
	const char *lines, size_t len, struct errmsg *err)
{
	struct strbuf framed = STRBUF_INIT;
	struct journal_end end = base->end;
	enum journal_append result = JOURNAL_FAILED;
	char *path = journal_file_path(store_path);
	struct file_stamp now;

	journal_frame(&framed, &end, base->checksum, lines, len);
	if (path == NULL || framed.failed)
		(void)errmsg_set(err, "%s: out of memory", store_path);
	else if (end.len > STORE_JOURNAL_MAX) /* a reader would refuse all of it */
		(void)errmsg_set(err, "%s: is full", path);
	else if (file_stamp(store_path, &now, NULL) != 0 || !file_stamp_equal(&now, &base->file))
		result = outdate(store_path, "was changed", err);
	else
		result = append(path, base, &framed, &end, err);
	strbuf_free(&framed);
	free(path);
	return result;
}

void journal_file_retire(const char *store_path, bool is_prev)
{
	char *path = journal_file_path(store_path), *prev = journal_file_prev_path(store_path);

	if (path != NULL && prev != NULL && (!is_prev || rename(path, prev) != 0))
		(void)unlink(path);
	free(path);
	free(prev);
}

void journal_file_forget_prev(const char *store_path)
{
	char *prev = journal_file_prev_path(store_path);

	if (prev != NULL)
		(void)unlink(prev);
	free(prev);
}
