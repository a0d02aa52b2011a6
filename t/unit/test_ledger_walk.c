/*
 * Shows what a walk through the ledger sees: every live key with its usage, until the caller stops;
 * idle keys are freed on the way.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rules/ledger_private.h"
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

/* ---- while others charge ------------------------------------------------------------- */

#define CROWD 20000

static unsigned crowd; /* CROWD, or fewer under memcheck */

/* A walk through a crowd of keys, during which another thread adds as many. */
struct crowd_walk {
	unsigned visits[CROWD];
	unsigned count, in_a_row, most_in_a_row;
	const struct ledger_shard *shard; /* of the latest key */
};

static const struct ledger_shard *shard_of_key(const char *key)
{
	return ledger_shard_of(ledger, ledger_hash(key, strlen(key)));
}

static void charge_crowd(const char *prefix, const struct ledger_shard *except)
{
	char key[24];

	for (unsigned i = 0; i < crowd; i++) {
		(void)snprintf(key, sizeof(key), "%s%u", prefix, i);
		if (shard_of_key(key) != except)
			charge_key(5, key, 2, 60);
	}
}

static void *charge_newcomers(void *except)
{
	charge_crowd("new", except);
	return NULL;
}

static int visit_crowd(void *context, const struct ledger_view *view)
{
	struct crowd_walk *walk = context;
	const struct ledger_shard *shard = shard_of_key(view->key);
	pthread_t thread;

	walk->in_a_row = shard == walk->shard ? walk->in_a_row + 1 : 1;
	walk->shard = shard;
	if (walk->in_a_row > walk->most_in_a_row)
		walk->most_in_a_row = walk->in_a_row;
	if (view->key[0] == 'o')
		walk->visits[strtoul(view->key + 3, NULL, 10)]++;
	/* Within each shard, all tables grow, except that whose lock is held. */
	if (++walk->count == crowd / 3) {
		ck_assert_int_eq(pthread_create(&thread, NULL, charge_newcomers, (void *)shard), 0);
		(void)pthread_join(thread, NULL);
	}
	return 0;
}

START_TEST(a_walk_visits_each_key_once_though_the_tables_grow)
	{
		struct crowd_walk *walk = calloc(1, sizeof(*walk));
		size_t buckets;

		ck_assert_ptr_nonnull(walk);
		charge_crowd("old", NULL);
		buckets = ledger->shards[LEDGER_SHARDS - 1].bucket_count;
		ck_assert_int_eq(ledger_each(ledger, 6, visit_crowd, walk), 0);
		ck_assert_uint_gt(ledger->shards[LEDGER_SHARDS - 1].bucket_count, buckets);
		for (unsigned i = 0; i < crowd; i++)
			ck_assert_uint_eq(walk->visits[i], 1);
		free(walk);
	}
END_TEST

/* A decision waits for a few keys of a shard, not for all. */
START_TEST(a_walk_holds_a_lock_for_few_keys)
	{
		struct crowd_walk *walk = calloc(1, sizeof(*walk));

		ck_assert_ptr_nonnull(walk);
		charge_crowd("old", NULL);
		walk->count = crowd; /* nobody is added */
		(void)ledger_each(ledger, 6, visit_crowd, walk);
		ck_assert_uint_eq(walk->count, 2 * crowd);
		ck_assert_uint_lt(walk->most_in_a_row, crowd / LEDGER_SHARDS / 2);
		free(walk);
	}
END_TEST

START_TEST(sweeps_in_turn_free_all_idle_keys)
	{
		char key[16];

		for (unsigned i = 0; i < 1000; i++) {
			(void)snprintf(key, sizeof(key), "k%u", i);
			charge_key(5, key, 2, 60);
		}
		ledger_sweep(ledger, 6);
		ck_assert_uint_eq(ledger_size(ledger).keys, 1000);
		ledger_sweep(ledger, 100 * SECOND);
		ck_assert_uint_lt(ledger_size(ledger).keys, 1000);
		ck_assert_uint_gt(ledger_size(ledger).keys, 500);
		for (size_t i = 1; i < LEDGER_SHARDS; i++)
			ledger_sweep(ledger, 100 * SECOND);
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

	crowd = unit_times_or(CROWD, 10000);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_size_is_that_of_all_shards);
	tcase_add_test(tcase, sweeps_in_turn_free_all_idle_keys);
	tcase_add_test(tcase, a_walk_visits_each_key_once_though_the_tables_grow);
	tcase_add_test(tcase, a_walk_holds_a_lock_for_few_keys);
	tcase_add_test(tcase, shows_keys_and_their_usage);
	tcase_add_test(tcase, each_window_has_the_limit_of_the_latest_request);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_walk_suite)
