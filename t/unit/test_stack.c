/*
 * Shows that work which needs stack gets it whatever RLIMIT_STACK is, and that its result and the
 * signals of the process reach those that wait for them.
 */
#include "lib/conf/stack.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "t/unit/unit.h"

static const rlim_t limits[] = { 128 << 10, 1 << 20, STACK_MIN, RLIM_INFINITY };

static size_t stack_size(void)
{
	pthread_attr_t attr;
	size_t size = 0;

	ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attr), 0);
	ck_assert_int_eq(pthread_attr_getstacksize(&attr, &size), 0);
	(void)pthread_attr_destroy(&attr);
	return size;
}

static int measure(void *context)
{
	*(size_t *)context = stack_size();
	return 7;
}

/* Set the soft limit, or as much as the hard one permits. */
static void set_limit(rlim_t soft)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_STACK, &limit), 0);
	limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_STACK, &limit), 0);
}

START_TEST(gives_enough_under_every_limit)
	{
		size_t size = 0;

		set_limit(limits[_i]);
		ck_assert_int_eq(stack_call(measure, &size), 7);
		ck_assert_uint_ge(size, STACK_MIN - 65536); /* a guard page may be part of it */
	}
END_TEST

/* The main thread may receive the signal while the work waits for it. */
static atomic_int interrupted;

static void note_signal(int number)
{
	interrupted = number;
}

/* TSan delivers a signal at the thread's next call that may wait. */
static int send_signal(void *context)
{
	const struct timespec pause = { 0, 1000000 };
	int ret = kill(getpid(), SIGUSR1);

	(void)context;
	for (int i = 0; i < 20000 && interrupted == 0; i++)
		(void)nanosleep(&pause, NULL);
	return ret;
}

START_TEST(delivers_signals_to_the_work)
	{
		struct sigaction action = { .sa_handler = note_signal };

		set_limit(128 << 10);
		ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
		ck_assert_int_eq(stack_call(send_signal, NULL), 0);
		ck_assert_int_eq(interrupted, SIGUSR1);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stack");
	TCase *tcase = tcase_create("stack");

	tcase_add_loop_test(tcase, gives_enough_under_every_limit, 0,
		sizeof(limits) / sizeof(limits[0]));
	tcase_add_test(tcase, delivers_signals_to_the_work);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
