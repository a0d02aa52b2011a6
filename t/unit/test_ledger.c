/*
 * Shows what the local ledger promises: never more than the limit in any window, at most a sixtieth
 * stricter, all keys charged or none, from any number of threads.
 */
#include "lib/rules/ledger.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)
#define DAY (86400 * SECOND)

/* ---- helpers ----------------------------------------------------------------- */

static struct ledger_request request_of(const char *key, const struct limit *limits, size_t count)
{
	return (struct ledger_request){ .key = key,
		.key_len = strlen(key),
		.limits = limits,
		.limit_count = count,
		.amount = 1 };
}

static struct ledger_usage usage;

static enum ledger_answer charge_key(struct ledger *ledger, uint64_t now, const char *key,
	const struct limit *limits, size_t count)
{
	const struct ledger_request request = request_of(key, limits, count);

	return ledger_charge(ledger, now, &request, 1, true, &usage);
}

static enum ledger_answer look_at_key(struct ledger *ledger, uint64_t now, const char *key,
	const struct limit *limits, size_t count)
{
	const struct ledger_request request = request_of(key, limits, count);

	return ledger_look(ledger, now, &request, 1, &usage);
}

/* ---- the promise ------------------------------------------------------------- */

/* All accepted charges of one key, in order, against which the ledger is checked. */
struct history {
	uint64_t *at;
	size_t len, size;
};

static void add_to_history(struct history *history, uint64_t now)
{
	if (history->len == history->size) {
		history->size = history->size ? history->size * 2 : 1024;
		history->at = realloc(history->at, history->size * sizeof(uint64_t));
	}
	history->at[history->len++] = now;
}

/* The number of charges less than `window` before now; *first only grows from call to call. */
static size_t count_within(const struct history *history, uint64_t now, uint64_t window,
	size_t *first)
{
	while (*first < history->len && now >= window && history->at[*first] <= now - window)
		(*first)++;
	return history->len - *first;
}

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return bound == 0 ? 0 : random_state % bound;
}

static struct limit random_limit(void)
{
	static const uint32_t counts[] = { 1, 2, 5, 20, 64, 65, 500, 3000, 100000 };
	static const uint32_t seconds[] = { 1, 2, 7, 60, 300, 3600, 86400, 366 * 86400 };

	return (struct limit){ counts[random_below(9)], seconds[random_below(8)] };
}

/*
 * The time of the next charge: in a burst, evenly at about the limit's rate, just when the limit
 * becomes free, or sometimes after a long silence.
 */
static uint64_t next_arrival(uint64_t now, const struct limit *limit)
{
	uint64_t window = limit->seconds * SECOND;

	switch (random_below(16)) {
	case 0:
		return now + random_below(window * 2);
	case 1:
		return now + window;
	case 2:
		return now + window / 60;
	case 3:
		return now + usage.wait % (window * 2);
	case 4:
	case 5:
	case 6:
		return now;
	default:
		return now + random_below(window / (limit->count > 0 ? limit->count : 1) * 2 + 2);
	}
}

#define PROPERTY_ROUNDS 100
#define PROPERTY_EVENTS 10000 /* each: a million in all */

