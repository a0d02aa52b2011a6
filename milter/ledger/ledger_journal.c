/*
 * Journals: the records of charges, written before the charges are answered. Owns the journal's
 * file. Any thread may write; journals are begun by the starting thread, then by the ledger's.
 */
#include "milter/ledger/ledger_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf/file.h"
#include "lib/rules/ledger_format.h"
#include "milter/log/quote.h"

#define MARK_AFTER UINT64_C(5000000) /* microseconds between moments in the journal */

void ledger_journal_init(struct ledger_journal *journal, const char *path,
	const struct ledger_time *time)
{
	*journal = (struct ledger_journal){ .path = path, .time = time, .fd = -1 };
	(void)pthread_mutex_init(&journal->lock, NULL);
	(void)pthread_mutex_init(&journal->sync_lock, NULL);
}

void ledger_journal_free(struct ledger_journal *journal)
{
	if (journal->fd >= 0) {
		(void)fdatasync(journal->fd);
		(void)close(journal->fd);
		journal->fd = -1;
	}
	(void)pthread_mutex_destroy(&journal->lock);
	(void)pthread_mutex_destroy(&journal->sync_lock);
	strbuf_free(&journal->buf);
}

/* ---- beginning ------------------------------------------------------------------ */

/* Create the file with its first moment. Returns the descriptor, or -1 with err and *exists_r set.
 */
static int create_journal(const struct ledger_journal *journal, uint64_t number, uint64_t *size_r,
	bool *exists_r, struct errmsg *err)
{
	struct strbuf buf = STRBUF_INIT;
	char *name;
	int fd = -1;

	*exists_r = false;
	if (asprintf(&name, "%s.%" PRIu64, journal->path, number) < 0)
		return errmsg_set(err, "%s: out of memory", journal->path);
	ledger_time_add_moment(journal->time, &buf);
	*size_r = buf.len;
	if (!buf.failed)
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (fd < 0 || write(fd, buf.text, buf.len) != (ssize_t)buf.len || fsync(fd) != 0) {
		*exists_r = fd < 0 && errno == EEXIST;
		(void)errmsg_set(err, "%s: %s", name, strerror(errno));
		if (fd >= 0) {
			(void)close(fd);
			(void)unlink(name);
		}
		fd = -1;
	}
	strbuf_free(&buf);
	free(name);
	return fd;
}

static void note_highest(void *context, uint64_t number, const char *name)
{
	uint64_t *highest = context;

	(void)name;
	*highest = number > *highest ? number : *highest;
}

/* Create the journal with this number or, if somebody has put a file there, the one behind all that
 * exist. */
static int create_next(const struct ledger_journal *journal, uint64_t *number, uint64_t *size_r,
	struct errmsg *err)
{
	uint64_t highest = *number;
	struct errmsg first;
	bool exists;
	int fd = create_journal(journal, *number, size_r, &exists, &first);

	if (fd >= 0)
		return fd;
	if (!exists || ledger_journal_each(journal->path, note_highest, &highest, err) != 0) {
		*err = first;
		return -1;
	}
	*number = highest + 1;
	return create_journal(journal, *number, size_r, &exists, err);
}

/* Note that the journal can be written. Called with the lock held. */
static void clear_error(struct ledger_journal *journal)
{
	if (journal->error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "limits written=yes");
	journal->error.text[0] = '\0';
}

int ledger_journal_begin(struct ledger_journal *journal, uint64_t after, struct errmsg *err)
{
	uint64_t size = 0, number = after + 1;
	int old, fd = create_next(journal, &number, &size, err);

	if (fd < 0)
		return -1;
	(void)pthread_mutex_lock(&journal->lock);
	old = journal->fd;
	journal->fd = fd;
	journal->size = size;
	journal->is_dirty = false;
	clear_error(journal);
	journal->number = number;
	(void)pthread_mutex_unlock(&journal->lock);
	if (old >= 0) {
		(void)pthread_mutex_lock(&journal->sync_lock);
		(void)fdatasync(old);
		(void)close(old);
		(void)pthread_mutex_unlock(&journal->sync_lock);
	}
	return 0;
}

void ledger_journal_delay(struct ledger_journal *journal, uint64_t after, const struct errmsg *why)
{
	(void)pthread_mutex_lock(&journal->lock);
	if (strcmp(journal->error.text, why->text) != 0)
		quote_log(LOG_LEVEL_ERROR, "error", why->text, "limits written=no");
	journal->error = *why;
	journal->number = after;
	(void)pthread_mutex_unlock(&journal->lock);
}

void ledger_journal_make_optional(struct ledger_journal *journal)
{
	(void)pthread_mutex_lock(&journal->lock);
	journal->is_optional = true;
	(void)pthread_mutex_unlock(&journal->lock);
}

bool ledger_journal_is_begun(struct ledger_journal *journal)
{
	bool is_begun;

	(void)pthread_mutex_lock(&journal->lock);
	is_begun = journal->fd >= 0;
	(void)pthread_mutex_unlock(&journal->lock);
	return is_begun;
}

/* ---- writing -------------------------------------------------------------------- */

/* Write all of buf or nothing, and set the error. */
static int try_to_write(struct ledger_journal *journal)
{
	ssize_t written;

	if (journal->buf.failed)
		return errmsg_set(&journal->error, "out of memory");
	written = write(journal->fd, journal->buf.text, journal->buf.len);
	if (written != (ssize_t)journal->buf.len) {
		(void)errmsg_set(&journal->error, "%s.%" PRIu64 ": %s", journal->path,
			journal->number, written < 0 ? strerror(errno) : "no space left");
		if (written > 0 && ftruncate(journal->fd, (off_t)journal->size) != 0)
			journal->size += (uint64_t)written; /* a torn frame: reading skips it */
		return -1;
	}
	journal->size += journal->buf.len;
	journal->is_dirty = true;
	clear_error(journal);
	return 0;
}

