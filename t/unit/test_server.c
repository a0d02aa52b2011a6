#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "milter/loop/server.h"
#include "milter/loop/workers.h"
#include "t/unit/unit.h"

#define CALLS 1000

static struct server *server;
static int order[CALLS];
static atomic_int called;

static void note(void *argument)
{
	order[atomic_load(&called)] = *(int *)argument;
	atomic_fetch_add(&called, 1);
}

START_TEST(calls_run_in_the_server_thread_in_their_order)
	{
		static int numbers[CALLS];
		struct errmsg err;

		atomic_store(&called, 0);
		ck_assert_int_eq(server_new(&server, &err), 0);
		for (int i = 0; i < CALLS; i++) {
			numbers[i] = i;
			if (i == CALLS / 2)
				ck_assert_int_eq(server_start(server, &err), 0);
			ck_assert_int_eq(server_call(server, note, &numbers[i]), 0);
		}
		server_stop(server); /* after those that wait */
		ck_assert_int_eq(atomic_load(&called), CALLS);
		for (int i = 0; i < CALLS; i++)
			ck_assert_int_eq(order[i], i);
		ck_assert_int_eq(server_call(server, note, &numbers[0]), -1);
		server_free(&server);
		ck_assert_ptr_null(server);
		server_free(&server);
	}
END_TEST

START_TEST(a_server_that_never_ran_goes_quietly)
	{
		struct errmsg err;
		int number = 1;

		atomic_store(&called, 0);
		ck_assert_int_eq(server_new(&server, &err), 0);
		ck_assert_int_eq(server_call(server, note, &number), 0);
		server_stop(server);
		server_free(&server);
		ck_assert_int_eq(atomic_load(&called), 0);
	}
END_TEST

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int done;

static void work_behind_gate(void *argument)
{
	(void)argument;
	(void)pthread_mutex_lock(&gate);
	(void)pthread_mutex_unlock(&gate);
	atomic_fetch_add(&done, 1);
}

START_TEST(workers_take_what_fits_and_finish_it)
	{
		const struct work work = { .run = work_behind_gate };
		struct workers *workers;
		struct errmsg err;
		int taken = 0;

		atomic_store(&done, 0);
		ck_assert_int_eq(workers_start(2, 3, &workers, &err), 0);
		(void)pthread_mutex_lock(&gate);
		for (int i = 0; i < 100; i++)
			taken += workers_add(workers, &work) == 0;
		ck_assert_int_ge(taken, 3); /* the queue, */
		ck_assert_int_le(taken, 5); /* and what the workers took out of it */
		(void)pthread_mutex_unlock(&gate);
		workers_stop(&workers);
		ck_assert_int_eq(atomic_load(&done), taken);
		ck_assert_ptr_null(workers);
		workers_stop(&workers);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("server");
	TCase *tcase = tcase_create("server");

	tcase_add_test(tcase, calls_run_in_the_server_thread_in_their_order);
	tcase_add_test(tcase, a_server_that_never_ran_goes_quietly);
	tcase_add_test(tcase, workers_take_what_fits_and_finish_it);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