START_TEST(never_more_than_the_limit_in_any_window_and_never_stricter_than_a_sixtieth)
	{
		struct ledger *ledger = ledger_new();
		struct history history = { .len = 0 };
		struct limit limits[3];
		size_t exact[3] = { 0 }, strict[3] = { 0 };
		uint64_t now = 1 + (uint64_t)_i * 977;
		size_t count, accepted = 0;
		bool may_refuse;

		random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
		count = 1 + random_below(3);
		for (size_t i = 0; i < count; i++) {
			limits[i] = random_limit();
			for (size_t j = 0; j < i; j++)
				limits[i].seconds += limits[i].seconds == limits[j].seconds;
		}
		for (unsigned event = 0; event < unit_times(PROPERTY_EVENTS); event++) {
			enum ledger_answer answer = charge_key(ledger, now, "k", limits, count);

			ck_assert_int_ne(answer, LEDGER_FAILED);
			if (answer == LEDGER_FREE) {
				add_to_history(&history, now);
				accepted++;
			}
			may_refuse = false;
			for (size_t i = 0; i < count; i++) {
				uint64_t window = limits[i].seconds * SECOND;

				ck_assert_uint_le(count_within(&history, now, window, &exact[i]),
					limits[i].count);
				may_refuse |= count_within(&history, now, window + window / 60,
						      &strict[i]) >= limits[i].count;
			}
			ck_assert(answer == LEDGER_FREE || may_refuse);
			now = next_arrival(now, &limits[random_below(count)]);
		}
		ck_assert_uint_gt(accepted, 0);
		free(history.at);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(a_steady_rate_at_the_limit_is_never_refused)
	{
		static const struct limit limits[] = { { 1, 300 }, { 500, 86400 }, { 64, 60 },
			{ 65, 60 }, { 1000, 1 }, { 7, 3 }, { 1000000, 86400 } };
		const struct limit *limit = &limits[_i];
		struct ledger *ledger = ledger_new();
		uint64_t window = limit->seconds * SECOND, pace = window + window / 60;

		/* As a burst each time, and evenly. */
		for (uint64_t i = 0; i < unit_times(20000); i++) {
			uint64_t burst = 5 + i / limit->count * pace;
			uint64_t even = 5 + (i * pace + limit->count - 1) / limit->count;

			ck_assert_int_eq(charge_key(ledger, burst, "burst", limit, 1), LEDGER_FREE);
			ck_assert_int_eq(charge_key(ledger, even, "even", limit, 1), LEDGER_FREE);
		}
		ledger_free(&ledger);
	}
END_TEST

START_TEST(up_to_64_charges_are_exact_to_a_millionth)
	{
		const struct limit limit = { 50, 86400 };
		struct ledger *ledger = ledger_new();

		for (uint64_t i = 0; i < 50; i++)
			ck_assert_int_eq(charge_key(ledger, 7 + i * SECOND, "k", &limit, 1),
				LEDGER_FREE);
		ck_assert_int_eq(charge_key(ledger, 60 * SECOND, "k", &limit, 1), LEDGER_FULL);
		ck_assert_uint_ge(60 * SECOND + usage.wait, 7 + DAY);
		ck_assert_uint_le(60 * SECOND + usage.wait, 7 + DAY + SECOND / 10);
		ck_assert_int_eq(charge_key(ledger, 60 * SECOND + usage.wait - 1, "k", &limit, 1),
			LEDGER_FULL);
		ck_assert_uint_eq(usage.wait, 1);
		ck_assert_int_eq(charge_key(ledger, 60 * SECOND + usage.wait + DAY, "k", &limit, 1),
			LEDGER_FREE);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(the_waiting_time_is_exact)
	{
		const struct limit limits[] = { { 3, 60 }, { 200, 3600 } };
		struct ledger *ledger = ledger_new();
		uint64_t now = 12345;

		random_state = 99;
		for (int i = 0; i < 3000; i++) {
			if (charge_key(ledger, now, "k", limits, 2) == LEDGER_FULL) {
				ck_assert_uint_gt(usage.wait, 0);
				ck_assert_int_eq(look_at_key(ledger, now + usage.wait - 1, "k",
							 limits, 2),
					LEDGER_FULL);
				ck_assert_uint_eq(usage.wait, 1);
				ck_assert_int_eq(charge_key(ledger, now, "k", limits, 2),
					LEDGER_FULL);
				now += usage.wait;
				ck_assert_int_eq(charge_key(ledger, now, "k", limits, 2),
					LEDGER_FREE);
			}
			now += random_below(20 * SECOND);
		}
		ledger_free(&ledger);
	}
END_TEST

START_TEST(a_charge_that_fills_a_limit_gives_the_waiting_time)
	{
		const struct limit limits[] = { { 2, 600 }, { 3, 86400 } };
		struct ledger *ledger = ledger_new();
		uint64_t wait;

		ck_assert_int_eq(charge_key(ledger, SECOND, "k", limits, 2), LEDGER_FREE);
		ck_assert_uint_eq(usage.wait, 0);
		ck_assert_int_eq(charge_key(ledger, 2 * SECOND, "k", limits, 2), LEDGER_FREE);
		ck_assert(!usage.is_full);
		ck_assert_uint_eq(usage.limit.seconds, 600);
		ck_assert_uint_eq(usage.used, 2);
		wait = usage.wait;
		ck_assert_int_eq(look_at_key(ledger, 2 * SECOND, "k", limits, 2), LEDGER_FULL);
		ck_assert_uint_eq(usage.wait, wait);
		/* Of two limits that become full, the one that is full for longer is reported. */
		ck_assert_int_eq(charge_key(ledger, 2 * SECOND + wait, "k", limits, 2),
			LEDGER_FREE);
		ck_assert_uint_eq(usage.limit.seconds, 86400);
		ck_assert_uint_eq(usage.used, 3);
		ck_assert_uint_gt(usage.wait, 80000 * SECOND);
		ledger_free(&ledger);
	}
END_TEST

/* ---- several limits, several keys -------------------------------------------- */

START_TEST(a_refusal_charges_nothing)
	{
		const struct limit limits[] = { { 1, 300 }, { 500, 86400 } };
		struct ledger *ledger = ledger_new();

		ck_assert_int_eq(charge_key(ledger, 1, "k", limits, 2), LEDGER_FREE);
		ck_assert_uint_eq(usage.limit.count, 1); /* the limit that is nearest to full */
		ck_assert_uint_eq(usage.used, 1);
		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(charge_key(ledger, 2, "k", limits, 2), LEDGER_FULL);
		ck_assert_uint_eq(usage.limit.seconds, 300);
		ck_assert_uint_eq(usage.used, 1);
		ck_assert_int_eq(charge_key(ledger, 301 * SECOND, "k", limits, 2), LEDGER_FREE);
		ck_assert_int_eq(look_at_key(ledger, 301 * SECOND, "k", &limits[1], 1),
			LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 2);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(keys_are_charged_all_or_none)
	{
		const struct limit wide = { 100, 60 }, narrow = { 2, 60 };
		const struct ledger_request requests[] = { request_of("a", &wide, 1),
			request_of("b", &narrow, 1), request_of("c", &wide, 1) };
		struct ledger_usage each[3];
		struct ledger *ledger = ledger_new();

		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(ledger_charge(ledger, 5, requests, 3, true, each),
				i < 2 ? LEDGER_FREE : LEDGER_FULL);
		ck_assert(each[1].is_full && !each[0].is_full && !each[2].is_full);
		for (size_t i = 0; i < 3; i++)
			ck_assert_uint_eq(each[i].used, 2);
		(void)look_at_key(ledger, 5, "a", &wide, 1);
		ck_assert_uint_eq(usage.used, 2);
		(void)look_at_key(ledger, 5, "c", &wide, 1);
		ck_assert_uint_eq(usage.used, 2);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(an_amount_is_charged_whole_or_not)
	{
		const struct limit limit = { 10, 60 };
		struct ledger_request request = request_of("k", &limit, 1);
		struct ledger *ledger = ledger_new();

		request.amount = 6;
		ck_assert_int_eq(ledger_charge(ledger, 5, &request, 1, true, &usage), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 6);
		ck_assert_int_eq(ledger_charge(ledger, 5, &request, 1, true, &usage), LEDGER_FULL);
		request.amount = 4;
		ck_assert_int_eq(ledger_charge(ledger, 5, &request, 1, true, &usage), LEDGER_FREE);
		request.amount = 11;
		ck_assert_int_eq(ledger_charge(ledger, 5 + DAY, &request, 1, true, &usage),
			LEDGER_FULL);
		ck_assert_uint_eq(usage.wait, UINT64_MAX);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(a_limit_of_none_allows_nothing)
	{
		const struct limit limit = { 0, 60 };
		struct ledger *ledger = ledger_new();

		ck_assert_int_eq(charge_key(ledger, 5, "k", &limit, 1), LEDGER_FULL);
		ck_assert_uint_eq(usage.wait, UINT64_MAX);
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(impossible_requests_fail)
	{
		static char long_key[LEDGER_KEY_MAX + 2];
		const struct limit limit = { 1, 60 };
		struct ledger_request many[LEDGER_REQUESTS_MAX + 1];
		struct ledger *ledger = ledger_new();

		memset(long_key, 'k', LEDGER_KEY_MAX + 1);
		ck_assert_int_eq(charge_key(ledger, 1, long_key, &limit, 1), LEDGER_FAILED);
		ck_assert_int_eq(look_at_key(ledger, 1, long_key, &limit, 1), LEDGER_FAILED);
		ck_assert_int_eq(charge_key(ledger, 1, long_key + 1, &limit, 1), LEDGER_FREE);
		ck_assert_int_eq(charge_key(ledger, 1, "k", &limit, 0), LEDGER_FAILED);
		for (size_t i = 0; i < LEDGER_REQUESTS_MAX + 1; i++)
			many[i] = request_of("k", &limit, 1);
		ck_assert_int_eq(ledger_charge(ledger, 1, many, LEDGER_REQUESTS_MAX + 1, true,
					 &usage),
			LEDGER_FAILED);
		ck_assert_int_eq(ledger_look(ledger, 1, many, 0, &usage), LEDGER_FREE);
		ledger_free(&ledger);
		ledger_free(&ledger);
	}
END_TEST

/* ---- limits that change ------------------------------------------------------- */

START_TEST(a_new_window_starts_with_the_counts_of_the_longest)
	{
		const struct limit day = { 500, 86400 }, hour = { 20, 3600 },
				   week = { 60, 7 * 86400 };
		struct ledger *ledger = ledger_new();
		uint64_t now = DAY;

		for (int i = 0; i < 30; i++, now += 240 * SECOND)
			ck_assert_int_eq(charge_key(ledger, now, "k", &day, 1), LEDGER_FREE);
		/* 15 of the 30 were made in the last hour. */
		ck_assert_int_eq(look_at_key(ledger, now - 1, "k", &hour, 1), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 15);
		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(charge_key(ledger, now - 1, "k", &hour, 1), LEDGER_FREE);
		ck_assert_int_eq(charge_key(ledger, now - 1, "k", &hour, 1), LEDGER_FULL);
		/* All charges count in the longer windows, too. */
		ck_assert_int_eq(look_at_key(ledger, now, "k", &week, 1), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 35);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(a_lowered_limit_applies_at_once)
	{
		const struct limit high = { 500, 3600 }, low = { 10, 3600 };
		struct ledger *ledger = ledger_new();

		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(charge_key(ledger, (uint64_t)i * SECOND, "k", &high, 1),
				LEDGER_FREE);
		ck_assert_int_eq(charge_key(ledger, 100 * SECOND, "k", &low, 1), LEDGER_FULL);
		ck_assert_uint_eq(usage.used, 100);
		ck_assert_int_eq(charge_key(ledger, 100 * SECOND, "k", &high, 1), LEDGER_FREE);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(unused_windows_make_room)
	{
		struct ledger *ledger = ledger_new();
		const size_t empty = ledger_size(ledger).bytes;
		struct limit limit = { 1000, 60 };

		for (uint32_t i = 0; i < 200; i++, limit.seconds++)
			ck_assert_int_eq(charge_key(ledger, i * SECOND, "k", &limit, 1),
				LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 200);
		ck_assert_uint_lt(ledger_size(ledger).bytes - empty, 16384);
		ledger_free(&ledger);
	}
END_TEST

/* Neither when its counter is old, nor when the entry has as many windows as it can have. */
START_TEST(a_window_that_is_named_again_keeps_its_counts)
	{
		const struct limit hour = { 100, 3600 };
		const struct limit again[] = { { 1000, 60 }, hour };
		struct ledger *ledger = ledger_new();
		struct limit other = { 1000, _i == 0 ? 300 : 301 };
		uint64_t now = DAY;

		ck_assert_int_eq(charge_key(ledger, now, "k", &hour, 1), LEDGER_FREE);
		now += 400 * SECOND;
		for (int i = 0; i < 15; i++) {
			now += (_i == 0 ? 310 : 20) * SECOND;
			ck_assert_int_eq(charge_key(ledger, now, "k", &other, 1), LEDGER_FREE);
			other.seconds += _i == 0 ? 0 : 1;
		}
		ck_assert_int_eq(charge_key(ledger, now, "k", again, 2), LEDGER_FREE);
		ck_assert_int_eq(look_at_key(ledger, now, "k", &hour, 1), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, _i == 0 ? 13 : 17);
		ledger_free(&ledger);
	}
END_TEST

/* ---- time --------------------------------------------------------------------- */

START_TEST(time_that_goes_back_a_little_widens_nothing)
	{
		const struct limit limit = { 100, 60 };
		struct ledger *ledger = ledger_new();
		uint64_t now = 1000 * SECOND, latest = now;
		size_t accepted = 0;

		random_state = 7;
		for (int i = 0; i < 1000; i++) {
			uint64_t seen = now - random_below(SECOND);

			accepted += charge_key(ledger, seen, "k", &limit, 1) == LEDGER_FREE;
			latest = now;
			now += 10000;
		}
		ck_assert_uint_eq(accepted, 100);
		ck_assert_uint_lt(latest, 1060 * SECOND);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(a_leap_forward_frees_every_window)
	{
		const struct limit limit = { 2, 60 };
		struct ledger *ledger = ledger_new();
		uint64_t now = 5;

		for (int i = 0; i < 50; i++, now += UINT64_C(400) * 366 * DAY / 50) {
			ck_assert_int_eq(charge_key(ledger, now, "k", &limit, 1), LEDGER_FREE);
			ck_assert_int_eq(charge_key(ledger, now, "k", &limit, 1), LEDGER_FREE);
			ck_assert_int_eq(charge_key(ledger, now, "k", &limit, 1), LEDGER_FULL);
		}
		ledger_free(&ledger);
	}
END_TEST

/* ---- memory ------------------------------------------------------------------- */

START_TEST(memory_is_bounded_and_freed)
	{
		const struct limit limits[] = { { 1000000, 3600 }, { 10000000, 86400 } };
		struct ledger *ledger = ledger_new();
		size_t empty = ledger_size(ledger).bytes, one;
		char key[32];

		for (uint64_t i = 0; i < unit_times_or(200000, 5000); i++)
			ck_assert_int_eq(charge_key(ledger, i * 100000, "busy", limits, 2),
				LEDGER_FREE);
		one = ledger_size(ledger).bytes - empty;
		ck_assert_uint_lt(one, 2 * 64 * 8 + 400);
		for (uint64_t i = 0; i < 10000; i++) {
			(void)snprintf(key, sizeof(key), "login:user%u", (unsigned)i);
			ck_assert_int_eq(charge_key(ledger, 20000 * SECOND, key, limits, 2),
				LEDGER_FREE);
		}
		ck_assert_uint_eq(ledger_size(ledger).keys, 10001);
		/* Each has some 115 bytes for the key and two counters, and a share of the table.
		 */
		ck_assert_uint_lt((ledger_size(ledger).bytes - empty - one) / 10000, 140);
		for (size_t i = 0; i < LEDGER_SHARDS; i++)
			ledger_sweep(ledger, 20000 * SECOND + DAY + DAY / 60);
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(new_keys_free_idle_ones)
	{
		const struct limit limit = { 10, 60 };
		struct ledger *ledger = ledger_new();
		size_t most = 0;
		char key[32];

		for (uint64_t i = 0; i < unit_times_or(100000, 4000); i++) {
			(void)snprintf(key, sizeof(key), "rate_conn:%u", (unsigned)i);
			(void)charge_key(ledger, i * SECOND, key, &limit, 1); /* each key once */
			if (i % 16 == 0 && ledger_size(ledger).keys > most)
				most = ledger_size(ledger).keys;
		}
		ck_assert_uint_lt(most, 2500); /* 61 are live at a time */
		ledger_free(&ledger);
	}
END_TEST

/* ---- saving ------------------------------------------------------------------- */

struct saved {
	size_t calls, records;
	struct ledger_record last;
	int answer;
};

static int record_save(void *context, const struct ledger_record *records, size_t count)
{
	struct saved *saved = context;

	saved->calls++;
	saved->records += count;
	saved->last = records[count - 1];
	return saved->answer;
}

START_TEST(an_unsaved_charge_fails_unless_saving_is_optional)
	{
		const struct limit limit = { 10, 60 };
		const struct ledger_request requests[] = { request_of("a", &limit, 1),
			request_of("b", &limit, 1) };
		struct ledger *ledger = ledger_new();
		struct saved saved = { .answer = -1 };
		struct ledger_usage each[2];

		ledger_on_charge(ledger, record_save, &saved);
		ck_assert_int_eq(ledger_charge(ledger, 5, requests, 2, true, each), LEDGER_FAILED);
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
		ck_assert_uint_eq(ledger_size(ledger).unsaved, 0);
		ck_assert_int_eq(ledger_charge(ledger, 5, requests, 2, false, each), LEDGER_FREE);
		ck_assert_uint_eq(each[1].used, 1);
		ck_assert_uint_eq(ledger_size(ledger).unsaved, 1);
		saved.answer = 0;
		ck_assert_int_eq(ledger_charge(ledger, 6, requests, 2, true, each), LEDGER_FREE);
		ck_assert_uint_eq(each[0].used, 2);
		ck_assert_uint_eq(saved.calls, 3);
		ck_assert_uint_eq(saved.records, 6);
		ck_assert_uint_eq(saved.last.now, 6);
		ck_assert_uint_eq(saved.last.limit_count, 1);
		ck_assert_uint_eq(saved.last.limits[0].seconds, 60);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(looking_and_refusing_save_nothing)
	{
		const struct limit limit = { 1, 60 };
		struct ledger *ledger = ledger_new();
		struct saved saved = { .answer = 0 };

		ledger_on_charge(ledger, record_save, &saved);
		ck_assert_int_eq(look_at_key(ledger, 5, "k", &limit, 1), LEDGER_FREE);
		ck_assert_int_eq(charge_key(ledger, 5, "k", &limit, 1), LEDGER_FREE);
		ck_assert_int_eq(charge_key(ledger, 5, "k", &limit, 1), LEDGER_FULL);
		ck_assert_int_eq(look_at_key(ledger, 5, "k", &limit, 1), LEDGER_FULL);
		ck_assert_uint_eq(saved.calls, 1);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(forgetting_is_saved_and_frees)
	{
		const struct limit limit = { 1, 60 };
		struct ledger *ledger = ledger_new();
		struct saved saved = { .calls = 0 }, unwritable = { .answer = -1 };

		ledger_on_charge(ledger, record_save, &saved);
		ck_assert_int_eq(ledger_forget(ledger, 5, "k", 1), 0);
		ck_assert_uint_eq(saved.calls, 0);
		(void)charge_key(ledger, 5, "k", &limit, 1);
		ledger_on_charge(ledger, record_save, &unwritable);
		ck_assert_int_eq(ledger_forget(ledger, 5, "k", 1), -1);
		ck_assert_int_eq(charge_key(ledger, 5, "k", &limit, 1), LEDGER_FULL);
		ledger_on_charge(ledger, record_save, &saved);
		ck_assert_int_eq(ledger_forget(ledger, 5, "k", 1), 1);
		ck_assert_uint_eq(saved.last.limit_count, 0);
		ck_assert_int_eq(charge_key(ledger, 5, "k", &limit, 1), LEDGER_FREE);
		ledger_free(&ledger);
	}
END_TEST

/* ---- threads ------------------------------------------------------------------- */

#define THREADS 16
#define CHARGES_EACH 3000

struct crowd {
	struct ledger *ledger;
	uint64_t accepted; /* atomic */
	unsigned number;
};

static void *charge_many(void *argument)
{
	static const struct limit shared = { 10000, 3600 }, own = { CHARGES_EACH, 3600 };
	struct crowd *crowd = argument;
	struct ledger_usage unused[2];
	char key[16];
	struct ledger_request requests[2];

	(void)snprintf(key, sizeof(key), "own%u", crowd->number);
	requests[crowd->number % 2] = request_of("shared", &shared, 1);
	requests[1 - crowd->number % 2] = request_of(key, &own, 1);
	for (unsigned i = 0; i < CHARGES_EACH; i++) {
		if (ledger_charge(crowd->ledger, SECOND + i, requests, 2, true, unused) ==
			LEDGER_FREE)
			crowd->accepted++;
		if (i % 512 == 0)
			ledger_sweep(crowd->ledger, SECOND + i);
		if (i % 512 == 1)
			(void)ledger_size(crowd->ledger).bytes;
	}
	return NULL;
}

START_TEST(threads_share_a_limit_exactly)
	{
		struct ledger *ledger = ledger_new();
		struct crowd crowds[THREADS];
		pthread_t threads[THREADS];
		uint64_t accepted = 0;

		for (unsigned i = 0; i < THREADS; i++) {
			crowds[i] = (struct crowd){ .ledger = ledger, .number = i };
			ck_assert_int_eq(pthread_create(&threads[i], NULL, charge_many, &crowds[i]),
				0);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			(void)pthread_join(threads[i], NULL);
			accepted += crowds[i].accepted;
		}
		ck_assert_uint_eq(accepted, 10000);
		ledger_free(&ledger);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tcase = tcase_create("ledger");

	tcase_add_loop_test(tcase,
		never_more_than_the_limit_in_any_window_and_never_stricter_than_a_sixtieth, 0,
		(int)unit_times_plain(PROPERTY_ROUNDS, 20));
	tcase_add_loop_test(tcase, a_steady_rate_at_the_limit_is_never_refused, 0, 7);
	tcase_add_test(tcase, up_to_64_charges_are_exact_to_a_millionth);
	tcase_add_test(tcase, the_waiting_time_is_exact);
	tcase_add_test(tcase, a_charge_that_fills_a_limit_gives_the_waiting_time);
	tcase_add_test(tcase, a_refusal_charges_nothing);
	tcase_add_test(tcase, keys_are_charged_all_or_none);
	tcase_add_test(tcase, an_amount_is_charged_whole_or_not);
	tcase_add_test(tcase, a_limit_of_none_allows_nothing);
	tcase_add_test(tcase, impossible_requests_fail);
	tcase_add_test(tcase, a_new_window_starts_with_the_counts_of_the_longest);
	tcase_add_test(tcase, a_lowered_limit_applies_at_once);
	tcase_add_test(tcase, unused_windows_make_room);
	tcase_add_loop_test(tcase, a_window_that_is_named_again_keeps_its_counts, 0, 2);
	tcase_add_test(tcase, time_that_goes_back_a_little_widens_nothing);
	tcase_add_test(tcase, a_leap_forward_frees_every_window);
	tcase_add_test(tcase, memory_is_bounded_and_freed);
	tcase_add_test(tcase, new_keys_free_idle_ones);
	tcase_add_test(tcase, an_unsaved_charge_fails_unless_saving_is_optional);
	tcase_add_test(tcase, looking_and_refusing_save_nothing);
	tcase_add_test(tcase, forgetting_is_saved_and_frees);
	tcase_add_test(tcase, threads_share_a_limit_exactly);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
