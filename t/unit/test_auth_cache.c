/*
 * The auth cache: a login is found until its TTL ends or its row changes, and the oldest entries of
 * a full cache make room.
 */
#include <stdio.h>
#include <string.h>

#include "lib/auth/auth_cache.h"
#include "t/unit/unit.h"

static const uint8_t key[AUTH_CACHE_KEY_SIZE] = "a key of 31 bytes and its NUL..";
static const struct auth_cache_login bob = { "bob", "$6$salt$hash", "secret" };

START_TEST(remembers_until_the_ttl_ends)
	{
		struct auth_cache *cache = auth_cache_new(key, 100, 60);

		ck_assert(!auth_cache_has(cache, &bob, 1000));
		auth_cache_add(cache, &bob, 1000);
		ck_assert(auth_cache_has(cache, &bob, 1000));
		ck_assert(auth_cache_has(cache, &bob, 1059));
		ck_assert(!auth_cache_has(cache, &bob, 1060));
		auth_cache_add(cache, &bob, 1060);
		ck_assert(auth_cache_has(cache, &bob, 1100));
		ck_assert_uint_eq(auth_cache_count(cache, 1100), 1);
		ck_assert_uint_eq(auth_cache_count(cache, 2000), 0);
		auth_cache_free(&cache);
		auth_cache_free(&cache); /* accepts NULL */
	}
END_TEST

static const struct auth_cache_login others[] = {
	{ "bo", "$6$salt$hash", "secret" },
	{ "bob", "$6$salt$hash2", "secret" }, /* the row has changed */
	{ "bob", "$6$salt$hash", "secret2" },
	{ "bob", "$6$salt$hash", "" },
	{ "bob$6$salt$hash", "", "secret" }, /* texts are kept apart */
	{ "bob", "$6$salt$hashsecret", "" },
};

START_TEST(another_login_row_or_password_is_not_remembered)
	{
		struct auth_cache *cache = auth_cache_new(key, 100, 60);

		auth_cache_add(cache, &bob, 1);
		ck_assert(!auth_cache_has(cache, &others[_i], 1));
		auth_cache_free(&cache);
	}
END_TEST

START_TEST(a_ttl_of_0_remembers_nothing)
	{
		struct auth_cache *cache = auth_cache_new(key, 1, 0);

		auth_cache_add(cache, &bob, 1);
		ck_assert(!auth_cache_has(cache, &bob, 1));
		auth_cache_set_ttl(cache, 10);
		auth_cache_add(cache, &bob, 0);
		ck_assert(auth_cache_has(cache, &bob, 0 + 2));
		auth_cache_free(&cache);
	}
END_TEST

START_TEST(is_bounded_and_the_oldest_make_room)
	{
		struct auth_cache *cache = auth_cache_new(key, 64, 1000);
		char name[32];
		struct auth_cache_login login = { name, "h", "p" };
		size_t recent = 0;

		for (uint32_t i = 0; i < 10000; i++) {
			(void)snprintf(name, sizeof(name), "user%u", i);
			auth_cache_add(cache, &login, 1 + i / 100);
		}
		ck_assert_uint_eq(auth_cache_count(cache, 101), 64);
		for (uint32_t i = 9990; i < 10000; i++) {
			(void)snprintf(name, sizeof(name), "user%u", i);
			recent += auth_cache_has(cache, &login, 101);
		}
		ck_assert_uint_ge(recent, 5);
		auth_cache_free(&cache);
	}
END_TEST

START_TEST(a_long_password_is_remembered_whole)
	{
		struct auth_cache *cache = auth_cache_new(key, 64, 1000);
		char password[5000];
		const struct auth_cache_login login = { "bob", "h", password };

		memset(password, 'x', sizeof(password));
		password[4999] = '\0';
		auth_cache_add(cache, &login, 1);
		ck_assert(auth_cache_has(cache, &login, 1));
		password[4998] = 'y';
		ck_assert(!auth_cache_has(cache, &login, 1));
		auth_cache_free(&cache);
	}
END_TEST

static Suite *auth_cache_suite(void)
{
	Suite *suite = suite_create("auth_cache");
	TCase *tests = tcase_create("auth_cache");

	tcase_add_test(tests, remembers_until_the_ttl_ends);
	tcase_add_loop_test(tests, another_login_row_or_password_is_not_remembered, 0,
		(int)(sizeof(others) / sizeof(others[0])));
	tcase_add_test(tests, a_ttl_of_0_remembers_nothing);
	tcase_add_test(tests, is_bounded_and_the_oldest_make_room);
	tcase_add_test(tests, a_long_password_is_remembered_whole);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(auth_cache_suite)
