/*
 * Shows that the open connections of each client are counted separately, also when several threads
 * enter and leave at once.
 */
#include "milter/shared/open_clients.h"

#include <pthread.h>
#include <stdio.h>

#include "t/unit/unit.h"

START_TEST(counts_each_client_separately)
	{
		struct open_clients *clients = open_clients_new();
		const char *const a = "concurrency:192.0.2.7", *const b = "concurrency:192.0.2.8";
		const char *const c = "concurrency:2001:db8::/64",
				  *const d = "concurrency:2001:db8::/56";

		ck_assert_uint_eq(open_clients_enter(clients, a), 1);
		ck_assert_uint_eq(open_clients_enter(clients, a), 2);
		ck_assert_uint_eq(open_clients_enter(clients, b), 1);
		ck_assert_uint_eq(open_clients_enter(clients, c), 1);
		ck_assert_uint_eq(open_clients_enter(clients, d), 1);
		open_clients_leave(clients, a);
		ck_assert_uint_eq(open_clients_enter(clients, a), 2);
		open_clients_leave(clients, b);
		open_clients_leave(clients, b); /* more often than it entered */
		ck_assert_uint_eq(open_clients_enter(clients, b), 1);
		open_clients_free(&clients);
		open_clients_free(&clients);
	}
END_TEST

static struct open_clients *crowd;

static void *enter_and_leave(void *unused)
{
	char client[] = "concurrency:192.0.0.0";

	(void)unused;
	for (unsigned i = unit_times(20000); i > 0; i--) {
		client[sizeof(client) - 2] = (char)('0' + i % 5);
		ck_assert_uint_gt(open_clients_enter(crowd, client), 0);
		open_clients_leave(crowd, client);
	}
	return NULL;
}

START_TEST(threads_enter_and_leave)
	{
		pthread_t threads[4];

		crowd = open_clients_new();
		for (size_t i = 0; i < 4; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, enter_and_leave, NULL),
				0);
		for (size_t i = 0; i < 4; i++)
			(void)pthread_join(threads[i], NULL);
		ck_assert_uint_eq(open_clients_enter(crowd, "concurrency:192.0.0.0"), 1);
		open_clients_free(&crowd);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("open_clients");
	TCase *tcase = tcase_create("open_clients");

	tcase_add_test(tcase, counts_each_client_separately);
	tcase_add_test(tcase, threads_enter_and_leave);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
