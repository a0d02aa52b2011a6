/*
 * Does one piece of work in a thread of its own, which can be abandoned. The starter and the thread
 * share the struct job; the later of the two to finish with it frees it and the context.
 */
#include "milter/loop/job.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/base/thread.h"
#include "lib/conf/file_wait.h"
#include "milter/base/deadline.h"
#include "milter/loop/clock.h"

struct job {
	/* Set before the thread starts. */
	struct job_work work;
	void *context; /* the thread's until it has ended, then the starter's */
	int wake_fd;
	int64_t begun;
	int refused;

	struct file_waiter waiter; /* of the thread */
	pthread_mutex_t lock;	   /* guards the following */
	pthread_cond_t ended;
	bool has_ended, is_abandoned;
	int64_t waits_since; /* 0: it does not wait for a file system */
	char path[JOB_PATH_SIZE];
};

static void note_wait(struct file_waiter *waiter, const char *path)
{
	struct job *job = (struct job *)((char *)waiter - offsetof(struct job, waiter));

	(void)pthread_mutex_lock(&job->lock);
	job->waits_since = path == NULL ? 0 : clock_ms();
	(void)text_copy(job->path, sizeof(job->path), path == NULL ? "" : path);
	(void)pthread_mutex_unlock(&job->lock);
}

static void destroy_job(struct job *job)
{
	if (job->context != NULL)
		job->work.free(job->context);
	(void)pthread_cond_destroy(&job->ended);
	(void)pthread_mutex_destroy(&job->lock);
	free(job);
}

static void *run_job(void *context)
{
	struct job *job = context;
	const uint64_t one = 1;
	bool is_abandoned;

	file_wait_report(&job->waiter);
	job->work.run(job->context);
	(void)pthread_mutex_lock(&job->lock);
	job->has_ended = true;
	is_abandoned = job->is_abandoned;
	if (!is_abandoned)
		(void)!write(job->wake_fd, &one, sizeof(one)); /* or the starter is awake */
	(void)pthread_cond_broadcast(&job->ended);
	(void)pthread_mutex_unlock(&job->lock);
	if (is_abandoned)
		destroy_job(job);
	return NULL;
}

struct job *job_start(const struct job_work *work, void *context, int wake_fd)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		work->free(context);
		return NULL;
	}
	job->work = *work;
	job->context = context;
	job->wake_fd = wake_fd;
	job->begun = clock_ms();
	job->waiter.wait = note_wait;
	(void)pthread_mutex_init(&job->lock, NULL);
	deadline_init_cond(&job->ended);
	if ((job->refused = thread_start(NULL, work->name, run_job, job)) != 0) {
		work->run(context);
		job->has_ended = true;
	}
	return job;
}

int job_refused(const struct job *job)
{
	return job->refused;
}

int64_t job_begun(const struct job *job)
{
	return job->begun;
}

int64_t job_waits(struct job *job, char path_r[JOB_PATH_SIZE])
{
	int64_t since;

	(void)pthread_mutex_lock(&job->lock);
	if ((since = job->waits_since) != 0)
		(void)text_copy(path_r, JOB_PATH_SIZE, job->path);
	(void)pthread_mutex_unlock(&job->lock);
	return since;
}

bool job_wait(struct job *job, int64_t until)
{
	const struct timespec time = {
		.tv_sec = until / 1000,
		.tv_nsec = until % 1000 * 1000000,
	};
	int error = 0;
	bool has_ended;

	(void)pthread_mutex_lock(&job->lock);
	while (!job->has_ended && error == 0)
		error = pthread_cond_timedwait(&job->ended, &job->lock, &time);
	has_ended = job->has_ended;
	(void)pthread_mutex_unlock(&job->lock);
	return has_ended;
}

void *job_finish(struct job **job)
{
	void *context = (*job)->context;

	(*job)->context = NULL;
	destroy_job(*job);
	*job = NULL;
	return context;
}

void job_abandon(struct job **job)
{
	struct job *j = *job;
	bool has_ended;

	*job = NULL;
	if (j == NULL)
		return;
	(void)pthread_mutex_lock(&j->lock);
	has_ended = j->has_ended;
	j->is_abandoned = true;
	if (!has_ended && j->work.abandon != NULL)
		j->work.abandon(j->context);
	(void)pthread_mutex_unlock(&j->lock);
	if (has_ended)
		destroy_job(j);
}
