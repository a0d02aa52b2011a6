/*
 * Gives programs of one thread enough stack where RLIMIT_STACK does not. Owns the thread that does
 * the work then, for the length of the call.
 */
#include "lib/conf/stack.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

struct call {
	int (*work)(void *context);
	void *context;
	int result;
};

static void *run_call(void *context)
{
	struct call *call = context;

	call->result = call->work(call->context);
	return NULL;
}

static bool is_enough(void)
{
	struct rlimit stack;

	return getrlimit(RLIMIT_STACK, &stack) != 0 || stack.rlim_cur >= STACK_MIN;
}

/* Returns 0, or an errno if the system refuses the thread. */
static int call_in_thread(struct call *call)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int error;

	if ((error = pthread_attr_init(&attr)) != 0)
		return error;
	(void)pthread_attr_setstacksize(&attr, STACK_MIN);
	error = pthread_create(&thread, &attr, run_call, call);
	(void)pthread_attr_destroy(&attr);
	if (error != 0)
		return error;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_join(thread, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return 0;
}

int stack_call(int (*work)(void *context), void *context)
{
	struct call call = { .work = work, .context = context };

	if (!is_enough() && call_in_thread(&call) == 0)
		return call.result;
	return work(context);
}
