/*
 * Writes the JSON file and its journal, in the thread of a job, which owns what it writes. Holds no
 * state of its own. Shown by t/unit/test_store_sync.c.
 */
#include "milter/cache/store_job.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "lib/store/store_write.h"
#include "milter/loop/clock.h"

#define LOCK_PAUSE_MS 50
#define ROOM_GAIN 4096 /* bytes */

struct store_job *store_job_new(const char *path)
{
	struct store_job *job = calloc(1, sizeof(*job));

	if (job != NULL)
		job->lock_fd = -1;
	if (job != NULL &&
		((job->path = strdup(path)) == NULL || (job->problems = problems_new()) == NULL))
		store_job_free(&job);
	return job;
}

void store_job_free(struct store_job **job)
{
	struct store_job *j = *job;

	*job = NULL;
	if (j == NULL)
		return;
	file_lock_release(&j->lock_fd);
	free(j->path);
	strbuf_free(&j->lines);
	store_clear(&j->rows);
	problems_free(&j->problems);
	free(j);
}

/* Returns the bytes that are free for files in the folder of path; 0 if unknown. */
static uint64_t find_room(const char *path)
{
	char *folder = file_directory(path);
	struct statvfs fs;
	bool is_known = folder != NULL && statvfs(folder, &fs) == 0;

	free(folder);
	return is_known ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

/* Return whether the write that failed may succeed now: more is free than after it, and enough. */
static bool has_gained_room(const struct store_job *job)
{
	const uint64_t room = find_room(job->path);
	struct file_stamp file;
	uint64_t size = job->lines.len;

	if (job->is_whole)
		size = file_stamp(job->path, &file, NULL) == 0 ? file.size : 0;
	return room >= job->room + ROOM_GAIN && room >= size;
}

static void lock_store(struct store_job *job)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000 };
	int waited = 0;

	while ((job->lock = store_lock_take(job->path, &job->lock_fd, &job->err)) ==
			FILE_LOCK_BUSY &&
		waited < job->lock_wait_ms) {
		(void)nanosleep(&pause, NULL);
		waited += LOCK_PAUSE_MS;
	}
	if (job->lock == FILE_LOCKED)
		job->err.text[0] = '\0';
}

static void write_file(struct store_job *job)
{
	const struct store_base *only = job->only_if_same ? &job->base : NULL;
	struct errmsg err = { "" };

	job->was_written =
		store_write_over(job->path, &job->rows, only, &job->base, job->problems, &err) > 0;
	job->err = err;
}

static void write_all(struct store_job *job)
{
	if (job->has_base && job->lines.len > 0) {
		job->appended = journal_file_append(job->path, &job->base, job->lines.text,
			job->lines.len, &job->err);
		job->appended_at = clock_ms();
	}
	atomic_store(&job->is_kept, job->has_base && job->appended == JOURNAL_APPENDED);
	if (job->is_whole)
		write_file(job);
}

static void run(void *context)
{
	struct store_job *job = context;

	if (job->waits_for_room && !has_gained_room(job)) {
		job->lacks_room = true;
		job->appended = JOURNAL_FAILED;
	} else {
		lock_store(job);
		if (job->lock == FILE_LOCKED)
			write_all(job);
		else
			job->appended = JOURNAL_FAILED;
		if (job->err.text[0] != '\0')
			job->room = find_room(job->path);
	}
	job->ended = clock_ms();
}

static void free_context(void *context)
{
	struct store_job *job = context;

	store_job_free(&job);
}

struct job *store_job_start(struct store_job *job, int wake_fd)
{
	static const struct job_work work = { "store", run, free_context, NULL };

	return job_start(&work, job, wake_fd);
}

/* ---- looks ----------------------------------------------------------------------- */

struct store_look {
	char *path;
	struct store_base base;
	pthread_t asker;
	bool is_lost;
};

static void run_look(void *context)
{
	struct store_look *look = context;
	struct file_stamp now;

	if (pthread_equal(look->asker, pthread_self()))
		return; /* no thread: a file system that does not answer would hold up the rest */
	look->is_lost = file_stamp(look->path, &now, NULL) != 0;
	now.ctime_ns = look->base.file.ctime_ns; /* a backup may link it, or set its access time */
	look->is_lost = look->is_lost || !file_stamp_equal(&now, &look->base.file) ||
		!journal_file_is_that_of(look->path, &look->base);
}

static void free_look(void *context)
{
	struct store_look *look = context;

	free(look->path);
	free(look);
}

struct job *store_look_start(const char *path, const struct store_base *base, int wake_fd)
{
	static const struct job_work work = { "store", run_look, free_look, NULL };
	struct store_look *look = calloc(1, sizeof(*look));

	if (look == NULL || (look->path = strdup(path)) == NULL) {
		free(look);
		return NULL;
	}
	look->base = *base;
	look->asker = pthread_self();
	return job_start(&work, look, wake_fd);
}

bool store_look_end(struct job **job)
{
	struct store_look *look = job_finish(job);
	const bool is_lost = look->is_lost;

	free_look(look);
	return is_lost;
}
