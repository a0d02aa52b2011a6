#ifndef POSTERN_JOB_H
#define POSTERN_JOB_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One piece of work that may take long or never end, such as reading from a file system that does
 * not answer. It is done in a thread of its own, which ends with the work and can be abandoned. If
 * the system refuses the thread, the caller's thread does the work. The starter alone may call
 * these functions.
 */
struct job;

struct job_work {
	const char *name;	     /* of the thread: at most 15 bytes */
	void (*run)(void *context);  /* must use nothing that the starter may free or change */
	void (*free)(void *context); /* frees what the starter does not take */
	/* Tells the work that nobody wants its result, so that it may end early. NULL: nothing. */
	void (*abandon)(void *context);
};

/*
 * Begin the work. The context belongs to the job from now on. wake_fd is an eventfd, to which the
 * thread adds 1 at its end. Returns NULL when out of memory, with the context freed.
 */
struct job *job_start(const struct job_work *work, void *context, int wake_fd);

/* Return the errno for which the system refused a thread; 0: there was one. */
int job_refused(const struct job *job);

/* Return when the work began, by clock_ms(). */
int64_t job_begun(const struct job *job);

#define JOB_PATH_SIZE 4096

/* Return the time of clock_ms() since which the work has waited for the file system of a path, and
 * put the path into path_r, where a longer one is cut. 0: it does not wait, or its path was not
 * reported (lib/conf/file_wait.h). */
int64_t job_waits(struct job *job, char path_r[JOB_PATH_SIZE]);

/* Wait for the end until this time of clock_ms(). Returns whether it has ended. */
bool job_wait(struct job *job, int64_t until);

/* Return the context of a job that has ended, which the caller owns from now on. Frees the job. */
void *job_finish(struct job **job);

/* Abandon the work: a thread that has not ended does not use wake_fd from now on, and frees the
 * context at its end. Accepts NULL. */
void job_abandon(struct job **job);

#endif
