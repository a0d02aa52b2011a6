/*
 * The ledger's files and its thread, which syncs the journal, writes checkpoints and frees idle
 * keys. Owns the lock file; opened and closed by the main thread.
 */
#include "milter/ledger/ledger_file.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/thread.h"
#include "lib/conf/file.h"
#include "lib/conf/file_lock.h"
#include "milter/base/deadline.h"
#include "milter/ledger/ledger_checkpoint.h"
#include "milter/ledger/ledger_journal.h"
#include "milter/ledger/ledger_load.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

#define JOURNAL_MIN (UINT64_C(4) << 20) /* bytes; a smaller journal causes no checkpoint */
#define CHECKPOINT_PAUSE 60		/* seconds until one that failed is tried again */
#define CHECKPOINT_REST 10		/* seconds between those that make up for lost records */
#define WORK_PATIENCE_MS 10000 /* the thread's work is late then: a checkpoint takes seconds */
#define END_WAIT_MS 2000
#define LOCK_WAIT_MS 3000
#define LOCK_PAUSE_MS 50

struct ledger_file {
	struct ledger *ledger;
	char *path;
	char *lock_path; /* PATH.lock */
	int lock_fd;	 /* -1: it is not locked */
	struct ledger_time time;
	struct ledger_journal journal;
	bool is_unread; /* the files may have counts that the start did not read; for the thread */
	struct ledger_checkpoint checkpoint; /* for the starting thread, then the ledger's */

	pthread_t thread;
	bool is_running; /* the thread, which was not joined; for the main thread */
	pthread_mutex_t end_lock;
	pthread_cond_t end_wake;
	pthread_cond_t ended;
	bool is_ending, has_ended;	/* guarded by end_lock */
	int64_t work_since;		/* of the thread's work on files; 0: it rests; likewise */
	struct errmsg checkpoint_error; /* of the last checkpoint; guarded by end_lock */
	struct errmsg put_aside; /* what checkpoint.put_aside told last; guarded by end_lock */
	bool is_late;		 /* it was logged that the disk hangs; the server thread's */
};

uint64_t ledger_file_now(const struct ledger_file *file)
{
	return ledger_time_now(&file->time);
}

void ledger_file_sync(struct ledger_file *file)
{
	ledger_journal_sync(&file->journal);
}

void ledger_file_error(struct ledger_file *file, struct errmsg *err_r)
{
	ledger_journal_error(&file->journal, err_r);
}

void ledger_file_late(struct ledger_file *file, struct errmsg *err_r)
{
	int64_t lasts;

	ledger_journal_late(&file->journal, err_r);
	(void)pthread_mutex_lock(&file->end_lock);
	lasts = file->work_since == 0 ? 0 : clock_ms() - file->work_since;
	(void)pthread_mutex_unlock(&file->end_lock);
	if (err_r->text[0] == '\0' && lasts >= WORK_PATIENCE_MS)
		(void)errmsg_set(err_r, "%s: the disk has not answered for %lld s", file->path,
			(long long)lasts / 1000);
}

void ledger_file_watch(struct ledger_file *file)
{
	struct errmsg late;

	ledger_file_late(file, &late);
	if ((late.text[0] != '\0') == file->is_late)
		return;
	file->is_late = !file->is_late;
	if (file->is_late)
		quote_log(LOG_LEVEL_ERROR, "error", late.text, "limits disk=hangs");
	else
		log_event(LOG_LEVEL_NOTICE, "limits disk=answers");
}

static void copy_error(struct ledger_file *file, const struct errmsg *from, struct errmsg *err_r)
{
	(void)pthread_mutex_lock(&file->end_lock);
	*err_r = *from;
	(void)pthread_mutex_unlock(&file->end_lock);
}

void ledger_file_checkpoint_error(struct ledger_file *file, struct errmsg *err_r)
{
	copy_error(file, &file->checkpoint_error, err_r);
}

void ledger_file_put_aside(struct ledger_file *file, struct errmsg *err_r)
{
	copy_error(file, &file->put_aside, err_r);
}

static bool has_journal(const struct ledger_file *file)
{
	return file->path[0] != '\0';
}

/* ---- opening ------------------------------------------------------------------------ */

static struct ledger_file *file_new(const char *path, struct ledger *ledger)
{
	struct ledger_file *file = calloc(1, sizeof(*file));

