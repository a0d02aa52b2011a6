/*
 * Writes the JSON file in a separate thread, "store", which lives for one write. The cache thread
 * owns the store_sync; each struct writing belongs to its thread until that has ended.
 */
#include "milter/cache/store_sync.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/conf/file.h"
#include "lib/store/store_write.h"
#include "milter/base/thread.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define RETRY_MS 30000	  /* after a write that failed */
#define ROOM_LOOK_MS 1000 /* between two looks whether there is room for it by now */
#define ROOM_GAIN 4096	  /* bytes */

/* One write of the file. Its thread owns it until has_ended is set. */
struct writing {
	char *path;
	struct store store;
	struct problems *problems;
	struct errmsg err;
	int ret;
	int64_t began, ended;
};

struct store_sync {
	int wake_fd;
	struct writing *wanted; /* the next write; NULL: none */
	int64_t due;		/* when it begins; CLOCK_NEVER while none is wanted */
	int64_t not_before;	/* the earliest `due` */
	int64_t retry;		/* until then, a failed write waits for room */
	uint64_t room;		/* for which there must be more than this, in bytes */
	bool is_running;
	pthread_t thread;
	struct handover *handover; /* of the running thread */
	time_t written;
	struct errmsg error;
	size_t left_out; /* rows that the last write left out */
};

/* Shared by the two threads; the later one to finish with it frees it. */
struct handover {
	pthread_mutex_t lock; /* guards has_ended and is_abandoned */
	int wake_fd;
	bool has_ended, is_abandoned;
	struct writing *writing;
};

static void writing_free(struct writing **writing)
{
	struct writing *w = *writing;

	*writing = NULL;
	if (w == NULL)
		return;
	free(w->path);
	store_clear(&w->store);
	problems_free(&w->problems);
	free(w);
}

static void handover_free(struct handover *handover)
{
	writing_free(&handover->writing);
	(void)pthread_mutex_destroy(&handover->lock);
	free(handover);
}

/* The writing thread. */
static void *write_store(void *context)
{
	struct handover *handover = context;
	struct writing *w = handover->writing;
	uint64_t one = 1;
	bool is_abandoned;

	w->ret = store_write(w->path, &w->store, NULL, w->problems, &w->err);
	w->ended = clock_ms();
	(void)pthread_mutex_lock(&handover->lock);
	handover->has_ended = true;
	is_abandoned = handover->is_abandoned;
	if (!is_abandoned)
		(void)!write(handover->wake_fd, &one, sizeof(one)); /* full: awake anyway */
	(void)pthread_mutex_unlock(&handover->lock);
	if (is_abandoned)
		handover_free(handover);
	return NULL;
}

struct store_sync *store_sync_new(int wake_fd)
{
	struct store_sync *sync = calloc(1, sizeof(*sync));

	if (sync != NULL) {
		sync->wake_fd = wake_fd;
		sync->due = CLOCK_NEVER;
	}
	return sync;
}

void store_sync_want(struct store_sync *sync, const char *path, struct profiles *profiles,
	struct users *users, const char *revision, time_t right_at, int64_t now)
{
	struct writing *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->path = strdup(path)) == NULL ||
		(w->store.revision = strdup(revision)) == NULL ||
		(w->problems = problems_new()) == NULL) {
		writing_free(&w);
		return; /* the next change will try again */
	}
	w->store.profiles = profiles_ref(profiles);
	w->store.users = users_ref(users);
	w->store.written = (int64_t)right_at;
	writing_free(&sync->wanted);
	sync->wanted = w;
	if (sync->due == CLOCK_NEVER)
		sync->due = now + STORE_SYNC_SOON_MS;
	if (sync->due < sync->not_before)
		sync->due = sync->not_before;
}

void store_sync_forget(struct store_sync *sync)
{
	writing_free(&sync->wanted);
	sync->due = CLOCK_NEVER;
}

/* Log each reason once. */
static void note_failure(struct store_sync *sync, const struct errmsg *err)
{
	if (strcmp(err->text, sync->error.text) != 0)
		log_event(LOG_LEVEL_WARNING, "store not written, the previous file stays: %s",
			err->text);
	sync->error = *err;
}

static void begin_writing(struct store_sync *sync, int64_t now)
{
	struct handover *handover = calloc(1, sizeof(*handover));
	struct errmsg err;
	int error;

	sync->due = CLOCK_NEVER;
	sync->retry = 0;
	if (handover == NULL || pthread_mutex_init(&handover->lock, NULL) != 0) {
		free(handover);
		sync->due = now + RETRY_MS;
		return;
	}
	handover->wake_fd = sync->wake_fd;
	handover->writing = sync->wanted;
	handover->writing->began = now;
	sync->wanted = NULL;
	if ((error = thread_start(&sync->thread, "store", write_store, handover)) != 0) {
		(void)errmsg_set(&err, "cannot start a thread to write in: %s", strerror(error));
		note_failure(sync, &err);
		sync->wanted = handover->writing;
		handover->writing = NULL;
		handover_free(handover);
		sync->due = now + RETRY_MS;
		return;
	}
	sync->handover = handover;
	sync->is_running = true;
}

