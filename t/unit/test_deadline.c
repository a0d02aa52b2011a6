/*
 * Shows that the wait of a condition ends at its time limit, by the clock that nobody can set, and
 * not before.
 */
#include "milter/base/deadline.h"

#include <errno.h>

#include "t/unit/unit.h"

START_TEST(a_wait_ends_at_its_limit)
	{
		pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
		struct timespec until, now;
		pthread_cond_t cond;
		int error = 0;

		deadline_init_cond(&cond);
		until = deadline_in(10);
		(void)pthread_mutex_lock(&lock);
		while (error == 0)
			error = pthread_cond_timedwait(&cond, &lock, &until);
		(void)pthread_mutex_unlock(&lock);
		ck_assert_int_eq(error, ETIMEDOUT);
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		ck_assert(now.tv_sec > until.tv_sec ||
			(now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
		ck_assert_int_eq(pthread_cond_destroy(&cond), 0);
	}
END_TEST

static Suite *deadline_suite(void)
{
	Suite *suite = suite_create("deadline");
	TCase *tests = tcase_create("deadline");

	tcase_add_test(tests, a_wait_ends_at_its_limit);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(deadline_suite)