	if (file == NULL)
		return NULL;
	file->ledger = ledger;
	file->lock_fd = -1;
	file->path = strdup(path);
	ledger_journal_init(&file->journal, file->path, &file->time);
	(void)pthread_mutex_init(&file->end_lock, NULL);
	deadline_init_cond(&file->end_wake);
	deadline_init_cond(&file->ended);
	if (asprintf(&file->lock_path, "%s.lock", path) < 0)
		file->lock_path = NULL;
	if (file->path == NULL || file->lock_path == NULL)
		ledger_file_close(&file);
	return file;
}

/* Lock PATH.lock, waiting a while for a daemon that is just ending. */
static enum file_lock take_lock(struct ledger_file *file, int wait_ms, struct errmsg *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000 };
	enum file_lock lock = file_lock_take(file->lock_path, &file->lock_fd, err);

	for (int waited = 0; lock == FILE_LOCK_BUSY && waited < wait_ms; waited += LOCK_PAUSE_MS) {
		(void)nanosleep(&pause, NULL);
		lock = file_lock_take(file->lock_path, &file->lock_fd, err);
	}
	if (lock == FILE_LOCK_BUSY)
		(void)errmsg_set(err,
			"%s: another postern uses this file; restart postern when the other one has ended, or set a different [limits] state for each",
			file->lock_path);
	return lock;
}

/* Take the lock late, at once or not at all, or keep it if its file is still there. */
static int lock_late(struct ledger_file *file, struct errmsg *err)
{
	return take_lock(file, 0, err) == FILE_LOCKED ? 0 : -1;
}

/*
 * Return whether the locked file was removed or replaced, so that another daemon can lock the new
 * one, or whether the next start could not open it; then it is removed. The lock is then free, and
 * the next checkpoint takes that of the new file.
 */
static bool loses_lock(struct ledger_file *file)
{
	const bool is_kept =
		file->lock_fd >= 0 && file_lock_is_kept(file->lock_path, file->lock_fd);

	if (file->lock_fd < 0 || (is_kept && access(file->lock_path, R_OK | W_OK) == 0))
		return false;
	if (is_kept)
		(void)unlink(file->lock_path);
	file_lock_release(&file->lock_fd);
	return true;
}

static void count_journal(void *context, uint64_t number, const char *name)
{
	(void)number;
	(void)name;
	++*(size_t *)context;
}

/* Refuse to write beside files of another run that the start could not read, or not to their end.
 */
static int check_unread(const struct ledger_file *file, struct errmsg *err)
{
	size_t found = 0;

	if (!file->is_unread)
		return 0;
	if (ledger_journal_each(file->path, count_journal, &found, err) != 0)
		return -1;
	if (found == 0 && access(file->path, F_OK) != 0)
		return 0;
	return errmsg_set(err,
		"%s: the files contain counts of another run, which this one has not read; restart "
		"postern to use them",
		file->path);
}

/* Begin the first journal; on failure, the thread tries again. */
static int begin_journal(struct ledger_file *file)
{
	const uint64_t after = file->journal.number;
	struct errmsg err = { "" };

	if (lock_late(file, &err) == 0 && check_unread(file, &err) == 0 &&
		ledger_journal_begin(&file->journal, after, &err) == 0) {
		file->is_unread = false;
		return 0;
	}
	ledger_journal_delay(&file->journal, after, &err);
	return -1;
}

/* Return whether the directory of the files does not exist. */
static bool lacks_directory(const char *path)
{
	char *directory = file_directory(path);
	const bool lacks = directory != NULL && access(directory, F_OK) != 0 && errno == ENOENT;

	free(directory);
	return lacks;
}

/* Begin the ledger's time; clocks NULL: by the machine's as they are now. An earlier daemon must
 * have ended by then: the time does not go on from a moment that it saved after the clocks were
 * read. */
static void begin_time(struct ledger_file *file, const struct frame_moment *last, uint64_t newest,
	const struct ledger_clocks *clocks)
{
	struct ledger_clocks real;

	if (clocks == NULL)
		ledger_clocks_read(&real);
	ledger_time_begin(&file->time, last, newest, clocks == NULL ? &real : clocks);
}

static void save_in_journal(struct ledger_file *file)
{
	ledger_on_charge(file->ledger, ledger_journal_save, &file->journal);
	ledger_on_saved(file->ledger, ledger_journal_settle);
}

/* Count in memory until the directory exists. */
static void await_directory(struct ledger_file *file, const struct ledger_clocks *clocks)
{
	file->is_unread = true;
	begin_time(file, NULL, 0, clocks);
	ledger_journal_make_optional(&file->journal);
	(void)begin_journal(file);
	save_in_journal(file);
}

