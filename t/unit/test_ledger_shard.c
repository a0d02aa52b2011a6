/*
 * Shows a shard of the ledger: its hash table, the counters of its keys, and that its memory is
 * counted to the byte.
 */
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger_private.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)

static struct ledger *ledger;
static struct ledger_shard *shard;
static const struct ledger_origin no_origin = { .family = 0 };

static void setup(void)
{
	ledger = ledger_new();
	shard = &ledger->shards[0];
}

static void teardown(void)
{
	ledger_free(&ledger);
}

static struct ledger_entry *add_key(const char *key)
{
	return shard_add(shard, ledger_hash(key, strlen(key)), key, strlen(key), &no_origin, 0);
}

static struct ledger_entry *find_key(const char *key)
{
	return shard_find(shard, ledger_hash(key, strlen(key)), key, strlen(key));
}

static struct counter *charge_entry(struct ledger_entry **entry, uint32_t seconds, uint64_t now)
{
	struct counter *counter = entry_counter(shard, entry, seconds, now);

	ck_assert_ptr_nonnull(counter);
	ck_assert_int_eq(entry_make_room(shard, *entry, now), 0);
	counter->named = (uint32_t)(now / SECOND);
	entry_add(*entry, now, 1);
	return counter;
}

START_TEST(keys_are_found_as_the_table_grows)
	{
		char key[16];

		ck_assert_ptr_null(find_key("k0"));
		for (unsigned i = 0; i < 5000; i++) {
			(void)snprintf(key, sizeof(key), "k%u", i);
			ck_assert_ptr_nonnull(add_key(key));
		}
		ck_assert_uint_eq(shard->entry_count, 5000);
		ck_assert_uint_ge(shard->bucket_count, 4096);
		for (unsigned i = 0; i < 5000; i++) {
			(void)snprintf(key, sizeof(key), "k%u", i);
			ck_assert_str_eq(entry_key(find_key(key)), key);
		}
		ck_assert_ptr_null(find_key("k5000"));
	}
END_TEST

START_TEST(keys_with_the_same_hash_are_distinct)
	{
		struct ledger_entry *a = shard_add(shard, 42, "a", 1, &no_origin, 0);
		struct ledger_entry *ab = shard_add(shard, 42, "ab", 2, &no_origin, 0);

		ck_assert_ptr_eq(shard_find(shard, 42, "a", 1), a);
		ck_assert_ptr_eq(shard_find(shard, 42, "ab", 2), ab);
		shard_remove(shard, a);
		ck_assert_ptr_null(shard_find(shard, 42, "a", 1));
		ck_assert_ptr_eq(shard_find(shard, 42, "ab", 2), ab);
	}
END_TEST

START_TEST(removing_a_key_frees_all_its_memory)
	{
		struct ledger_entry *entry = add_key("k");
		size_t table = shard->bucket_count * sizeof(void *);

		for (uint64_t i = 0; i < 200; i++) {
			(void)charge_entry(&entry, 60, i * SECOND);
			(void)charge_entry(&entry, 3600, i * SECOND);
		}
		ck_assert_uint_gt(shard->bytes, table + 64 * sizeof(struct counter_run));
		shard_remove(shard, entry);
		ck_assert_uint_eq(shard->bytes, table);
		ck_assert_uint_eq(shard->entry_count, 0);
	}
END_TEST

START_TEST(a_sweep_frees_only_idle_keys)
	{
		struct ledger_entry *idle = add_key("idle"), *busy = add_key("busy");

		(void)charge_entry(&idle, 60, SECOND);
		(void)charge_entry(&busy, 60, 90 * SECOND);
		shard_sweep(shard, 100 * SECOND, shard->bucket_count);
		ck_assert_ptr_null(find_key("idle"));
		ck_assert_ptr_nonnull(find_key("busy"));
	}
END_TEST

