/*
 * Starts threads, and lowers the priority of the one that calls it. It keeps no state, and every
 * thread may call it.
 */
#include "lib/base/thread.h"

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
