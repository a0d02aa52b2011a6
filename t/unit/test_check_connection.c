/*
 * Shows how connections are limited: how many in a time, how many at once, and who is exempt from
 * both.
 */
#include <string.h>

#include "t/unit/lib/made_limits.h"
#include "t/unit/unit.h"

static struct made_limits t;

static void setup(void)
{
	made_limits_begin(&t);
}

static void teardown(void)
{
	made_limits_end(&t);
}

START_TEST(connections_are_charged_when_they_come)
	{
		made_limits_rate(&t, RATE_CONN, "default", "2/1m");
		made_limits_rate(&t, RATE_CONN, "127", "0");
		made_limits_have(&t, NULL);
		ck_assert_str_eq(made_limits_connect(&t, "192.0.2.7"),
			"accept; rates=pass([limit rate_conn] default) used=1/2 window=1m next=0s");
		ck_assert_ptr_nonnull(strstr(made_limits_connect(&t, "192.0.2.7"), "accept"));
		ck_assert_str_eq(made_limits_connect(&t, "192.0.2.7"),
			"tempfail 450 4.7.1 Connection rate limit 2/1m reached, next in 1m; "
			"rates=fail([limit rate_conn] default) used=2/2 window=1m next=1m");
		ck_assert_ptr_nonnull(strstr(made_limits_connect(&t, "192.0.2.8"), "accept"));
		for (int i = 0; i < 5; i++)
			ck_assert_str_eq(made_limits_connect(&t, "127.0.0.1"), "accept");
		t.looks = true;
		ck_assert_ptr_nonnull(strstr(made_limits_connect(&t, "192.0.2.7"), "tempfail 450"));
		ck_assert_ptr_nonnull(strstr(made_limits_connect(&t, "192.0.2.9"), "used=0/2"));
	}
END_TEST

START_TEST(a_client_may_have_a_number_of_connections_at_once)
	{
		made_limits_rate(&t, RATE_CONCURRENCY, "max", "3");
		made_limits_rate(&t, RATE_CONCURRENCY, "192.0.2.9", "0");
		made_limits_have(&t, NULL);
		t.facts.counted = "concurrency:192.0.2.7";
		t.facts.open = 3;
		ck_assert_str_eq(made_limits_connect(&t, "192.0.2.7"), "accept");
		t.facts.open = 4;
		ck_assert_str_eq(made_limits_connect(&t, "192.0.2.7"),
			"tempfail 450 4.7.1 Too many connections at once: at most 3; "
			"rates=fail([limit concurrency] default)");
		t.facts.counted = "concurrency:192.0.2.0/24"; /* before a reload */
		ck_assert_str_eq(made_limits_connect(&t, "192.0.2.7"), "accept");
		t.facts.counted = "concurrency:192.0.2.9";
		ck_assert_str_eq(made_limits_connect(&t, "192.0.2.9"), "accept");
	}
END_TEST

START_TEST(exempt_clients_logins_and_senders_are_not_limited)
	{
		struct errmsg err;

		made_limits_rate(&t, RATE_CONN, "default", "1/1m");
		made_limits_rate(&t, RATE_RCPT, "default", "1/1m");
		ck_assert_int_eq(rates_exempt_network(t.made.settings->rates, "192.0.2.0/24", &err),
			0);
		ck_assert_int_eq(rates_exempt_login(t.made.settings->rates, "bob", &err), 0);
		ck_assert_int_eq(rates_exempt_sender(t.made.settings->rates, "news@example.com",
					 &err),
			0);
		made_limits_have(&t, "2/5m");
		for (int i = 0; i < 3; i++)
			ck_assert_str_eq(made_limits_connect(&t, "192.0.2.7"), "accept");
		ck_assert_ptr_nonnull(strstr(made_limits_connect(&t, "198.51.100.7"), "used=1/1"));
		ck_assert_ptr_nonnull(strstr(made_limits_connect(&t, "198.51.100.7"), "tempfail"));
		for (int i = 0; i < 3; i++) { /* no login yet */
			made_limits_sender(&t, "<news@example.com>");
			ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"), "accept");
		}
		t.facts.login = "bob";
		made_limits_sender(&t, "<bob@example.com>");
		for (int i = 0; i < 3; i++) /* the profile limits bob nevertheless */
			ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"),
				i < 2 ? "accept" : "Rate limit 2/5m"));
	}
END_TEST

/* bob and bob@default_domain are one login. */
START_TEST(a_login_is_exempt_in_both_spellings)
	{
		static const char *const exempt[] = { "bob", "bob@example.com" };
		static const char *const logins[] = { "bob", "BOB", "bob@example.com",
			"Bob@Example.Com" };
		struct errmsg err;

		t.made.settings->default_domain = "example.com";
		made_limits_rate(&t, RATE_RCPT, "default", "1/1m");
		ck_assert_int_eq(rates_exempt_login(t.made.settings->rates, exempt[_i], &err), 0);
		made_limits_have(&t, NULL);
		made_limits_sender(&t, "<bob@example.com>");
		for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
			t.facts.login = logins[i];
			for (int j = 0; j < 2; j++)
				ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"), "accept");
		}
		t.facts.login = NULL;
		(void)made_limits_rcpt(&t, "<x@example.org>");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "tempfail"));
	}
END_TEST

static Suite *check_connection_suite(void)
{
	Suite *suite = suite_create("check_connection");
	TCase *tcase = tcase_create("check_connection");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, connections_are_charged_when_they_come);
	tcase_add_test(tcase, a_client_may_have_a_number_of_connections_at_once);
	tcase_add_test(tcase, exempt_clients_logins_and_senders_are_not_limited);
	tcase_add_loop_test(tcase, a_login_is_exempt_in_both_spellings, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(check_connection_suite)