START_TEST(a_window_has_one_counter)
	{
		struct ledger_entry *entry = add_key("k");

		(void)charge_entry(&entry, 60, SECOND);
		(void)charge_entry(&entry, 60, SECOND);
		ck_assert_uint_eq(entry->count, 1);
		(void)charge_entry(&entry, 3600, SECOND);
		ck_assert_uint_eq(entry->count, 2);
		ck_assert_uint_eq(counter_used(entry_best(entry, 60), 60, SECOND), 3);
	}
END_TEST

START_TEST(the_best_counter_is_its_own_or_the_longest)
	{
		struct ledger_entry *entry = add_key("k");

		ck_assert_ptr_null(entry_best(entry, 60));
		(void)charge_entry(&entry, 60, SECOND);
		(void)charge_entry(&entry, 7200, SECOND);
		(void)charge_entry(&entry, 3600, SECOND);
		ck_assert_uint_eq(entry_best(entry, 60)->seconds, 60);
		ck_assert_uint_eq(entry_best(entry, 5)->seconds, 7200);
		ck_assert_uint_eq(entry_best(entry, 86400)->seconds, 7200);
	}
END_TEST

START_TEST(an_unused_window_is_removed_after_its_length)
	{
		struct ledger_entry *entry = add_key("k");

		(void)charge_entry(&entry, 3600, SECOND);
		(void)charge_entry(&entry, 60, SECOND);
		(void)charge_entry(&entry, 3600, 50 * SECOND);
		(void)charge_entry(&entry, 7200, 50 * SECOND);
		ck_assert_uint_eq(entry->count, 3);
		(void)charge_entry(&entry, 10,
			90 * SECOND); /* the window of a minute is unused for 89 s */
		ck_assert_uint_eq(entry->count, 3);
		ck_assert_uint_eq(entry_best(entry, 60)->seconds, 7200);
	}
END_TEST

START_TEST(the_longest_unused_window_makes_room_for_the_17th)
	{
		struct ledger_entry *entry = add_key("k");

		for (uint32_t i = 0; i < LEDGER_WINDOWS_MAX + 1; i++)
			(void)charge_entry(&entry, 1000 + i, (5 + i) * SECOND);
		ck_assert_uint_eq(entry->count, LEDGER_WINDOWS_MAX);
		ck_assert_uint_ne(entry_best(entry, 1000)->seconds, 1000);
		ck_assert_uint_eq(entry_best(entry, 1001)->seconds, 1001);
		ck_assert_uint_eq(counter_used(entry_best(entry, 1016), 1016, 21 * SECOND), 17);
	}
END_TEST

/* ---- the bound of bytes ---------------------------------------------------------------- */

#define BOUND ((size_t)2048 * LEDGER_SHARDS)
#define TIMES 40u

/* Charge a key of a network (0: a login) at that time. */
static bool charge_key(const char *key, uint8_t network, uint64_t now)
{
	static const struct limit limit = { TIMES, 3600 };
	const struct ledger_request request = { .key = key,
		.key_len = strlen(key),
		.limits = &limit,
		.limit_count = 1,
		.amount = 1,
		.attempts = 10,
		.origin = { network == 0 ? 0 : 4, { network == 0 ? 0 : 10, 0, network } } };
	struct ledger_usage usage;

	return ledger_charge(ledger, now, &request, 1, true, &usage) == LEDGER_FREE;
}

static int copy_used(void *context, const struct ledger_view *view)
{
	*(uint64_t *)context = view->windows[0].used;
	return 0;
}

static uint64_t used(const char *key, uint64_t now)
{
	uint64_t amount = 0;

	(void)ledger_find(ledger, now, key, strlen(key), copy_used, &amount);
	return amount;
}

/* Keys above half of their limit, which are never removed, take no more memory once the ledger
 * exceeds its bound, and still count every charge. */
