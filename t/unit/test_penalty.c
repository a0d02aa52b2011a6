/*
 * The auth penalty: delays by login and by network, forgiving by time and success, resetting, and
 * the bounds of the tables.
 */
#include <stdio.h>

#include "lib/auth/penalty.h"
#include "t/unit/unit.h"

static struct cidr client_of(const char *text)
{
	struct cidr client;

	ck_assert_int_eq(cidr_parse(text, &client, NULL), 0);
	return client;
}

START_TEST(a_login_is_delayed_from_its_second_failure_on)
	{
		static const uint32_t want[] = { 0, 500, 1000, 2000, 4000, 4500, 4500, 4500 };
		struct penalty *penalty = penalty_new(100);
		const struct cidr nobody = { .family = AF_UNSPEC };

		for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
			ck_assert_uint_eq(penalty_failed(penalty, &nobody,
						  i % 2 == 0 ? "bob" : "BOB", 100),
				want[i]);
		ck_assert_uint_eq(penalty_failed(penalty, &nobody, "alice", 100), 0);
		ck_assert_uint_eq(penalty_failed(penalty, &nobody, "", 100), 0);
		penalty_free(&penalty);
		penalty_free(&penalty); /* accepts NULL */
	}
END_TEST

/* A network is one address of IPv4, or a /64 of IPv6. */
static const struct {
	const char *first, *second;
	bool same;
} networks[] = {
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.8", false },
	{ "2001:db8::1", "2001:db8::ffff:1", true },
	{ "2001:db8:0:1::1", "2001:db8::1", false },
};

START_TEST(a_network_is_delayed_whatever_the_logins)
	{
		struct penalty *penalty = penalty_new(100);
		const struct cidr first = client_of(networks[_i].first),
				  second = client_of(networks[_i].second);
		char login[32];

		for (int i = 0; i < 10; i++) {
			(void)snprintf(login, sizeof(login), "user%d", i);
			ck_assert_uint_eq(penalty_failed(penalty, &first, login, 100) > 0, i >= 3);
		}
		ck_assert_uint_eq(penalty_failed(penalty, &second, "other", 100) > 0,
			networks[_i].same);
		penalty_free(&penalty);
	}
END_TEST

START_TEST(time_forgives_a_failure_a_minute)
	{
		struct penalty *penalty = penalty_new(100);
		const struct cidr nobody = { .family = AF_UNSPEC };
		size_t found_networks, found_logins;

		for (int i = 0; i < 1000; i++)
			(void)penalty_failed(penalty, &nobody, "bob", 100);
		ck_assert_uint_eq(penalty_failed(penalty, &nobody, "bob", 100), PENALTY_MAX_MS);
		penalty_count(penalty, 100, &found_networks, &found_logins);
		ck_assert_uint_eq(found_networks, 0);
		ck_assert_uint_eq(found_logins, 1);
		penalty_count(penalty, 100 + 60 * PENALTY_FORGIVE, &found_networks, &found_logins);
		ck_assert_uint_eq(found_logins, 0);
		ck_assert_uint_eq(penalty_failed(penalty, &nobody, "bob",
					  100 + 58 * PENALTY_FORGIVE),
			1000);
		ck_assert_uint_eq(penalty_failed(penalty, &nobody, "bob",
					  100 + 200 * PENALTY_FORGIVE),
			0);
		penalty_free(&penalty);
	}
END_TEST

START_TEST(a_success_forgives_the_login_and_half_of_the_network)
	{
		struct penalty *penalty = penalty_new(100);
		const struct cidr client = client_of("192.0.2.7"), nobody = { .family = AF_UNSPEC };

		for (int i = 0; i < 8; i++)
			(void)penalty_failed(penalty, &client, "bob", 100);
		penalty_succeeded(penalty, &client, "Bob", 100);
		ck_assert_uint_eq(penalty_failed(penalty, &nobody, "bob", 100), 0);
		ck_assert_uint_eq(penalty_failed(penalty, &client, "alice", 100),
			1000); /* the fifth */
		penalty_free(&penalty);
	}
END_TEST

START_TEST(resets_one_or_all)
	{
		struct penalty *penalty = penalty_new(100);
		const struct cidr client = client_of("192.0.2.7");
		size_t found_networks, found_logins;

		(void)penalty_failed(penalty, &client, "bob", 100);
		(void)penalty_failed(penalty, &client, "alice", 100);
		ck_assert_uint_eq(penalty_reset(penalty, NULL, "bob"), 1);
		ck_assert_uint_eq(penalty_reset(penalty, NULL, "bob"), 0);
		ck_assert_uint_eq(penalty_reset(penalty, &client, NULL), 1);
		penalty_count(penalty, 100, &found_networks, &found_logins);
		ck_assert_uint_eq(found_networks, 0);
		ck_assert_uint_eq(found_logins, 1);
		ck_assert_uint_eq(penalty_reset(penalty, NULL, NULL), 1);
		penalty_free(&penalty);
	}
END_TEST

START_TEST(is_bounded_and_forgets_the_least_guilty)
	{
		struct penalty *penalty = penalty_new(64);
		const struct cidr nobody = { .family = AF_UNSPEC };
		size_t found_networks, found_logins;
		char login[32];

		for (int i = 0; i < 10; i++)
			(void)penalty_failed(penalty, &nobody, "bob", 100);
		for (int i = 0; i < 100000; i++) {
			(void)snprintf(login, sizeof(login), "user%d", i);
			(void)penalty_failed(penalty, &nobody, login, 100);
		}
		penalty_count(penalty, 100, &found_networks, &found_logins);
		ck_assert_uint_le(found_logins, 64);
		ck_assert_uint_eq(penalty_failed(penalty, &nobody, "bob", 100), PENALTY_MAX_MS);
		penalty_free(&penalty);
	}
END_TEST

static Suite *penalty_suite(void)
{
	Suite *suite = suite_create("penalty");
	TCase *tests = tcase_create("penalty");

	tcase_add_test(tests, a_login_is_delayed_from_its_second_failure_on);
	tcase_add_loop_test(tests, a_network_is_delayed_whatever_the_logins, 0,
		(int)(sizeof(networks) / sizeof(networks[0])));
	tcase_add_test(tests, time_forgives_a_failure_a_minute);
	tcase_add_test(tests, a_success_forgives_the_login_and_half_of_the_network);
	tcase_add_test(tests, resets_one_or_all);
	tcase_add_test(tests, is_bounded_and_forgets_the_least_guilty);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(penalty_suite)
