#include "milter/ledger/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/rules/ledger_format.h"
#include "milter/ledger/ledger_file_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

#define SECOND UINT64_C(1000000)
#define BEGINNING (1000 * SECOND) /* the ledger's time when there was none */
#define MARK_AFTER (5 * SECOND)	  /* between moments in the journal */
#define JOURNAL_MIN (UINT64_C(4) << 20)
#define LOCK_WAIT_MS 3000
#define LOCK_PAUSE_MS 50

/* ---- time ------------------------------------------------------------------------ */

static uint64_t clock_us(clockid_t clock)
{
	struct timespec now = { .tv_sec = 0 };

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec / 1000;
}

void ledger_clocks_read(struct ledger_clocks *clocks_r)
{
	FILE *id = fopen("/proc/sys/kernel/random/boot_id", "re");

	*clocks_r = (struct ledger_clocks){
		.boottime = clock_us(CLOCK_BOOTTIME),
		.wall = (int64_t)clock_us(CLOCK_REALTIME),
	};
	if (id == NULL)
		return;
	if (fgets(clocks_r->boot_id, sizeof(clocks_r->boot_id), id) == NULL)
		clocks_r->boot_id[0] = '\0';
	clocks_r->boot_id[strcspn(clocks_r->boot_id, "\n")] = '\0';
	(void)fclose(id);
}

uint64_t ledger_file_now(const struct ledger_file *file)
{
	return (uint64_t)((int64_t)clock_us(CLOCK_BOOTTIME) + file->offset);
}

void ledger_add_moment(const struct ledger_file *file, struct strbuf *buf)
{
	struct frame_moment moment = {
		.boottime = clock_us(CLOCK_BOOTTIME),
		.wall = (int64_t)clock_us(CLOCK_REALTIME),
	};

	moment.now = (uint64_t)((int64_t)moment.boottime + file->offset);
	memcpy(moment.boot_id, file->boot_id, sizeof(moment.boot_id));
	frame_add(buf, FRAME_MOMENT, &moment, sizeof(moment));
}

/* Where the ledger's time goes on. */
static uint64_t time_of(const struct ledger_loaded *loaded, const struct ledger_clocks *clocks)
{
	const struct frame_moment *last = &loaded->moment;
	uint64_t now = loaded->has_moment ? last->now : BEGINNING;

	if (loaded->has_moment && clocks->boot_id[0] != '\0' &&
		strncmp(last->boot_id, clocks->boot_id, sizeof(last->boot_id)) == 0 &&
		clocks->boottime >= last->boottime)
		now += clocks->boottime - last->boottime;
	else if (loaded->has_moment && clocks->wall > last->wall)
		now += (uint64_t)(clocks->wall - last->wall);
	return now > loaded->now ? now : loaded->now;
}

/* ---- the journal ------------------------------------------------------------------- */

/* Write all of buf or nothing. With the lock held. */
static int append(struct ledger_file *file)
{
	ssize_t written;

	if (file->buf.failed)
		return errmsg_set(&file->error, "out of memory");
	written = write(file->fd, file->buf.text, file->buf.len);
	if (written != (ssize_t)file->buf.len) {
		(void)errmsg_set(&file->error, "%s.%" PRIu64 ": %s", file->path, file->number,
			written < 0 ? strerror(errno) : "no room");
		if (written > 0 && ftruncate(file->fd, (off_t)file->size) != 0)
			file->size += (uint64_t)written; /* a torn frame: reading skips it */
		return -1;
	}
	file->size += file->buf.len;
	file->is_dirty = true;
	file->error.text[0] = '\0';
	return 0;
}

