/*
 * Saves the suspended logins and looks at their file, in the thread "suspensions", which it owns.
 * Requests come from any thread; one write serves all that arrive while the file is being written.
 */
#include "milter/shared/suspension_keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/thread.h"
#include "lib/conf/file.h"
#include "lib/store/suspensions_file.h"
#include "milter/base/deadline.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

#define PATIENCE_MS 2000 /* nobody waits longer for the disk */

struct suspension_keeper {
	const char *path;
	struct suspensions *suspensions;
	bool has_thread; /* that was not joined; for the thread that stops */

	pthread_mutex_t
		file_lock;	/* held while the file is written, so that the newest comes last */
	struct file_stamp seen; /* of the file that was looked at last; the thread's */

	pthread_mutex_t lock; /* guards the following */
	pthread_cond_t wake, ended;
	pthread_t thread;
	int interval_ms;
	bool is_running, is_stopping, is_wanted;
	int64_t since; /* when the thread's present work on the file began; 0: it rests */
	bool is_late;  /* it was logged that this work does not end */
	struct suspension_save *requests; /* the newest first */
	struct suspension_save *started;  /* those that the present work meets */
	struct errmsg error, file_error, put_aside;
};

struct suspension_keeper *suspension_keeper_new(const char *path, struct suspensions *suspensions)
{
	struct suspension_keeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL)
		return NULL;
	(void)pthread_mutex_init(&keeper->lock, NULL);
	(void)pthread_mutex_init(&keeper->file_lock, NULL);
	deadline_init_cond(&keeper->wake);
	deadline_init_cond(&keeper->ended);
	keeper->path = path;
	keeper->suspensions = suspensions;
	return keeper;
}

/* Return whether the next start could read the file. No descriptor is needed for that, because
 * there may be none. */
static bool is_readable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0;
}

static void copy_error(struct suspension_keeper *keeper, struct errmsg *to,
	const struct errmsg *from)
{
	(void)pthread_mutex_lock(&keeper->lock);
	*to = *from;
	(void)pthread_mutex_unlock(&keeper->lock);
}

/* Set *err_r to the work that does not end, or to "". The caller holds the lock. */
static void describe_late(const struct suspension_keeper *keeper, struct errmsg *err_r)
{
	const int64_t lasts = keeper->since == 0 ? 0 : clock_ms() - keeper->since;

	err_r->text[0] = '\0';
	if (lasts >= PATIENCE_MS)
		(void)errmsg_set(err_r, "%s: the disk has not answered for %lld s", keeper->path,
			(long long)lasts / 1000);
}

void suspension_keeper_late(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	(void)pthread_mutex_lock(&keeper->lock);
	describe_late(keeper, err_r);
	(void)pthread_mutex_unlock(&keeper->lock);
}

void suspension_keeper_error(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	suspension_keeper_late(keeper, err_r);
	if (err_r->text[0] == '\0')
		copy_error(keeper, err_r, &keeper->error);
}

void suspension_keeper_file_error(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	copy_error(keeper, err_r, &keeper->file_error);
}

void suspension_keeper_put_aside(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	copy_error(keeper, err_r, &keeper->put_aside);
}

/* Return whether this process did not write the file, or can no longer read it. */
static bool is_foreign(struct suspension_keeper *keeper)
{
	struct errmsg file_error;

	suspension_keeper_file_error(keeper, &file_error);
	return file_error.text[0] != '\0' || !is_readable(keeper->path);
}

static void note_put_aside(struct suspension_keeper *keeper)
{
	struct errmsg note;

	(void)errmsg_set(&note,
		"%s could no longer be read, or somebody had changed it; it is now %s.bad, and the "
		"suspended logins are written again",
		keeper->path, keeper->path);
	copy_error(keeper, &keeper->put_aside, &note);
	quote_log(LOG_LEVEL_WARNING, "note", note.text, "suspensions renamed=yes");
}

/* Save, and log the result if it differs from the last one. */
static void save_all(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	const struct errmsg none = { "" };
	struct errmsg before;
	int saved;

	(void)pthread_mutex_lock(&keeper->file_lock);
	copy_error(keeper, &before, &keeper->error);
	*err_r = none;
	saved = suspensions_save(keeper->path, keeper->suspensions, is_foreign(keeper), err_r);
	if (saved == 1)
		note_put_aside(keeper);
	if (saved >= 0) {
		copy_error(keeper, &keeper->file_error, &none);
		(void)file_stamp(keeper->path, &keeper->seen, NULL);
	}
	copy_error(keeper, &keeper->error, err_r);
	(void)pthread_mutex_unlock(&keeper->file_lock);
	if (err_r->text[0] != '\0' && strcmp(before.text, err_r->text) != 0)
		quote_log(LOG_LEVEL_ERROR, "error", err_r->text, "suspensions written=no");
	else if (err_r->text[0] == '\0' && before.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "suspensions written=yes");
}

