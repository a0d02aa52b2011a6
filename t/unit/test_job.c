/*
 * Shows that work is done in another thread, and that nobody waits for work that never ends.
 * t/unit/test_list_reader.c shows what becomes of a result.
 */
#include "milter/loop/job.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/conf/file_wait.h"
#include "milter/loop/clock.h"
#include "t/unit/unit.h"

#define WAIT_MS 20000

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* the work waits for it */
static atomic_int freed;
static int wake_fd;

struct work {
	pthread_t thread;
};

static void run(void *context)
{
	struct work *work = context;

	work->thread = pthread_self();
	file_wait_begin("/a/path");
	(void)pthread_mutex_lock(&gate);
	(void)pthread_mutex_unlock(&gate);
	file_wait_end();
}

static void release(void *context)
{
	free(context);
	(void)atomic_fetch_add(&freed, 1);
}

static struct job *start(void)
{
	static const struct job_work how = { "work", run, release, NULL };
	struct work *work = calloc(1, sizeof(*work));
	struct job *job;

	ck_assert_ptr_nonnull(work);
	job = job_start(&how, work, wake_fd);
	ck_assert_ptr_nonnull(job);
	ck_assert_int_eq(job_refused(job), 0);
	ck_assert_int_le(job_begun(job), clock_ms());
	return job;
}

static void set_up(void)
{
	freed = 0;
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(wake_fd, 0);
}

static void tear_down(void)
{
	(void)close(wake_fd);
}

START_TEST(work_is_done_in_another_thread)
	{
		struct job *job = start();
		struct work *work;
		uint64_t woken = 0;

		ck_assert(job_wait(job, clock_ms() + WAIT_MS));
		ck_assert_int_eq(read(wake_fd, &woken, sizeof(woken)), sizeof(woken));
		ck_assert_uint_eq(woken, 1);
		work = job_finish(&job);
		ck_assert_ptr_null(job);
		ck_assert(!pthread_equal(work->thread, pthread_self()));
		ck_assert_int_eq(freed, 0);
		release(work);
	}
END_TEST

START_TEST(work_that_does_not_end_is_not_waited_for)
	{
		const struct timespec pause = { 0, 1000000 };
		struct job *job;
		uint64_t woken;

		(void)pthread_mutex_lock(&gate);
		job = start();
		ck_assert(!job_wait(job, clock_ms() + 20));
		job_abandon(&job);
		ck_assert_ptr_null(job);
		ck_assert_int_eq(freed, 0);
		(void)pthread_mutex_unlock(&gate);
		for (int waited = 0; freed == 0; waited++) {
			ck_assert_int_lt(waited, WAIT_MS);
			(void)nanosleep(&pause, NULL);
		}
		ck_assert_int_eq(read(wake_fd, &woken, sizeof(woken)), -1); /* not woken */
	}
END_TEST

START_TEST(the_path_is_known_for_which_work_waits)
	{
		const struct timespec pause = { 0, 1000000 };
		const int64_t before = clock_ms();
		char path[JOB_PATH_SIZE];
		struct job *job;
		int64_t since;

		(void)pthread_mutex_lock(&gate);
		job = start();
		for (int waited = 0; (since = job_waits(job, path)) == 0; waited++) {
			ck_assert_int_lt(waited, WAIT_MS);
			(void)nanosleep(&pause, NULL);
		}
		ck_assert_str_eq(path, "/a/path");
		ck_assert_int_ge(since, before);
		(void)pthread_mutex_unlock(&gate);
		ck_assert(job_wait(job, clock_ms() + WAIT_MS));
		ck_assert_int_eq(job_waits(job, path), 0);
		release(job_finish(&job));
	}
END_TEST

START_TEST(work_that_has_ended_can_be_abandoned)
	{
		struct job *job = start();

		ck_assert(job_wait(job, clock_ms() + WAIT_MS));
		job_abandon(&job);
		ck_assert_int_eq(freed, 1);
		job_abandon(&job); /* none */
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("job");
	TCase *tcase = tcase_create("job");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, work_is_done_in_another_thread);
	tcase_add_test(tcase, work_that_does_not_end_is_not_waited_for);
	tcase_add_test(tcase, the_path_is_known_for_which_work_waits);
	tcase_add_test(tcase, work_that_has_ended_can_be_abandoned);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