static void open_files(struct ledger_file *file, const struct ledger_clocks *clocks,
	struct problems *problems)
{
	struct errmsg unused;
	struct ledger_loaded loaded;
	enum file_lock lock;
	uint64_t last;

	if (lacks_directory(file->path)) {
		await_directory(file, clocks);
		return;
	}
	/* Without the lock the files can be read, but not written. */
	lock = take_lock(file, LOCK_WAIT_MS, &unused);
	file->is_unread = ledger_load(file->path, lock == FILE_LOCK_BUSY, file->ledger, &loaded,
				  problems, &unused) != 0 ||
		lock == FILE_LOCK_BUSY;
	if (file->is_unread)
		ledger_journal_make_optional(&file->journal);
	begin_time(file, loaded.has_moment ? &loaded.moment : NULL, loaded.newest, clocks);
	file->checkpoint = loaded.checkpoint;
	last = loaded.last_journal > loaded.checkpoint.first_journal ?
		loaded.last_journal :
		loaded.checkpoint.first_journal;
	file->journal.number = last;
	(void)begin_journal(file);
	save_in_journal(file);
	ledger_restart(file->ledger, ledger_time_now(&file->time));
}

int ledger_file_open(const char *path, struct ledger *ledger, const struct ledger_clocks *clocks,
	struct ledger_file **file_r, struct problems *problems)
{
	struct ledger_file *file = file_new(path, ledger);

	if (file == NULL)
		return -1;
	if (has_journal(file))
		open_files(file, clocks, problems);
	else
		begin_time(file, NULL, 0, clocks);
	*file_r = file;
	return 0;
}

int ledger_file_checkpoint(struct ledger_file *file, struct errmsg *err)
{
	if (!has_journal(file))
		return errmsg_set(err, "the counts are not saved: [limits] state is empty");
	if (!ledger_journal_is_begun(&file->journal)) {
		ledger_journal_error(&file->journal, err);
		return -1;
	}
	if (lock_late(file, err) != 0)
		return -1;
	return ledger_checkpoint_write(&file->checkpoint, file->ledger, &file->journal, err);
}

/* ---- the thread ------------------------------------------------------------------------- */

static bool checkpoint_is_due(struct ledger_file *file)
{
	uint64_t size = ledger_journal_size(&file->journal);

	return size > JOURNAL_MIN && size > 2 * file->checkpoint.size;
}

/* Write a checkpoint and log that, but an error only if it is a new one. Returns 0, or -1 when it
 * failed. */
static int log_checkpoint(struct ledger_file *file)
{
	struct errmsg err = { "" }, *put_aside = &file->checkpoint.put_aside;
	const int ret = ledger_file_checkpoint(file, &err);

	if (ret == 0)
		log_event(LOG_LEVEL_DEBUG, "limits checkpoint=written bytes=%" PRIu64,
			file->checkpoint.size);
	else if (strcmp(err.text, file->checkpoint_error.text) != 0)
		quote_log(LOG_LEVEL_WARNING, "error", err.text, "limits checkpoint=failed");
	if (put_aside->text[0] != '\0')
		quote_log(LOG_LEVEL_WARNING, "note", put_aside->text, "limits renamed=yes");
	(void)pthread_mutex_lock(&file->end_lock);
	file->checkpoint_error = err;
	if (put_aside->text[0] != '\0')
		file->put_aside = *put_aside;
	(void)pthread_mutex_unlock(&file->end_lock);
	put_aside->text[0] = '\0';
	return ret;
}

/* Begin the journal that could not be begun at the start. Returns whether it was begun now: the
 * files then lack the counts of the meantime. */
static bool begin_late(struct ledger_file *file)
{
	return has_journal(file) && !ledger_journal_is_begun(&file->journal) &&
		begin_journal(file) == 0;
}

/* Wait for a second. Returns false when the thread is to end. */
static bool wait_second(struct ledger_file *file)
{
	const struct timespec until = deadline_in(1000);
	bool goes_on;

	(void)pthread_mutex_lock(&file->end_lock);
	file->work_since = 0;
	if (!file->is_ending)
		(void)pthread_cond_timedwait(&file->end_wake, &file->end_lock, &until);
	goes_on = !file->is_ending;
	file->work_since = clock_ms();
	(void)pthread_mutex_unlock(&file->end_lock);
	return goes_on;
}

/* Return whether others have changed the files in such a way that the next start would lack counts,
 * or another daemon could use them. */