/* Write all of buf or nothing, and log an error if there was none. Called with the lock held. */
static int write_buf(struct ledger_journal *journal)
{
	const bool was_good = journal->error.text[0] == '\0';
	int ret;

	if (journal->fd < 0)
		return journal->is_optional ? 0 : -1; /* the reason is in the error */
	ret = try_to_write(journal);
	if (ret != 0 && was_good)
		quote_log(LOG_LEVEL_ERROR, "error", journal->error.text, "limits written=no");
	return ret;
}

int ledger_journal_save(void *context, const struct ledger_record *records, size_t count)
{
	struct ledger_journal *journal = context;
	size_t start;
	int ret;

	(void)pthread_mutex_lock(&journal->lock);
	strbuf_reset(&journal->buf);
	for (size_t i = 0; i < count; i++) {
		start = frame_begin(&journal->buf, FRAME_RECORD);
		ledger_record_encode(&records[i], &journal->buf);
		frame_finish(&journal->buf, start);
	}
	ret = write_buf(journal);
	journal->is_behind |= ret != 0;
	(void)pthread_mutex_unlock(&journal->lock);
	return ret;
}

bool ledger_journal_was_behind(struct ledger_journal *journal)
{
	bool was_behind;

	(void)pthread_mutex_lock(&journal->lock);
	was_behind = journal->is_behind;
	journal->is_behind = false;
	(void)pthread_mutex_unlock(&journal->lock);
	return was_behind;
}

bool ledger_journal_is_lost(struct ledger_journal *journal)
{
	const uint64_t size = ledger_journal_size(journal);
	struct stat written, named;
	bool is_lost;
	char *name;

	if (journal->fd < 0 || fstat(journal->fd, &written) != 0 ||
		asprintf(&name, "%s.%" PRIu64, journal->path, journal->number) < 0)
		return false;
	is_lost = stat(name, &named) != 0 || named.st_ino != written.st_ino ||
		named.st_dev != written.st_dev || (uint64_t)named.st_size < size ||
		access(name, R_OK) != 0;
	free(name);
	return is_lost;
}

void ledger_journal_sync(struct ledger_journal *journal)
{
	uint64_t now = ledger_time_now(journal->time);
	bool was_dirty;
	int fd, error = 0, old_error = 0;

	(void)pthread_mutex_lock(&journal->sync_lock);
	(void)pthread_mutex_lock(&journal->lock);
	was_dirty = journal->is_dirty;
	fd = journal->fd;
	if (was_dirty && now - journal->marked > MARK_AFTER) {
		strbuf_reset(&journal->buf);
		ledger_time_add_moment(journal->time, &journal->buf);
		(void)write_buf(journal);
		journal->marked = now;
	}
	journal->is_dirty = false;
	(void)pthread_mutex_unlock(&journal->lock);
	if (was_dirty && fdatasync(fd) != 0)
		error = errno;
	(void)pthread_mutex_unlock(&journal->sync_lock);
	if (was_dirty) {
		(void)pthread_mutex_lock(&journal->lock);
		old_error = journal->sync_error;
		journal->sync_error = error;
		(void)pthread_mutex_unlock(&journal->lock);
	}
	if (error != 0 && error != old_error)
		quote_log(LOG_LEVEL_ERROR, "error", strerror(error), "limits forced-to-disk=no");
}

uint64_t ledger_journal_size(struct ledger_journal *journal)
{
	uint64_t size;

	(void)pthread_mutex_lock(&journal->lock);
	size = journal->size;
	(void)pthread_mutex_unlock(&journal->lock);
	return size;
}

void ledger_journal_error(struct ledger_journal *journal, struct errmsg *err_r)
{
	(void)pthread_mutex_lock(&journal->lock);
	*err_r = journal->error;
	if (err_r->text[0] == '\0' && journal->sync_error != 0)
		(void)errmsg_set(err_r, "%s.%" PRIu64 ": %s", journal->path, journal->number,
			strerror(journal->sync_error));
	(void)pthread_mutex_unlock(&journal->lock);
}

/* ---- finding -------------------------------------------------------------------- */

/* The number in a journal's file name, "NAME.NUMBER"; 0 when it is not a journal. */
static uint64_t journal_number(const char *entry, const char *name, size_t name_len)
{
	uint64_t number = 0;
	const char *p = entry + name_len + 1;

	if (strncmp(entry, name, name_len) != 0 || entry[name_len] != '.' || *p < '1' || *p > '9')
		return 0;
	for (; *p >= '0' && *p <= '9' && number < UINT64_MAX / 100; p++)
		number = number * 10 + (uint64_t)(*p - '0');
	return *p == '\0' ? number : 0;
}

int ledger_journal_each(const char *path,
	void (*each)(void *context, uint64_t number, const char *name), void *context,
	struct errmsg *err)
{
	const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
	char *directory = file_directory(path), *name;
	struct dirent *entry;
	uint64_t number;
	DIR *dir;

	if (directory == NULL)
		return errmsg_set(err, "%s: out of memory", path);
	if ((dir = opendir(directory)) == NULL) {
		(void)errmsg_set(err, "%s: %s", directory, strerror(errno));
		free(directory);
		return -1;
	}
	/* cppcheck-suppress readdirCalled ; only its DIR is shared, and this one is not */
	while ((entry = readdir(dir)) != NULL) {
		number = journal_number(entry->d_name, base, strlen(base));
		if (number == 0 || asprintf(&name, "%s.%" PRIu64, path, number) < 0)
			continue;
		each(context, number, name);
		free(name);
	}
	(void)closedir(dir);
	free(directory);
	return 0;
}
