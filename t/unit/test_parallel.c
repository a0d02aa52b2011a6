/*
 * Shows that all parts of a computation are run, whether the system allows threads or not, and how
 * many parts pay.
 */
#include "lib/base/parallel.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "lib/base/thread.h"
#include "t/unit/unit.h"

static bool refuses;

/* Stands in for that of lib/base/thread.c. */
int thread_start(pthread_t *thread_r, const char *name, void *(*run)(void *context), void *context)
{
	(void)name;
	return refuses ? EAGAIN : pthread_create(thread_r, NULL, run, context);
}

struct seen {
	int runs[PARALLEL_MAX];
	pthread_t threads[PARALLEL_MAX];
};

static void see(void *context, unsigned part)
{
	struct seen *seen = context;

	seen->runs[part]++;
	seen->threads[part] = pthread_self();
}

static void check_runs(const struct seen *seen, unsigned parts)
{
	for (unsigned i = 0; i < PARALLEL_MAX; i++)
		ck_assert_int_eq(seen->runs[i], i < parts ? 1 : 0);
}

START_TEST(each_part_runs_once_in_a_thread_of_its_own)
	{
		const unsigned parts = (unsigned)_i;
		struct seen seen = { 0 };

		parallel_run(parts, see, &seen);
		check_runs(&seen, parts);
		ck_assert(pthread_equal(seen.threads[0], pthread_self()));
		for (unsigned i = 1; i < parts; i++)
			ck_assert(!pthread_equal(seen.threads[i], pthread_self()));
	}
END_TEST

START_TEST(parts_whose_threads_are_refused_run_in_the_calling_one)
	{
		struct seen seen = { 0 };

		refuses = true;
		parallel_run(PARALLEL_MAX, see, &seen);
		check_runs(&seen, PARALLEL_MAX);
		for (unsigned i = 0; i < PARALLEL_MAX; i++)
			ck_assert(pthread_equal(seen.threads[i], pthread_self()));
	}
END_TEST

START_TEST(work_is_only_divided_into_parts_that_pay)
	{
		ck_assert_uint_eq(parallel_parts(0, 10), 1);
		ck_assert_uint_eq(parallel_parts(19, 10), 1);
		ck_assert_uint_ge(parallel_parts(1 << 30, 10), 1);
		ck_assert_uint_le(parallel_parts(1 << 30, 10), PARALLEL_MAX);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("parallel");
	TCase *tcase = tcase_create("parallel");

	tcase_add_loop_test(tcase, each_part_runs_once_in_a_thread_of_its_own, 1, PARALLEL_MAX + 1);
	tcase_add_test(tcase, parts_whose_threads_are_refused_run_in_the_calling_one);
	tcase_add_test(tcase, work_is_only_divided_into_parts_that_pay);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
