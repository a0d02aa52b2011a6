/*
 * Shows what a call reports of its requests' limits: the one that is nearest to full or refuses for
 * longest, until when it refuses, and what reservations and attempts add.
 */
#include <string.h>

#include "lib/rules/ledger_private.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)
#define NOW (1000000 * SECOND)
#define LATER (NOW + 100 * SECOND) /* when the usage is looked at */

static struct ledger *ledger;

static void setup(void)
{
	ledger = ledger_new();
	ck_assert_ptr_nonnull(ledger);
}

static void teardown(void)
{
	ledger_free(&ledger);
}

static struct ledger_request request_of(const char *key, const struct limit *limits, size_t count,
	uint32_t amount)
{
	return (struct ledger_request){ .key = key,
		.key_len = strlen(key),
		.limits = limits,
		.limit_count = count,
		.amount = amount };
}

static enum ledger_answer look(const struct ledger_request *requests, size_t count,
	struct ledger_usage usage_r[])
{
	struct ledger_call call;
	enum ledger_answer answer;

	ledger_call_init(&call, ledger, LATER, requests, count);
	ck_assert_int_eq(ledger_call_begin(&call), 0);
	answer = ledger_call_usage(&call, usage_r);
	ledger_call_end(&call);
	return answer;
}

static void charge(const struct ledger_request *request)
{
	struct ledger_usage usage;

	ck_assert_int_eq(ledger_charge(ledger, NOW, request, 1, true, &usage), LEDGER_FREE);
}

/* A key that was charged with two limits, and a request of further ones. */
static const struct {
	uint32_t charged, amount;
	struct limit limits[2];
	size_t reported; /* which limit */
	bool is_full;
	uint64_t wait; /* seconds; NEVER: the amount never fits */
} rows[] = {
#define NEVER UINT64_MAX
	/* Nothing was counted. */
	{ 0, 1, { { 5, 300 }, { 50, 3600 } }, 0, false, 0 },
	{ 0, 5, { { 5, 300 }, { 50, 3600 } }, 0, false, 0 },
	{ 0, 6, { { 5, 300 }, { 50, 3600 } }, 0, true, NEVER },
	{ 0, 1, { { 0, 300 }, { 50, 3600 } }, 0, true, NEVER },
	/* The nearest to full is reported. */
	{ 2, 1, { { 5, 300 }, { 50, 3600 } }, 0, false, 0 },
	{ 2, 1, { { 50, 300 }, { 5, 3600 } }, 1, false, 0 },
	{ 4, 1, { { 5, 300 }, { 50, 3600 } }, 0, false, 0 },
	/* One that refuses is reported rather than one that does not, and tells for how long. */
	{ 5, 1, { { 5, 300 }, { 50, 3600 } }, 0, true, 200 },
	{ 5, 1, { { 50, 300 }, { 5, 3600 } }, 1, true, 3500 },
	/* Of two that refuse, the one that refuses for longer. */
	{ 5, 1, { { 5, 300 }, { 5, 3600 } }, 1, true, 3500 },
	{ 5, 5, { { 5, 3600 }, { 9, 300 } }, 0, true, 3500 },
	{ 5, 6, { { 5, 300 }, { 9, 3600 } }, 0, true, NEVER },
};
START_TEST(the_tightest_limit_is_reported)
	{
		const struct limit *reported = &rows[_i].limits[rows[_i].reported];
		const struct limit windows[] = { { 1000, 300 }, { 1000, 3600 } };
		const struct ledger_request past = request_of("k", windows, 2, rows[_i].charged);
		const struct ledger_request request =
			request_of("k", rows[_i].limits, 2, rows[_i].amount);
		struct ledger_usage usage;

		if (rows[_i].charged > 0)
			charge(&past);
		ck_assert_int_eq(look(&request, 1, &usage),
			rows[_i].is_full ? LEDGER_FULL : LEDGER_FREE);
		ck_assert_int_eq(usage.is_full, rows[_i].is_full);
		ck_assert_int_eq(usage.is_full_alone, rows[_i].is_full);
		ck_assert_uint_eq(usage.limit.count, reported->count);
		ck_assert_uint_eq(usage.limit.seconds, reported->seconds);
		ck_assert_uint_eq(usage.used, rows[_i].charged);
		ck_assert_str_eq(usage.shared, "");
		if (rows[_i].wait == NEVER) {
			ck_assert_uint_eq(usage.wait, UINT64_MAX);
		} else { /* a charge may count too long by 1/60 of the window */
			ck_assert_uint_ge(usage.wait, rows[_i].wait * SECOND);
			ck_assert_uint_le(usage.wait,
				rows[_i].wait * SECOND +
					(rows[_i].is_full ? reported->seconds * SECOND / 60 : 0));
		}
	}
END_TEST

