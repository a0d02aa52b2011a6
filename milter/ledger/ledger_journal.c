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
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/conf/file.h"
#include "lib/rules/ledger_format.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

#define MARK_AFTER UINT64_C(5000000) /* microseconds between moments in the journal */
#define SYNC_PATIENCE_MS 100	     /* a disk that takes longer to be synced is in doubt */
#define QUEUE_MAX ((size_t)1 << 20)  /* bytes that may wait for a write */

static int write_batch(void *context, const struct strbuf *batch);

void ledger_journal_init(struct ledger_journal *journal, const char *path,
	const struct ledger_time *time)
{
	*journal = (struct ledger_journal){ .path = path, .time = time, .fd = -1 };
	journal_queue_init(&journal->queue, write_batch, journal);
	(void)pthread_mutex_init(&journal->sync_lock, NULL);
}

int ledger_journal_start(struct ledger_journal *journal)
{
	return journal_queue_start(&journal->queue);
}

void ledger_journal_free(struct ledger_journal *journal)
{
	journal_queue_stop(&journal->queue);
	if (journal->fd >= 0) {
		ledger_journal_sync(journal);
		(void)close(journal->fd);
		journal->fd = -1;
	}
	journal_queue_clear(&journal->queue);
	(void)pthread_mutex_destroy(&journal->sync_lock);
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

/*
 * Return whether the file system may wait for another machine or process. Of the others, a write
 * only changes the memory: if their disk hangs, syncing hangs first.
 */
static bool is_remote(int fd)
{
	static const unsigned long here[] = {
		0xef53,	    /* ext2, ext3, ext4 */
		0x58465342, /* xfs */
		0x9123683e, /* btrfs */
		0x2fc12fc1, /* zfs */
		0xf2f52010, /* f2fs */
		0xca451a4e, /* bcachefs */
		0x01021994, /* tmpfs */
		0x794c7630, /* overlayfs */
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return true;
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		if ((unsigned long)fs.f_type == here[i])
			return false;
	}
	return true;
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
	bool remote;

	if (fd < 0)
		return -1;
	remote = is_remote(fd);
	(void)pthread_mutex_lock(&journal->queue.lock);
	/* Also records that were refused because a write did not end. They belong to the old
	 * journal: the checkpoint makes good that the memory does not contain them. */
	journal_queue_flush(&journal->queue);
	journal_queue_rest(&journal->queue);
	old = journal->fd;
	journal->fd = fd;
	journal->is_remote = remote;
	journal->size = size;
	journal->is_dirty = false;
	clear_error(journal);
	journal->number = number;
	(void)pthread_mutex_unlock(&journal->queue.lock);
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
	(void)pthread_mutex_lock(&journal->queue.lock);
	if (strcmp(journal->error.text, why->text) != 0)
		quote_log(LOG_LEVEL_ERROR, "error", why->text, "limits written=no");
	journal->error = *why;
	journal->number = after;
	(void)pthread_mutex_unlock(&journal->queue.lock);
}

void ledger_journal_make_optional(struct ledger_journal *journal)
{
	(void)pthread_mutex_lock(&journal->queue.lock);
	journal->is_optional = true;
	(void)pthread_mutex_unlock(&journal->queue.lock);
}

bool ledger_journal_is_begun(struct ledger_journal *journal)
{
	bool is_begun;

	(void)pthread_mutex_lock(&journal->queue.lock);
	is_begun = journal->fd >= 0;
	(void)pthread_mutex_unlock(&journal->queue.lock);
	return is_begun;
}

/* ---- writing -------------------------------------------------------------------- */

/* Write all of the batch or nothing, without the lock. Returns 0, or -1 with err set and *torn_r
 * the bytes that could not be removed. */
static int try_to_write(const struct ledger_journal *journal, int fd, const struct strbuf *batch,
	uint64_t *torn_r, struct errmsg *err)
{
	ssize_t written;

	*torn_r = 0;
	if (batch->failed)
		return errmsg_set(err, "out of memory");
	written = write(fd, batch->text, batch->len);
	if (written == (ssize_t)batch->len)
		return 0;
	(void)errmsg_set(err, "%s.%" PRIu64 ": %s", journal->path, journal->number,
		written < 0 ? strerror(errno) : "no space left");
	if (written > 0 && ftruncate(fd, (off_t)journal->size) != 0)
		*torn_r = (uint64_t)written; /* a torn frame: reading skips it */
	return -1;
}

/* A journal_write_fn: also logs an error if there was none. While it writes, nobody changes the
 * file, its number or its size. */
static int write_batch(void *context, const struct strbuf *batch)
{
	struct ledger_journal *journal = context;
	const int fd = journal->fd;
	struct errmsg err; /* clearing it for each charge would take time */
	uint64_t torn;
	int ret;

	(void)pthread_mutex_unlock(&journal->queue.lock);
	ret = try_to_write(journal, fd, batch, &torn, &err);
	(void)pthread_mutex_lock(&journal->queue.lock);
	journal->size += ret == 0 ? batch->len : torn;
	if (ret == 0) {
		journal->is_dirty = true;
		clear_error(journal);
		return 0;
	}
	if (journal->error.text[0] == '\0')
		quote_log(LOG_LEVEL_ERROR, "error", err.text, "limits written=no");
	journal->error = err;
	journal->is_behind = true;
	return ret;
}

/* Return whether a write may hang. Called with the lock held. */
static bool is_in_doubt(const struct ledger_journal *journal)
{
	return journal->is_remote || journal->error.text[0] != '\0' ||
		!journal_queue_is_proven(&journal->queue) ||
		(journal->syncing_since != 0 &&
			clock_ms() - journal->syncing_since > SYNC_PATIENCE_MS);
}

/* Queue the records, and wait for their write if the last one has failed. Called with the lock
 * held. */
static int save_records(struct ledger_journal *journal, const struct ledger_record *records,
	size_t count)
{
	struct strbuf *batch;
	size_t start;

	journal_queue_skip();
	if (journal->fd < 0)
		return journal->is_optional ? 0 : -1; /* the reason is in the error */
	if (journal_queue_late(&journal->queue) != 0 || journal->queue.collected.len > QUEUE_MAX)
		return -1;
	batch = journal_queue_add(&journal->queue);
	for (size_t i = 0; i < count; i++) {
		start = frame_begin(batch, FRAME_RECORD);
		ledger_record_encode(&records[i], batch);
		frame_finish(batch, start);
	}
	return journal->error.text[0] == '\0' ? 0 : journal_queue_settle(&journal->queue, false);
}

int ledger_journal_save(void *context, const struct ledger_record *records, size_t count)
{
	struct ledger_journal *journal = context;
	int ret;

	(void)pthread_mutex_lock(&journal->queue.lock);
	ret = save_records(journal, records, count);
	journal->is_behind |= ret != 0;
	(void)pthread_mutex_unlock(&journal->queue.lock);
	return ret;
}

int ledger_journal_settle(void *context, bool may_hang)
{
	struct ledger_journal *journal = context;
	int ret;

	(void)pthread_mutex_lock(&journal->queue.lock);
	ret = journal_queue_settle(&journal->queue, may_hang && !is_in_doubt(journal));
	journal->is_behind |= ret != 0;
	(void)pthread_mutex_unlock(&journal->queue.lock);
	return ret;
}

void ledger_journal_late(struct ledger_journal *journal, struct errmsg *err_r)
{
	int64_t late;

	err_r->text[0] = '\0';
	(void)pthread_mutex_lock(&journal->queue.lock);
	if ((late = journal_queue_late(&journal->queue)) != 0)
		(void)errmsg_set(err_r, "%s.%" PRIu64 ": a write has not ended for %lld s",
			journal->path, journal->number, (long long)late / 1000);
	(void)pthread_mutex_unlock(&journal->queue.lock);
}

bool ledger_journal_was_behind(struct ledger_journal *journal)
{
	bool was_behind;

	(void)pthread_mutex_lock(&journal->queue.lock);
	was_behind = journal->is_behind;
	journal->is_behind = false;
	(void)pthread_mutex_unlock(&journal->queue.lock);
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
	(void)pthread_mutex_lock(&journal->queue.lock);
	was_dirty = journal->is_dirty || journal_queue_has_more(&journal->queue);
	if (was_dirty && now - journal->marked > MARK_AFTER) {
		ledger_time_add_moment(journal->time, journal_queue_add(&journal->queue));
		journal->marked = now;
	}
	journal_queue_flush(&journal->queue);
	was_dirty = journal->is_dirty;
	fd = journal->fd;
	journal->is_dirty = false;
	journal->syncing_since = was_dirty ? clock_ms() : 0;
	(void)pthread_mutex_unlock(&journal->queue.lock);
	if (was_dirty && fdatasync(fd) != 0)
		error = errno;
	(void)pthread_mutex_unlock(&journal->sync_lock);
	if (was_dirty) {
		(void)pthread_mutex_lock(&journal->queue.lock);
		journal->syncing_since = 0;
		old_error = journal->sync_error;
		journal->sync_error = error;
		(void)pthread_mutex_unlock(&journal->queue.lock);
	}
	if (error != 0 && error != old_error)
		quote_log(LOG_LEVEL_ERROR, "error", strerror(error), "limits forced-to-disk=no");
}

uint64_t ledger_journal_size(struct ledger_journal *journal)
{
	uint64_t size;

	(void)pthread_mutex_lock(&journal->queue.lock);
	size = journal->size;
	(void)pthread_mutex_unlock(&journal->queue.lock);
	return size;
}

void ledger_journal_error(struct ledger_journal *journal, struct errmsg *err_r)
{
	(void)pthread_mutex_lock(&journal->queue.lock);
	*err_r = journal->error;
	if (err_r->text[0] == '\0' && journal->sync_error != 0)
		(void)errmsg_set(err_r, "%s.%" PRIu64 ": %s", journal->path, journal->number,
			strerror(journal->sync_error));
	(void)pthread_mutex_unlock(&journal->queue.lock);
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
