#include <stdio.h>
#include <string.h>

#include "lib/auth/verified.h"
#include "t/unit/unit.h"

static const uint8_t key[VERIFIED_KEY_SIZE] = "a key of 31 bytes and its NUL..";
static const struct verified_login bob = { "bob", "$6$salt$hash", "secret" };

START_TEST(remembers_until_the_ttl_ends)
	{
		struct verified *verified = verified_new(key, 100, 60);

		ck_assert(!verified_has(verified, &bob, 1000));
		verified_add(verified, &bob, 1000);
		ck_assert(verified_has(verified, &bob, 1000));
		ck_assert(verified_has(verified, &bob, 1059));
		ck_assert(!verified_has(verified, &bob, 1060));
		verified_add(verified, &bob, 1060);
		ck_assert(verified_has(verified, &bob, 1100));
		ck_assert_uint_eq(verified_count(verified, 1100), 1);
		ck_assert_uint_eq(verified_count(verified, 2000), 0);
		verified_free(&verified);
		verified_free(&verified); /* takes NULL */
	}
END_TEST

static const struct verified_login others[] = {
	{ "bo", "$6$salt$hash", "secret" },
	{ "bob", "$6$salt$hash2", "secret" }, /* the row has changed */
	{ "bob", "$6$salt$hash", "secret2" },
	{ "bob", "$6$salt$hash", "" },
	{ "bob$6$salt$hash", "", "secret" }, /* texts don't run into each other */
	{ "bob", "$6$salt$hashsecret", "" },
};

START_TEST(another_login_row_or_password_is_not_remembered)
	{
		struct verified *verified = verified_new(key, 100, 60);

		verified_add(verified, &bob, 1);
		ck_assert(!verified_has(verified, &others[_i], 1));
		verified_free(&verified);
	}
END_TEST

START_TEST(a_ttl_of_0_remembers_nothing_and_clearing_forgets)
	{
		struct verified *verified = verified_new(key, 1, 0);

		verified_add(verified, &bob, 1);
		ck_assert(!verified_has(verified, &bob, 1));
		verified_set_ttl(verified, 10);
		verified_add(verified, &bob, 0);
		ck_assert(verified_has(verified, &bob, 0 + 2));
		verified_clear(verified);
		ck_assert(!verified_has(verified, &bob, 2));
		verified_free(&verified);
	}
END_TEST

START_TEST(is_bounded_and_the_oldest_make_room)
	{
		struct verified *verified = verified_new(key, 64, 1000);
		char name[32];
		struct verified_login login = { name, "h", "p" };
		size_t recent = 0;

		for (uint32_t i = 0; i < 10000; i++) {
			(void)snprintf(name, sizeof(name), "user%u", i);
			verified_add(verified, &login, 1 + i / 100);
		}
		ck_assert_uint_eq(verified_count(verified, 101), 64);
		for (uint32_t i = 9990; i < 10000; i++) {
			(void)snprintf(name, sizeof(name), "user%u", i);
			recent += verified_has(verified, &login, 101);
		}
		ck_assert_uint_ge(recent, 5);
		verified_free(&verified);
	}
END_TEST

START_TEST(a_long_password_is_remembered_whole)
	{
		struct verified *verified = verified_new(key, 64, 1000);
		char password[5000];
		const struct verified_login login = { "bob", "h", password };

		memset(password, 'x', sizeof(password));
		password[4999] = '\0';
		verified_add(verified, &login, 1);
		ck_assert(verified_has(verified, &login, 1));
		password[4998] = 'y';
		ck_assert(!verified_has(verified, &login, 1));
		verified_free(&verified);
	}
END_TEST

static Suite *verified_suite(void)
{
	Suite *suite = suite_create("verified");
	TCase *tests = tcase_create("verified");

	tcase_add_test(tests, remembers_until_the_ttl_ends);
	tcase_add_loop_test(tests, another_login_row_or_password_is_not_remembered, 0,
		(int)(sizeof(others) / sizeof(others[0])));
	tcase_add_test(tests, a_ttl_of_0_remembers_nothing_and_clearing_forgets);
	tcase_add_test(tests, is_bounded_and_the_oldest_make_room);
	tcase_add_test(tests, a_long_password_is_remembered_whole);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(verified_suite)