static void answer(struct suspension_save *requests, const struct errmsg *err)
{
	for (struct suspension_save *next; requests != NULL; requests = next) {
		next = requests->next;
		requests->saved(requests, err);
	}
}

/* Take the requests of a list. The caller holds the lock. */
static struct suspension_save *take(struct suspension_save **list)
{
	struct suspension_save *taken = *list;

	*list = NULL;
	return taken;
}

/* Save, and answer the requests that are still waiting for that. */
static void meet_started(struct suspension_keeper *keeper)
{
	struct suspension_save *requests;
	struct errmsg err;

	save_all(keeper, &err);
	(void)pthread_mutex_lock(&keeper->lock);
	requests = take(&keeper->started);
	(void)pthread_mutex_unlock(&keeper->lock);
	answer(requests, &err);
}

/* Return whether the next start could read the file, and this process can replace it. */
static bool is_usable(const struct suspension_keeper *keeper)
{
	char *folder = file_directory(keeper->path);
	const bool is_open = folder == NULL || access(folder, W_OK | X_OK) == 0;

	free(folder);
	return is_open &&
		(is_readable(keeper->path) ||
			(access(keeper->path, F_OK) != 0 && errno == ENOENT &&
				suspensions_count(keeper->suspensions) == 0));
}

static bool have_same_logins(struct suspensions *one, struct suspensions *other)
{
	struct strbuf texts[2] = { STRBUF_INIT, STRBUF_INIT };
	bool are_same;

	suspensions_write(one, &texts[0]);
	suspensions_write(other, &texts[1]);
	are_same = texts[0].failed || texts[1].failed ||
		(texts[0].len == texts[1].len &&
			(texts[0].len == 0 ||
				memcmp(texts[0].text, texts[1].text, texts[0].len) == 0));
	strbuf_free(&texts[0]);
	strbuf_free(&texts[1]);
	return are_same;
}

/* Look at a file that somebody else has written, and log what a restart would do with it. */
static void read_foreign(struct suspension_keeper *keeper)
{
	struct suspensions *read = suspensions_new();
	const char *event = "suspensions readable=no";
	struct errmsg err = { "" };

	if (read == NULL)
		return;
	if (suspensions_load(keeper->path, read, &err) != 0) {
		(void)errmsg_prefix(&err,
			"a restart will fail, because the file of suspended "
			"logins was damaged: ");
	} else if (!have_same_logins(read, keeper->suspensions)) {
		event = "suspensions file=changed";
		(void)errmsg_set(&err,
			"a restart will change which logins are suspended, because somebody has "
			"changed their file: %s",
			keeper->path);
	}
	suspensions_free(&read);
	copy_error(keeper, &keeper->file_error, &err);
	if (err.text[0] != '\0')
		quote_log(LOG_LEVEL_ERROR, "error", err.text, "%s", event);
}

/* Write the file again if it is lost, and read it if somebody else has written it. */
static void look(struct suspension_keeper *keeper)
{
	struct file_stamp stamp;
	struct errmsg err;

	if (keeper->path[0] == '\0')
		return;
	if (!is_usable(keeper)) {
		copy_error(keeper, &err, &keeper->error);
		if (err.text[0] == '\0')
			log_event(LOG_LEVEL_WARNING, "suspensions file=lost");
		save_all(keeper, &err);
	} else if (file_stamp(keeper->path, &stamp, NULL) == 0 &&
		!file_stamp_equal(&stamp, &keeper->seen)) {
		keeper->seen = stamp;
		read_foreign(keeper);
	}
}

/* Wait for a request, the end, or the time of the next look. The caller holds the lock. */
static void wait_for_work(struct suspension_keeper *keeper)
{
	const struct timespec until = deadline_in(keeper->interval_ms);
	int error = 0;

	while (!keeper->is_wanted && !keeper->is_stopping && error == 0)
		error = pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
	if (error != 0 && keeper->error.text[0] != '\0')
		keeper->is_wanted = true;
}