START_TEST(a_request_without_limits_has_no_usage)
	{
		const struct ledger_request request = request_of("k", NULL, 0, 1);
		struct ledger_usage usage;

		ck_assert_int_eq(look(&request, 1, &usage), LEDGER_FREE);
		ck_assert_uint_eq(usage.limit.seconds, 0);
		ck_assert(!usage.is_full);
	}
END_TEST

START_TEST(one_full_request_makes_the_answer_full)
	{
		const struct limit limit = { 3, 300 };
		const struct ledger_request full = request_of("full", &limit, 1, 3);
		const struct ledger_request requests[] = { request_of("free", &limit, 1, 1),
			request_of("full", &limit, 1, 1), request_of("free2", &limit, 1, 1) };
		struct ledger_usage usage[3];

		charge(&full);
		ck_assert_int_eq(look(requests, 3, usage), LEDGER_FULL);
		for (size_t i = 0; i < 3; i++)
			ck_assert_int_eq(usage[i].is_full, i == 1);
	}
END_TEST

START_TEST(reservations_of_others_refuse_for_the_whole_window)
	{
		const struct limit limit = { 3, 300 };
		const struct ledger_request past = request_of("k", &limit, 1, 1);
		const struct ledger_request request = request_of("k", &limit, 1, 1);
		struct ledger_shard *shard = ledger_shard_of(ledger, ledger_hash("k", 1));
		struct ledger_entry *entry;
		struct ledger_usage usage;

		charge(&past);
		entry = shard_find(shard, ledger_hash("k", 1), "k", 1);
		ck_assert_ptr_nonnull(entry);
		ck_assert_ptr_nonnull(entry_extra(shard, entry));
		entry->extra->open = 2;
		ck_assert_int_eq(look(&request, 1, &usage), LEDGER_FULL);
		ck_assert(usage.is_full && !usage.is_full_alone);
		ck_assert_uint_eq(usage.used, 3);
		ck_assert_uint_eq(usage.open, 2);
		/* If they became final now, the first charge would end first. */
		ck_assert_uint_ge(usage.wait, 200 * SECOND);
		ck_assert_uint_le(usage.wait, 205 * SECOND);
		entry->extra->open = 3;
		ck_assert_int_eq(look(&request, 1, &usage), LEDGER_FULL);
		ck_assert_uint_eq(usage.wait, 300 * SECOND);
		entry->extra->open = 0;
	}
END_TEST

START_TEST(attempts_refuse_when_the_limit_does_not)
	{
		const struct limit limit = { 2, 300 };
		struct ledger_request request = request_of("k", &limit, 1, 1);
		struct ledger_shard *shard = ledger_shard_of(ledger, ledger_hash("k", 1));
		struct ledger_entry *entry;
		struct ledger_usage usage;

		request.attempts = 3; /* so that six may be given back */
		charge(&request);
		entry = shard_find(shard, ledger_hash("k", 1), "k", 1);
		ck_assert_ptr_nonnull(entry);
		entry_add_attempts(shard, entry, NOW, 5, request.attempts);
		ck_assert_int_eq(look(&request, 1, &usage), LEDGER_FREE);
		ck_assert_uint_eq(usage.attempts, 5);
		ck_assert_uint_eq(usage.attempts_max, 6);
		entry_add_attempts(shard, entry, NOW, 1, request.attempts);
		ck_assert_int_eq(look(&request, 1, &usage), LEDGER_FULL);
		ck_assert(usage.is_full && usage.is_attempts && usage.is_full_alone);
		ck_assert_uint_eq(usage.used, 1);
		request.attempts = 0; /* any number */
		ck_assert_int_eq(look(&request, 1, &usage), LEDGER_FREE);
	}
END_TEST

START_TEST(a_charge_of_the_call_itself_does_not_make_it_full)
	{
		const struct limit limit = { 2, 300 };
		const struct ledger_request past = request_of("k", &limit, 1, 2);
		const struct ledger_request request = request_of("k", &limit, 1, 1);
		struct ledger_call call;
		struct ledger_usage usage;

		charge(&past);
		ledger_call_init(&call, ledger, LATER, &request, 1);
		ck_assert_int_eq(ledger_call_begin(&call), 0);
		ledger_call_usage_after(&call, &usage);
		ledger_call_end(&call);
		ck_assert(!usage.is_full && !usage.is_full_alone);
		ck_assert_uint_eq(usage.used, 2);
		ck_assert_uint_gt(usage.wait, 0);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_usage");
	TCase *tcase = tcase_create("ledger_usage");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, the_tightest_limit_is_reported, 0, ROWS(rows));
	tcase_add_test(tcase, a_request_without_limits_has_no_usage);
	tcase_add_test(tcase, one_full_request_makes_the_answer_full);
	tcase_add_test(tcase, reservations_of_others_refuse_for_the_whole_window);
	tcase_add_test(tcase, attempts_refuse_when_the_limit_does_not);
	tcase_add_test(tcase, a_charge_of_the_call_itself_does_not_make_it_full);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
