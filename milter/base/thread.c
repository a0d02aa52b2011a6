/*
 * Starts threads, and makes conditions whose time limits hold when the clock is set. It keeps no
 * state, and every thread may call it.
 */
#include "milter/base/thread.h"

#include <signal.h>
#include <unistd.h>

int thread_start(pthread_t *thread_r, const char *name, void *(*run)(void *context), void *context)
{
	pthread_t detached = { 0 }, *const thread = thread_r != NULL ? thread_r : &detached;
	sigset_t all, old;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, run, context);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0)
		return error;
	(void)pthread_setname_np(*thread, name);
	if (thread_r == NULL)
		(void)pthread_detach(
			detached); /* only now: its name could not be set after its end */
	return 0;
}

void thread_give_way(int increment)
{
	(void)!nice(increment);
}

void thread_init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

struct timespec thread_deadline(int ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}
