/*
 * Shows that calls of other threads run in the server thread in their order, and what becomes of
 * waiting calls when it ends.
 */
#include <sched.h>
#include <stdatomic.h>

#include "milter/loop/server.h"
#include "t/unit/unit.h"

#define CALLS 1000

static struct server *server;
static int order[CALLS];
static atomic_int called;

static void record_call(void *argument)
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
			ck_assert_int_eq(server_call(server, record_call, &numbers[i]), 0);
		}
		server_stop(server); /* runs the waiting calls first */
		ck_assert_int_eq(atomic_load(&called), CALLS);
		for (int i = 0; i < CALLS; i++)
			ck_assert_int_eq(order[i], i);
		ck_assert_int_eq(server_call(server, record_call, &numbers[0]), -1);
		server_free(&server);
		ck_assert_ptr_null(server);
		server_free(&server);
	}
END_TEST

START_TEST(a_server_that_never_ran_drops_its_calls)
	{
		struct errmsg err;
		int number = 1;

		atomic_store(&called, 0);
		ck_assert_int_eq(server_new(&server, &err), 0);
		ck_assert_int_eq(server_call(server, record_call, &number), 0);
		server_stop(server);
		server_free(&server);
		ck_assert_int_eq(atomic_load(&called), 0);
	}
END_TEST

static void count_call(void *argument)
{
	atomic_fetch_add((atomic_int *)argument, 1);
}

START_TEST(a_timer_repeats_its_call)
	{
		static atomic_int count;
		struct errmsg err;

		atomic_store(&count, 0);
		ck_assert_int_eq(server_new(&server, &err), 0);
		ck_assert_int_eq(server_every(server, 1, count_call, &count, &err), 0);
		ck_assert_int_eq(server_start(server, &err), 0);
		while (atomic_load(&count) < 3) /* until Check ends the test */
			(void)sched_yield();
		server_stop(server);
		server_free(&server);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("server");
	TCase *tcase = tcase_create("server");

	tcase_add_test(tcase, calls_run_in_the_server_thread_in_their_order);
	tcase_add_test(tcase, a_server_that_never_ran_drops_its_calls);
	tcase_add_test(tcase, a_timer_repeats_its_call);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