static bool lacks_files(struct ledger_file *file)
{
	return ledger_journal_is_begun(&file->journal) &&
		(loses_lock(file) || ledger_journal_is_lost(&file->journal) ||
			ledger_checkpoint_is_lost(&file->checkpoint, file->path));
}

/* Return whether the directory of the files cannot be written any more. A checkpoint tells why. */
static bool is_closed(struct ledger_file *file)
{
	char *directory = file_directory(file->path);
	const bool is_closed = ledger_journal_is_begun(&file->journal) && directory != NULL &&
		access(directory, W_OK | X_OK) != 0;

	free(directory);
	return is_closed;
}

/* Write a checkpoint. is_behind: whether the files lack counts. Returns the seconds until a
 * checkpoint may be written because they do. */
static unsigned write_checkpoint(struct ledger_file *file, bool *is_behind)
{
	const bool was_behind = *is_behind;

	if (log_checkpoint(file) == 0) {
		*is_behind = false;
		return was_behind ? CHECKPOINT_REST : 0;
	}
	return file->checkpoint.has_journal ? CHECKPOINT_PAUSE : 0; /* it has written much */
}

static void *ledger_main(void *argument)
{
	struct ledger_file *file = argument;
	/* Journals of earlier processes: a checkpoint makes the next start faster. */
	bool due = ledger_journal_is_begun(&file->journal) &&
		file->journal.number > file->checkpoint.first_journal + 1;
	bool is_behind = false;
	unsigned pause = 0;

	do {
		is_behind |= begin_late(file);
		is_behind |= ledger_journal_is_begun(&file->journal) &&
			ledger_journal_was_behind(&file->journal);
		if (!is_behind && lacks_files(file)) {
			log_event(LOG_LEVEL_WARNING, "limits files=lost");
			is_behind = true;
		}
		is_behind |= is_closed(file);
		pause -= pause > 0;
		if (due || (pause == 0 && (is_behind || checkpoint_is_due(file))))
			pause = write_checkpoint(file, &is_behind);
		due = false;
		ledger_file_sync(file);
		ledger_sweep(file->ledger, ledger_file_now(file));
	} while (wait_second(file));
	ledger_file_sync(file);
	(void)pthread_mutex_lock(&file->end_lock);
	file->work_since = 0;
	file->has_ended = true;
	(void)pthread_cond_signal(&file->ended);
	(void)pthread_mutex_unlock(&file->end_lock);
	return NULL;
}

int ledger_file_start(struct ledger_file *file, struct errmsg *err)
{
	int ret = 0;

	file->work_since = clock_ms();
	if (has_journal(file))
		ret = ledger_journal_start(&file->journal);
	if (ret != 0 || (ret = thread_start(&file->thread, "ledger", ledger_main, file)) != 0)
		return errmsg_set(err, "cannot start the ledger's thread: %s", strerror(ret));
	file->is_running = true;
	return 0;
}

int ledger_file_end(struct ledger_file *file, struct errmsg *err)
{
	const struct timespec until = deadline_in(END_WAIT_MS);
	bool has_ended;
	int error = 0;

	(void)pthread_mutex_lock(&file->end_lock);
	file->is_ending = true;
	(void)pthread_cond_signal(&file->end_wake);
	while (!file->has_ended && error == 0)
		error = pthread_cond_timedwait(&file->ended, &file->end_lock, &until);
	has_ended = file->has_ended;
	(void)pthread_mutex_unlock(&file->end_lock);
	if (!has_ended)
		return errmsg_set(err, "%s: the disk has not answered for %d s", file->path,
			END_WAIT_MS / 1000);
	if (file->is_running)
		(void)pthread_join(file->thread, NULL);
	file->is_running = false;
	return 0;
}

void ledger_file_close(struct ledger_file **file)
{
	struct ledger_file *gone = *file;
	struct errmsg unused;

	*file = NULL;
	if (gone == NULL)
		return;
	if (gone->is_running && ledger_file_end(gone, &unused) != 0)
		(void)pthread_join(gone->thread, NULL);
	ledger_on_charge(gone->ledger, NULL, NULL);
	ledger_on_saved(gone->ledger, NULL);
	ledger_journal_free(&gone->journal);
	file_lock_release(&gone->lock_fd);
	(void)pthread_cond_destroy(&gone->end_wake);
	(void)pthread_cond_destroy(&gone->ended);
	(void)pthread_mutex_destroy(&gone->end_lock);
	free(gone->path);
	free(gone->lock_path);
	free(gone);
}
