/*
 * Shows what a walk through the ledger sees: every live key with its usage, until the caller stops;
 * idle keys are freed on the way.
 */
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)

static struct ledger *ledger;

static void setup(void)
{
	ledger = ledger_new();
}

static void teardown(void)
{
	ledger_free(&ledger);
}

static void charge_key(uint64_t now, const char *key, uint32_t count, uint32_t seconds)
{
	const struct limit limit = { count, seconds };
	const struct ledger_request request = { key, strlen(key), &limit, 1, 1, 0, { 0, { 0 } } };
	struct ledger_usage usage;

	ck_assert_int_eq(ledger_charge(ledger, now, &request, 1, true, &usage), LEDGER_FREE);
}

START_TEST(the_size_is_that_of_all_shards)
	{
		size_t empty = ledger_size(ledger).bytes;
		char key[16];

		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
		for (unsigned i = 0; i < 1000; i++) {
			(void)snprintf(key, sizeof(key), "k%u", i);
			charge_key(5, key, 2, 60);
		}
		ck_assert_uint_eq(ledger_size(ledger).keys, 1000);
		ck_assert_uint_gt(ledger_size(ledger).bytes, empty + 1000 * 32);
		ck_assert_uint_eq(ledger_size(ledger).unsaved, 0);
	}
END_TEST

START_TEST(a_sweep_frees_one_shard_after_the_other)
	{
		size_t before;
		char key[16];

		for (unsigned i = 0; i < 1000; i++) {
			(void)snprintf(key, sizeof(key), "k%u", i);
			charge_key(5, key, 2, 60);
		}
		ledger_sweep(ledger, 6);
		ck_assert_uint_eq(ledger_size(ledger).keys, 1000);
		for (size_t i = 0; i < LEDGER_SHARDS; i++) {
			before = ledger_size(ledger).keys;
			ledger_sweep(ledger, 100 * SECOND);
			ck_assert_uint_lt(ledger_size(ledger).keys, before);
		}
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
	}
END_TEST

struct seen {
	size_t keys, windows;
	struct ledger_usage first;
	char key[64];
};

/* Stops after three keys. */
static int note_view(void *context, const struct ledger_view *view)
{
	struct seen *seen = context;

	seen->keys++;
	seen->first = view->windows[0];
	seen->windows = view->window_count;
	(void)snprintf(seen->key, sizeof(seen->key), "%s", view->key);
	return seen->keys == 3;
}

START_TEST(shows_keys_and_their_usage)
	{
		struct seen seen = { .keys = 0 };
		char key[16];

		for (unsigned i = 0; i < 5; i++) {
			(void)snprintf(key, sizeof(key), "k%u", i);
			charge_key(5, key, 2, 60);
		}
		ck_assert_int_eq(ledger_each(ledger, 6, note_view, &seen), 1);
		ck_assert_uint_eq(seen.keys, 3);
		seen.keys = 0;
		ck_assert(ledger_find(ledger, 6, "k2", 2, note_view, &seen));
		ck_assert_str_eq(seen.key, "k2");
		ck_assert_uint_eq(seen.first.used, 1);
		ck_assert_uint_eq(seen.first.limit.count, 2);
		ck_assert_uint_eq(seen.first.wait, 0);
		charge_key(6, "k2", 2, 60);
		ck_assert(ledger_find(ledger, 6, "k2", 2, note_view, &seen));
		ck_assert_uint_gt(seen.first.wait, 59 * SECOND);
		ck_assert(!ledger_find(ledger, 6, "none", 4, note_view, &seen));
		ck_assert(!ledger_find(ledger, 6 + 70 * SECOND, "k2", 2, note_view, &seen));
		ck_assert_int_eq(ledger_each(ledger, 80 * SECOND, note_view, &seen), 0);
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
	}
END_TEST

START_TEST(each_window_has_the_limit_of_the_latest_request)
	{
		struct seen seen = { .keys = 0 };

		charge_key(SECOND, "k", 5, 60);
		charge_key(SECOND, "k", 9, 60);
		charge_key(SECOND, "k", 7, 3600);
		ck_assert(ledger_find(ledger, SECOND, "k", 1, note_view, &seen));
		ck_assert_uint_eq(seen.windows, 2);
		ck_assert_uint_eq(seen.first.limit.count, 9);
		ck_assert_uint_eq(seen.first.used, 3);
	}
END_TEST

static Suite *ledger_walk_suite(void)
{
	Suite *suite = suite_create("ledger_walk");
	TCase *tcase = tcase_create("ledger_walk");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_size_is_that_of_all_shards);
	tcase_add_test(tcase, a_sweep_frees_one_shard_after_the_other);
	tcase_add_test(tcase, shows_keys_and_their_usage);
	tcase_add_test(tcase, each_window_has_the_limit_of_the_latest_request);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_walk_suite)
