/*
 * Saves the suspended logins and looks at their file, in the thread "suspensions", which it owns.
 * Requests come from any thread; one write serves all that arrive while the file is being written.
 */
#include "milter/shared/suspension_keeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/file.h"
#include "lib/store/suspensions_file.h"
#include "milter/base/thread.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

struct suspension_keeper {
	const char *path;
	struct suspensions *suspensions;

	pthread_mutex_t
		file_lock;	/* held while the file is written, so that the newest comes last */
	struct file_stamp seen; /* of the file that was looked at last; the thread's */

	pthread_mutex_t lock; /* guards the following */
	pthread_cond_t wake;
	pthread_t thread;
	int interval_ms;
	bool is_running, is_stopping, is_wanted;
	struct suspension_save *requests; /* the newest first */
	struct errmsg error, file_error;
};

struct suspension_keeper *suspension_keeper_new(const char *path, struct suspensions *suspensions)
{
	struct suspension_keeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL)
		return NULL;
	(void)pthread_mutex_init(&keeper->lock, NULL);
	(void)pthread_mutex_init(&keeper->file_lock, NULL);
	thread_init_cond(&keeper->wake);
	keeper->path = path;
	keeper->suspensions = suspensions;
	return keeper;
}

static void copy_error(struct suspension_keeper *keeper, struct errmsg *to,
	const struct errmsg *from)
{
	(void)pthread_mutex_lock(&keeper->lock);
	*to = *from;
	(void)pthread_mutex_unlock(&keeper->lock);
}

void suspension_keeper_error(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	copy_error(keeper, err_r, &keeper->error);
}

void suspension_keeper_file_error(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	copy_error(keeper, err_r, &keeper->file_error);
}

/* Save, and log the result if it differs from the last one. */
static void save_all(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	const struct errmsg none = { "" };
	struct errmsg before;

	(void)pthread_mutex_lock(&keeper->file_lock);
	suspension_keeper_error(keeper, &before);
	*err_r = none;
	if (suspensions_save(keeper->path, keeper->suspensions, err_r) == 0)
		copy_error(keeper, &keeper->file_error, &none);
	copy_error(keeper, &keeper->error, err_r);
	(void)pthread_mutex_unlock(&keeper->file_lock);
	if (err_r->text[0] != '\0' && strcmp(before.text, err_r->text) != 0)
		quote_log(LOG_LEVEL_ERROR, "error", err_r->text, "suspensions written=no");
	else if (err_r->text[0] == '\0' && before.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "suspensions written=yes");
}

static void meet_requests(struct suspension_keeper *keeper, struct suspension_save *requests)
{
	struct errmsg err;

	save_all(keeper, &err);
	for (struct suspension_save *next; requests != NULL; requests = next) {
		next = requests->next;
		requests->saved(requests, &err);
	}
}

/* Look at the file if it has changed since the last look. */
static void look(struct suspension_keeper *keeper)
{
	struct suspensions *read;
	struct errmsg err = { "" };
	struct file_stamp stamp;

	if (keeper->path[0] == '\0' || file_stamp(keeper->path, &stamp, &err) != 0 ||
		file_stamp_equal(&stamp, &keeper->seen) || (read = suspensions_new()) == NULL)
		return;
	keeper->seen = stamp;
	(void)suspensions_load(keeper->path, read, &err);
	suspensions_free(&read);
	copy_error(keeper, &keeper->file_error, &err);
	if (err.text[0] != '\0')
		quote_log(LOG_LEVEL_ERROR, "error", err.text, "suspensions readable=no");
}

/* Wait for a request, the end, or the time of the next look. The caller holds the lock. */
static void wait_for_work(struct suspension_keeper *keeper)
{
	const struct timespec until = thread_deadline(keeper->interval_ms);
	int error = 0;

	while (!keeper->is_wanted && !keeper->is_stopping && error == 0)
		error = pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
	if (error != 0 && keeper->error.text[0] != '\0')
		keeper->is_wanted = true;
}

static void *run_keeper(void *context)
{
	struct suspension_keeper *keeper = context;
	struct suspension_save *requests;
	bool is_wanted;

	(void)pthread_mutex_lock(&keeper->lock);
	while (keeper->is_wanted || !keeper->is_stopping) {
		wait_for_work(keeper);
		is_wanted = keeper->is_wanted;
		requests = keeper->requests;
		keeper->is_wanted = false;
		keeper->requests = NULL;
		(void)pthread_mutex_unlock(&keeper->lock);
		if (is_wanted)
			meet_requests(keeper, requests);
		look(keeper);
		(void)pthread_mutex_lock(&keeper->lock);
	}
	keeper->is_running = false;
	(void)pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

int suspension_keeper_start(struct suspension_keeper *keeper, int interval_ms, struct errmsg *err)
{
	int error;

	keeper->interval_ms = interval_ms;
	keeper->is_running = true;
	if ((error = thread_start(&keeper->thread, "suspensions", run_keeper, keeper)) == 0)
		return 0;
	keeper->is_running = false;
	return errmsg_set(err, "cannot start the thread that saves suspensions: %s",
		strerror(error));
}

void suspension_keeper_request(struct suspension_keeper *keeper, struct suspension_save *save)
{
	bool is_running;

	if (save != NULL)
		save->next = NULL;
	(void)pthread_mutex_lock(&keeper->lock);
	if ((is_running = keeper->is_running)) {
		keeper->is_wanted = true;
		if (save != NULL) {
			save->next = keeper->requests;
			keeper->requests = save;
		}
		(void)pthread_cond_signal(&keeper->wake);
	}
	(void)pthread_mutex_unlock(&keeper->lock);
	if (!is_running)
		meet_requests(keeper, save);
}

void suspension_keeper_stop(struct suspension_keeper *keeper)
{
	bool is_stopping;

	(void)pthread_mutex_lock(&keeper->lock);
	is_stopping = keeper->is_running;
	keeper->is_stopping = true;
	(void)pthread_cond_signal(&keeper->wake);
	(void)pthread_mutex_unlock(&keeper->lock);
	if (is_stopping)
		(void)pthread_join(keeper->thread, NULL);
}

void suspension_keeper_free(struct suspension_keeper **keeper)
{
	struct suspension_keeper *gone = *keeper;

	*keeper = NULL;
	if (gone == NULL)
		return;
	suspension_keeper_stop(gone);
	(void)pthread_cond_destroy(&gone->wake);
	(void)pthread_mutex_destroy(&gone->file_lock);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
}
