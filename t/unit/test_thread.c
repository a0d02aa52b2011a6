/*
 * Shows that a thread has its name and receives no signals, and that the caller's signal mask stays
 * as it is.
 */
#include "lib/base/thread.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>

#include "t/unit/unit.h"

struct seen {
	sem_t done;
	sigset_t mask;
	char name[16];
};

static void *see_itself(void *context)
{
	struct seen *seen = context;

	(void)pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
	/* The caller gives the name after the start. */
	while (strcmp(seen->name, "seer") != 0)
		ck_assert_int_eq(pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name)),
			0);
	(void)sem_post(&seen->done);
	return NULL;
}

START_TEST(a_thread_blocks_all_signals)
	{
		const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM };
		struct seen seen = { .name = "" };
		sigset_t mask;
		pthread_t thread;

		ck_assert_int_eq(sem_init(&seen.done, 0, 0), 0);
		ck_assert_int_eq(thread_start(_i == 0 ? &thread : NULL, "seer", see_itself, &seen),
			0);
		while (sem_wait(&seen.done) != 0)
			ck_assert_int_eq(errno, EINTR);
		if (_i == 0)
			ck_assert_int_eq(pthread_join(thread, NULL), 0);
		(void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
		for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
			ck_assert_int_eq(sigismember(&seen.mask, signals[i]), 1);
			ck_assert_int_eq(sigismember(&mask, signals[i]), 0);
		}
	}
END_TEST

static Suite *thread_suite(void)
{
	Suite *suite = suite_create("thread");
	TCase *tests = tcase_create("thread");

	tcase_add_loop_test(tests, a_thread_blocks_all_signals, 0, 2);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(thread_suite)