/* Called by the ledger, with the locks of these keys held. */
static int save(void *context, const struct ledger_record *records, size_t count)
{
	struct ledger_file *file = context;
	bool was_good;
	size_t start;
	int ret;

	(void)pthread_mutex_lock(&file->lock);
	was_good = file->error.text[0] == '\0';
	strbuf_reset(&file->buf);
	for (size_t i = 0; i < count; i++) {
		start = frame_begin(&file->buf, FRAME_RECORD);
		ledger_record_encode(&records[i], &file->buf);
		frame_finish(&file->buf, start);
	}
	ret = append(file);
	if (ret != 0 && was_good)
		quote_log(LOG_LEVEL_ERROR, "error", file->error.text, "limits written=no");
	(void)pthread_mutex_unlock(&file->lock);
	return ret;
}

void ledger_file_error(struct ledger_file *file, struct errmsg *err_r)
{
	(void)pthread_mutex_lock(&file->lock);
	*err_r = file->error;
	(void)pthread_mutex_unlock(&file->lock);
}

/* ---- beginning ------------------------------------------------------------------------ */

static struct ledger_file *file_new(const char *path, struct ledger *ledger)
{
	struct ledger_file *file = calloc(1, sizeof(*file));
	pthread_condattr_t monotonic;

	if (file == NULL)
		return NULL;
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	file->ledger = ledger;
	file->fd = -1;
	file->lock_fd = -1;
	file->path = strdup(path);
	(void)pthread_mutex_init(&file->lock, NULL);
	(void)pthread_mutex_init(&file->end_lock, NULL);
	(void)pthread_cond_init(&file->end_wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	if (file->path == NULL)
		ledger_file_close(&file);
	return file;
}

static void set_time(struct ledger_file *file, const struct ledger_loaded *loaded,
	const struct ledger_clocks *clocks)
{
	file->offset = (int64_t)time_of(loaded, clocks) - (int64_t)clocks->boottime;
	memcpy(file->boot_id, clocks->boot_id, sizeof(file->boot_id));
}

/* Whoever had it a moment ago may still be ending. */
static int take_lock(struct ledger_file *file, struct errmsg *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000 };
	char *path;
	int ret;

	if (asprintf(&path, "%s.lock", file->path) < 0)
		return errmsg_set(err, "out of memory");
	file->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	ret = file->lock_fd < 0 ? -1 : flock(file->lock_fd, LOCK_EX | LOCK_NB);
	for (int waited = 0; file->lock_fd >= 0 && ret != 0 && waited < LOCK_WAIT_MS;
		waited += LOCK_PAUSE_MS) {
		(void)nanosleep(&pause, NULL);
		ret = flock(file->lock_fd, LOCK_EX | LOCK_NB);
	}
	if (ret != 0)
		(void)errmsg_set(err, "%s: %s", path,
			errno == EWOULDBLOCK ?
				"another postern counts there; give each a [limits] state of its own" :
				strerror(errno));
	free(path);
	return ret;
}

static int open_files(struct ledger_file *file, const struct ledger_clocks *clocks,
	struct problems *problems, struct errmsg *err)
{
	struct ledger_loaded loaded;

	if (take_lock(file, err) != 0)
		return -1;
	if (ledger_load(file->path, file->ledger, &loaded, problems, err) != 0)
		return -1;
	set_time(file, &loaded, clocks);
	file->first_journal = loaded.first_journal;
	file->previous_journal = loaded.previous_journal;
	file->snapshot_size = loaded.snapshot_size;
	file->number = loaded.last_journal > loaded.first_journal ? loaded.last_journal :
								    loaded.first_journal;
	if (ledger_begin_journal(file, err) != 0)
		return -1;
	ledger_on_charge(file->ledger, save, file);
	return 0;
}

int ledger_file_open(const char *path, struct ledger *ledger, const struct ledger_clocks *clocks,
	struct ledger_file **file_r, struct problems *problems, struct errmsg *err)
{
	const struct ledger_loaded nothing = { .has_moment = false };
	struct ledger_file *file = file_new(path, ledger);
	struct ledger_clocks real;