START_TEST(keys_that_stay_keep_to_the_bound)
	{
		const size_t empty = ledger_size(ledger).bytes;
		const unsigned keys = unit_times_or(600, 400);
		unsigned accepted = 0;
		uint64_t now = SECOND;
		char key[32];

		ledger_set_bounds(ledger, 0, BOUND);
		for (unsigned i = 0; i < keys; i++) {
			(void)snprintf(key, sizeof(key), "rate_rcpt:%u", i);
			for (unsigned n = 0; n <= TIMES / 2; n++)
				(void)charge_key(key, (uint8_t)(i % 8 + 1), now += SECOND / 50);
		}
		for (unsigned n = 0; n < TIMES; n++) {
			for (unsigned i = 0; i < keys; i++) {
				(void)snprintf(key, sizeof(key), "rate_rcpt:%u", i);
				accepted +=
					charge_key(key, (uint8_t)(i % 8 + 1), now += SECOND / 50) &&
					i == 0;
			}
		}
		ck_assert_uint_eq(accepted, TIMES - TIMES / 2 - 1);
		ck_assert_uint_eq(used("rate_rcpt:0", now), TIMES);
		ck_assert_uint_le(ledger_size(ledger).bytes - empty, BOUND + BOUND / 4);
	}
END_TEST

/* Other networks have overflow keys of their own, whatever exceeds the bound. */
START_TEST(keys_that_exceed_the_bound_leave_room_for_overflow_keys)
	{
		char key[32];

		ledger_set_bounds(ledger, 0, 4 * BOUND);
		for (unsigned i = 0; i < 4 * BOUND / 80; i++) {
			(void)snprintf(key, sizeof(key), "login:%u", i);
			ck_assert(charge_key(key, 0, SECOND));
		}
		for (unsigned i = 1; i <= 100; i++) {
			(void)snprintf(key, sizeof(key), "rate_rcpt:%u", i);
			ck_assert(charge_key(key, (uint8_t)i, SECOND));
		}
		ck_assert_uint_eq(used("rate_rcpt:overflow all", SECOND), 0);
		ck_assert_uint_gt(shard->bytes, shard->max_bytes + shard->max_bytes / 8);
	}
END_TEST

/* The table of a former flood does not fill a lower bound. */
START_TEST(the_table_shrinks_with_its_keys)
	{
		const size_t empty = ledger_size(ledger).bytes;
		char key[32];

		for (unsigned i = 0; i < 32 * BOUND / 1024; i++) {
			(void)snprintf(key, sizeof(key), "rate_rcpt:%u", i);
			ck_assert(charge_key(key, 1, SECOND));
		}
		ledger_set_bounds(ledger, 0, BOUND / 4);
		for (unsigned i = 0; i < 3 * LEDGER_SHARDS; i++)
			ledger_sweep(ledger, 4000 * SECOND);
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
		ck_assert_uint_lt(ledger_size(ledger).bytes - empty, BOUND / 8);
		ck_assert(!ledger_size(ledger).is_full);
	}
END_TEST

static Suite *ledger_shard_suite(void)
{
	Suite *suite = suite_create("ledger_shard");
	TCase *tcase = tcase_create("ledger_shard");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, keys_are_found_as_the_table_grows);
	tcase_add_test(tcase, keys_with_the_same_hash_are_distinct);
	tcase_add_test(tcase, removing_a_key_frees_all_its_memory);
	tcase_add_test(tcase, a_sweep_frees_only_idle_keys);
	tcase_add_test(tcase, a_window_has_one_counter);
	tcase_add_test(tcase, the_best_counter_is_its_own_or_the_longest);
	tcase_add_test(tcase, an_unused_window_is_removed_after_its_length);
	tcase_add_test(tcase, the_longest_unused_window_makes_room_for_the_17th);
	tcase_add_test(tcase, keys_that_stay_keep_to_the_bound);
	tcase_add_test(tcase, keys_that_exceed_the_bound_leave_room_for_overflow_keys);
	tcase_add_test(tcase, the_table_shrinks_with_its_keys);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_shard_suite)