static void note_success(struct store_sync *sync, const struct writing *w)
{
	size_t i, left_out = w->problems != NULL ? problems_count(w->problems) : 0;

	if (sync->error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "store written again");
	sync->error.text[0] = '\0';
	sync->written = time(NULL);
	for (i = 0; left_out > 0 && left_out != sync->left_out && i < problems_kept(w->problems);
		i++)
		log_event(LOG_LEVEL_WARNING, "store: %s", problems_text(w->problems, i));
	sync->left_out = left_out;
	for (i = 0; w->problems != NULL && i < problems_level_kept(w->problems, PROBLEM_NOTE); i++)
		log_event(LOG_LEVEL_NOTICE, "store: %s",
			problems_level_text(w->problems, PROBLEM_NOTE, i));
	log_event(LOG_LEVEL_DEBUG, "store written users=%zu took=%dms", users_count(w->store.users),
		(int)(w->ended - w->began));
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

/* Whether the write that failed may succeed now: there is more room than after it, and no less than
 * the present file takes. */
static bool has_gained_room(const struct store_sync *sync)
{
	uint64_t room = find_room(sync->wanted->path);
	struct stat st;

	return room >= sync->room + ROOM_GAIN &&
		(stat(sync->wanted->path, &st) < 0 || room >= (uint64_t)st.st_size);
}

/* After a failure, write again when there is more room, and after RETRY_MS in any case. */
static void plan_retry(struct store_sync *sync, const struct writing *w, int64_t pause)
{
	sync->room = find_room(w->path);
	sync->retry = w->ended + RETRY_MS;
	sync->not_before = w->ended + (pause > ROOM_LOOK_MS ? pause : ROOM_LOOK_MS);
}

/* The thread has ended: note its result, and decide when the next write may begin. */
static void end_writing(struct store_sync *sync)
{
	struct writing *w = sync->handover->writing;
	int64_t pause = (w->ended - w->began) * 4;

	(void)pthread_join(sync->thread, NULL);
	sync->is_running = false;
	if (w->ret == 0) {
		note_success(sync, w);
		sync->not_before =
			w->ended + (pause > STORE_SYNC_PAUSE_MS ? pause : STORE_SYNC_PAUSE_MS);
	} else {
		note_failure(sync, &w->err);
		plan_retry(sync, w, pause);
		if (sync->wanted == NULL) { /* nothing is newer: write the same again */
			sync->wanted = w;
			sync->handover->writing = NULL;
			problems_free(&w->problems);
			w->problems = problems_new();
		}
	}
	if (sync->wanted != NULL && (sync->due == CLOCK_NEVER || sync->due < sync->not_before))
		sync->due = sync->not_before;
	handover_free(sync->handover);
	sync->handover = NULL;
}

static bool thread_has_ended(struct store_sync *sync)
{
	bool ended;

	(void)pthread_mutex_lock(&sync->handover->lock);
	ended = sync->handover->has_ended;
	(void)pthread_mutex_unlock(&sync->handover->lock);
	return ended;
}

bool store_sync_attend(struct store_sync *sync, int64_t now)
{
	bool ended = sync->is_running && thread_has_ended(sync);

	if (ended)
		end_writing(sync);
	if (sync->is_running || sync->wanted == NULL || now < sync->due)
		return ended;
	if (now >= sync->retry || has_gained_room(sync))
		begin_writing(sync, now);
	else
		sync->due = now + ROOM_LOOK_MS;
	return ended;
}

int64_t store_sync_due(const struct store_sync *sync)
{
	return sync->is_running ? CLOCK_NEVER : sync->due;
}

time_t store_sync_written(const struct store_sync *sync)
{
	return sync->written;
}

const struct errmsg *store_sync_error(const struct store_sync *sync)
{
	return &sync->error;
}

size_t store_sync_left_out(const struct store_sync *sync)
{
	return sync->left_out;
}

/* Wait until the deadline. Returns whether the thread has ended; if not, it is abandoned. */
static bool wait_for_end(struct store_sync *sync, int64_t deadline)
{
	const struct timespec pause = { 0, 5000000 };
	bool ended;

	while (!(ended = thread_has_ended(sync)) && clock_ms() < deadline)
		(void)nanosleep(&pause, NULL);
	if (ended) {
		end_writing(sync);
		return true;
	}
	(void)pthread_mutex_lock(&sync->handover->lock);
	ended = sync->handover->has_ended; /* it may have ended just now */
	sync->handover->is_abandoned = !ended;
	(void)pthread_mutex_unlock(&sync->handover->lock);
	if (ended)
		end_writing(sync);
	else
		(void)pthread_detach(sync->thread);
	return ended;
}

void store_sync_free(struct store_sync **sync, int wait_ms)
{
	struct store_sync *s = *sync;
	int64_t deadline = clock_ms() + wait_ms;
	bool has_ended;

	*sync = NULL;
	if (s == NULL)
		return;
	has_ended = !s->is_running || wait_for_end(s, deadline);
	if (has_ended && s->wanted != NULL) {
		begin_writing(s, clock_ms());
		has_ended = !s->is_running || wait_for_end(s, deadline);
	}
	if (!has_ended || s->wanted != NULL)
		log_event(LOG_LEVEL_ERROR,
			"store not written before the end: a start without the database would use older rules: %s",
			has_ended ? s->error.text : "writing takes too long");
	writing_free(&s->wanted);
	free(s);
}