	if (file == NULL)
		return errmsg_set(err, "out of memory");
	if (clocks == NULL) {
		ledger_clocks_read(&real);
		clocks = &real;
	}
	if (*path == '\0') {
		set_time(file, &nothing, clocks);
	} else if (open_files(file, clocks, problems, err) != 0) {
		ledger_file_close(&file);
		return -1;
	}
	*file_r = file;
	return 0;
}

/* ---- the thread ------------------------------------------------------------------------- */

void ledger_file_sync(struct ledger_file *file)
{
	uint64_t now = ledger_file_now(file);
	bool was_dirty;
	int fd;

	(void)pthread_mutex_lock(&file->lock);
	was_dirty = file->is_dirty;
	fd = file->fd;
	if (was_dirty && now - file->marked > MARK_AFTER) {
		strbuf_reset(&file->buf);
		ledger_add_moment(file, &file->buf);
		(void)append(file);
		file->marked = now;
	}
	file->is_dirty = false;
	(void)pthread_mutex_unlock(&file->lock);
	if (was_dirty && fd >= 0 && fdatasync(fd) != 0)
		quote_log(LOG_LEVEL_ERROR, "error", strerror(errno), "limits forced-to-disk=no");
}

static bool snapshot_is_due(struct ledger_file *file)
{
	uint64_t size;

	(void)pthread_mutex_lock(&file->lock);
	size = file->size;
	(void)pthread_mutex_unlock(&file->lock);
	return file->fd >= 0 && size > JOURNAL_MIN && size > 2 * file->snapshot_size;
}

static void make_snapshot(struct ledger_file *file)
{
	struct errmsg err = { "" };

	if (ledger_file_snapshot(file, &err) == 0)
		log_event(LOG_LEVEL_DEBUG, "limits snapshot=written bytes=%" PRIu64,
			file->snapshot_size);
	else
		quote_log(LOG_LEVEL_WARNING, "error", err.text, "limits snapshot=failed");
}

/* A second's rest. Whether it is to go on. */
static bool rest(struct ledger_file *file)
{
	struct timespec until;
	bool goes_on;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	(void)pthread_mutex_lock(&file->end_lock);
	if (!file->is_ending)
		(void)pthread_cond_timedwait(&file->end_wake, &file->end_lock, &until);
	goes_on = !file->is_ending;
	(void)pthread_mutex_unlock(&file->end_lock);
	return goes_on;
}

static void *keep(void *argument)
{
	struct ledger_file *file = argument;
	bool due = file->fd >= 0 && file->number > file->first_journal + 1;

	do {
		if (due || snapshot_is_due(file))
			make_snapshot(file);
		due = false;
		ledger_file_sync(file);
		ledger_sweep(file->ledger, ledger_file_now(file));
	} while (rest(file));
	return NULL;
}

int ledger_file_start(struct ledger_file *file, struct errmsg *err)
{
	sigset_t all, old;
	int ret;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&file->thread, NULL, keep, file);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret != 0)
		return errmsg_set(err, "can't start the thread of the counts: %s", strerror(ret));
	file->is_running = true;
	return 0;
}

void ledger_file_close(struct ledger_file **file)
{
	struct ledger_file *gone = *file;

	*file = NULL;
	if (gone == NULL)
		return;
	if (gone->is_running) {
		(void)pthread_mutex_lock(&gone->end_lock);
		gone->is_ending = true;
		(void)pthread_cond_signal(&gone->end_wake);
		(void)pthread_mutex_unlock(&gone->end_lock);
		(void)pthread_join(gone->thread, NULL);
	}
	if (gone->fd >= 0) {
		ledger_on_charge(gone->ledger, NULL, NULL);
		(void)fdatasync(gone->fd);
		(void)close(gone->fd);
	}
	if (gone->lock_fd >= 0)
		(void)close(gone->lock_fd);
	(void)pthread_cond_destroy(&gone->end_wake);
	(void)pthread_mutex_destroy(&gone->end_lock);
	(void)pthread_mutex_destroy(&gone->lock);
	strbuf_free(&gone->buf);
	free(gone->path);
	free(gone);
}