static void *run_keeper(void *context)
{
	struct suspension_keeper *keeper = context;
	bool is_wanted;

	(void)pthread_mutex_lock(&keeper->lock);
	while (keeper->is_wanted || !keeper->is_stopping) {
		wait_for_work(keeper);
		is_wanted = keeper->is_wanted;
		keeper->started = take(&keeper->requests);
		keeper->is_wanted = false;
		keeper->since = clock_ms();
		(void)pthread_mutex_unlock(&keeper->lock);
		if (is_wanted)
			meet_started(keeper);
		look(keeper);
		(void)pthread_mutex_lock(&keeper->lock);
		keeper->since = 0;
	}
	keeper->is_running = false;
	(void)pthread_cond_signal(&keeper->ended);
	(void)pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

int suspension_keeper_start(struct suspension_keeper *keeper, int interval_ms, struct errmsg *err)
{
	int error;

	keeper->interval_ms = interval_ms;
	keeper->is_running = true;
	if ((error = thread_start(&keeper->thread, "suspensions", run_keeper, keeper)) == 0) {
		keeper->has_thread = true;
		return 0;
	}
	keeper->is_running = false;
	return errmsg_set(err, "cannot start the thread that saves suspensions: %s",
		strerror(error));
}

void suspension_keeper_request(struct suspension_keeper *keeper, struct suspension_save *save)
{
	struct errmsg late = { "" };
	bool is_running;

	if (save != NULL)
		save->next = NULL;
	(void)pthread_mutex_lock(&keeper->lock);
	if ((is_running = keeper->is_running)) {
		keeper->is_wanted = true;
		describe_late(keeper, &late);
		if (save != NULL && late.text[0] == '\0') {
			save->next = keeper->requests;
			keeper->requests = save;
			save = NULL;
		}
		(void)pthread_cond_signal(&keeper->wake);
	}
	(void)pthread_mutex_unlock(&keeper->lock);
	if (!is_running)
		save_all(keeper, &late);
	answer(save, &late);
}

/* Answer the requests that wait, although the thread has not met them. */
static void answer_all(struct suspension_keeper *keeper, const struct errmsg *err)
{
	struct suspension_save *started, *requests;

	(void)pthread_mutex_lock(&keeper->lock);
	started = take(&keeper->started);
	requests = take(&keeper->requests);
	(void)pthread_mutex_unlock(&keeper->lock);
	answer(started, err);
	answer(requests, err);
}

void suspension_keeper_watch(struct suspension_keeper *keeper)
{
	struct errmsg late;
	bool is_new, is_over;

	(void)pthread_mutex_lock(&keeper->lock);
	describe_late(keeper, &late);
	is_new = late.text[0] != '\0' && !keeper->is_late;
	is_over = late.text[0] == '\0' && keeper->is_late;
	keeper->is_late = late.text[0] != '\0';
	(void)pthread_mutex_unlock(&keeper->lock);
	if (late.text[0] != '\0')
		answer_all(keeper, &late);
	if (is_new)
		quote_log(LOG_LEVEL_ERROR, "error", late.text, "suspensions disk=hangs");
	else if (is_over)
		log_event(LOG_LEVEL_NOTICE, "suspensions disk=answers");
}

/* Wait until the thread has ended, but not for a disk that hangs. Returns whether it has. */
static bool wait_for_end(struct suspension_keeper *keeper)
{
	struct timespec until;
	int error = 0;
	bool has_ended;

	(void)pthread_mutex_lock(&keeper->lock);
	keeper->is_stopping = true;
	(void)pthread_cond_signal(&keeper->wake);
	until = deadline_in(PATIENCE_MS);
	while (keeper->is_running && error == 0)
		error = pthread_cond_timedwait(&keeper->ended, &keeper->lock, &until);
	has_ended = !keeper->is_running;
	(void)pthread_mutex_unlock(&keeper->lock);
	return has_ended;
}

int suspension_keeper_stop(struct suspension_keeper *keeper, struct errmsg *err)
{
	if (!wait_for_end(keeper)) {
		(void)errmsg_set(err, "%s: the disk has not answered for %d s", keeper->path,
			PATIENCE_MS / 1000);
		answer_all(keeper, err);
		return -1;
	}
	if (keeper->has_thread)
		(void)pthread_join(keeper->thread, NULL);
	keeper->has_thread = false;
	return 0;
}

void suspension_keeper_free(struct suspension_keeper **keeper)
{
	struct suspension_keeper *gone = *keeper;
	struct errmsg unused;

	*keeper = NULL;
	if (gone == NULL || suspension_keeper_stop(gone, &unused) != 0)
		return; /* the thread uses it */
	(void)pthread_cond_destroy(&gone->wake);
	(void)pthread_cond_destroy(&gone->ended);
	(void)pthread_mutex_destroy(&gone->file_lock);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
}
