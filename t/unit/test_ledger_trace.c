/*
 * Shows that the trace of a removed key is never too low while it counts, that few keys without one
 * have the trace of others, and that an unknown past is reported as such.
 */
#include <stdio.h>

#include "lib/rules/ledger.h"
#include "lib/rules/ledger_private.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)
#define WINDOW 60
#define NOW (1000 * SECOND)

static struct ledger *ledger;

static void set_up(void)
{
	ledger = ledger_new();
	ck_assert_ptr_nonnull(ledger);
}

static void tear_down(void)
{
	ledger_free(&ledger);
}

static uint64_t hash_of(unsigned number)
{
	char key[32];

	return ledger_hash(key, (size_t)snprintf(key, sizeof(key), "rate_conn:%u", number));
}

static struct ledger_past past_at(unsigned number, enum trace_kind kind, uint64_t now)
{
	return shard_past(ledger_shard_of(ledger, hash_of(number)), hash_of(number), kind, now);
}

static void trace(unsigned number, enum trace_kind kind, uint64_t now, uint32_t amount)
{
	const struct ledger_past past = { amount, amount / 2 };

	shard_trace(ledger_shard_of(ledger, hash_of(number)), hash_of(number), kind, now, past,
		WINDOW);
}

START_TEST(a_trace_is_never_too_low_however_many_follow)
	{
		for (unsigned i = 0; i < 20000; i++)
			trace(i, TRACE_KEY, NOW, i % 100);
		for (unsigned i = 0; i < 20000; i++) {
			ck_assert_uint_ge(past_at(i, TRACE_KEY, NOW).amount, i % 100);
			ck_assert_uint_ge(past_at(i, TRACE_KEY, NOW).given_back, i % 100 / 2);
		}
	}
END_TEST

START_TEST(few_newcomers_have_the_trace_of_another)
	{
		unsigned mistaken = 0;

		for (unsigned i = 0; i < 6000; i++)
			trace(i, TRACE_OVERFLOW, NOW, 10);
		for (unsigned i = 6000; i < 16000; i++)
			mistaken += past_at(i, TRACE_OVERFLOW, NOW).amount > 0;
		ck_assert_uint_lt(mistaken, 300); /* 3 % */
	}
END_TEST

START_TEST(traces_of_keys_do_not_blur_those_of_overflow_keys)
	{
		for (unsigned i = 0; i < 100000; i++)
			trace(i, TRACE_KEY, NOW, 10);
		for (unsigned i = 0; i < 1000; i++)
			ck_assert_uint_eq(past_at(i, TRACE_OVERFLOW, NOW).amount, 0);
	}
END_TEST

START_TEST(a_trace_counts_for_two_windows_and_no_longer)
	{
		trace(1, TRACE_KEY, NOW, 7);
		ck_assert_uint_eq(past_at(1, TRACE_KEY, NOW + 2 * WINDOW * SECOND).amount, 7);
		ck_assert_uint_eq(past_at(1, TRACE_KEY, NOW + (2 * WINDOW + 1) * SECOND).amount, 0);
		trace(1, TRACE_KEY, NOW + (2 * WINDOW + 1) * SECOND, 2);
		ck_assert_uint_eq(past_at(1, TRACE_KEY, NOW + (2 * WINDOW + 1) * SECOND).amount, 2);
	}
END_TEST

START_TEST(the_past_of_keys_that_an_earlier_process_removed_is_unknown)
	{
		ledger->untraced_until = (uint32_t)(NOW / SECOND) + 5;
		ck_assert_uint_eq(past_at(1, TRACE_KEY, NOW).amount, LEDGER_PAST_UNKNOWN);
		trace(1, TRACE_KEY, NOW, 7);
		ck_assert_uint_eq(past_at(1, TRACE_KEY, NOW).amount, LEDGER_PAST_UNKNOWN | 7);
		ck_assert_uint_eq(past_at(1, TRACE_KEY, NOW + 5 * SECOND).amount, 7);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_trace");
	TCase *tcase = tcase_create("ledger_trace");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_trace_is_never_too_low_however_many_follow);
	tcase_add_test(tcase, few_newcomers_have_the_trace_of_another);
	tcase_add_test(tcase, traces_of_keys_do_not_blur_those_of_overflow_keys);
	tcase_add_test(tcase, a_trace_counts_for_two_windows_and_no_longer);
	tcase_add_test(tcase, the_past_of_keys_that_an_earlier_process_removed_is_unknown);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
