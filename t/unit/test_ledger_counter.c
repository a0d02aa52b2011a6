/*
 * Shows that a counter never counts less than what was charged within its window, forgets it at
 * most a sixtieth too late, and takes bounded memory.
 */
#include "lib/rules/ledger_counter.h"

#include <string.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECOND UINT64_C(1000000)

static void charge_counter(struct counter *counter, uint64_t now, uint32_t amount)
{
	ck_assert_int_eq(counter_make_room(counter, now, true), 0);
	counter_add(counter, now, amount);
}

/* ---- the promise ------------------------------------------------------------- */

/* All charges and their times, against which the counter is checked. */
struct history {
	uint64_t at[1024];
	uint32_t amount[1024];
	size_t len;
};

static void remember(struct history *history, uint64_t now, uint32_t amount)
{
	ck_assert_uint_lt(history->len, sizeof(history->at) / sizeof(history->at[0]));
	history->at[history->len] = now;
	history->amount[history->len++] = amount;
}

/* The amount charged less than `span` microseconds before now. */
static uint64_t within(const struct history *history, uint64_t now, uint64_t span)
{
	uint64_t sum = 0;

	for (size_t i = history->len; i-- > 0;) {
		if (now >= span && history->at[i] <= now - span)
			break;
		sum += history->amount[i];
	}
	return sum;
}

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return bound == 0 ? 0 : random_state % bound;
}

static uint64_t next_moment(uint64_t now, uint64_t window, unsigned pace)
{
	switch (random_below(200)) {
	case 0:
		return now + window;
	case 1:
		return now + window - 1;
	case 2:
		return now + random_below(window * 2);
	default:
		return random_below(8) == 0 ? now : now + random_below(window / pace + 2);
	}
}

/* The counter must count no less than the history, and no more than the history in a window that is
 * longer by the tolerance. */
static void ck_used(const struct counter *counter, const struct history *history, uint32_t seconds,
	uint64_t now)
{
	uint64_t longer = seconds * SECOND + counter->seconds * SECOND / 60;
	uint64_t used = counter_used(counter, seconds, now);

	ck_assert(used >= within(history, now, seconds * SECOND) &&
		used <= within(history, now, longer));
}

static void ck_promise(const struct counter *counter, const struct history *history, uint64_t now)
{
	uint32_t seconds = counter->seconds;
	uint64_t room = random_below(counter_used(counter, seconds, now) + 2);
	uint64_t at = counter_free_at(counter, seconds, now, room);

	ck_used(counter, history, seconds, now);
	ck_used(counter, history, (seconds + 1) / 2, now);
	ck_assert(at >= now && counter_used(counter, seconds, at) <= room);
	ck_assert(at == now || counter_used(counter, seconds, at - 1) > room);
}

static const uint32_t windows[] = { 1, 2, 59, 60, 61, 300, 3600, 86400, 366 * 86400 };
static const unsigned paces[] = { 1, 10, 63, 64, 1000, 100000 };
START_TEST(never_counts_less_than_the_window_and_no_more_than_a_sixtieth_beyond)
	{
		static struct history history;
		struct counter counter;
		uint64_t window, now = (uint64_t)_i * 12345;

		random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
		history.len = 0;
		counter_init(&counter, windows[_i / COUNT(paces)]);
		window = counter.seconds * SECOND;
		for (unsigned event = 0; event < unit_times_or(800, 200); event++) {
			uint32_t amount = (uint32_t)(1 + random_below(event % 10 == 0 ? 1000 : 1));

			charge_counter(&counter, now, amount);
			remember(&history, now, amount);
			ck_promise(&counter, &history, now);
			ck_assert_uint_le(counter_bytes(&counter), 550);
			now = next_moment(now, window, paces[_i % COUNT(paces)]);
			ck_promise(&counter, &history, now);
			if (random_below(8) == 0) {
				uint64_t used = counter_used(&counter, counter.seconds, now);

				ck_assert(counter_prune(&counter, now) == (used > 0));
				ck_promise(&counter, &history, now);
			}
		}
		counter_free(&counter);
	}
END_TEST

/* A thread may charge with an older time; that charge counts as made at the time of the last one.
 */
START_TEST(an_older_time_counts_as_the_last_one)
	{
		struct counter counter;
		uint64_t now = 1000 * SECOND;

		counter_init(&counter, 60);
		charge_counter(&counter, now, 1);
		charge_counter(&counter, now - 30 * SECOND, 1);
		charge_counter(&counter, 0, 1);
		ck_assert_uint_eq(counter_used(&counter, 60, now + 60 * SECOND - 1), 3);
		ck_assert_uint_eq(counter_used(&counter, 60, now + 61 * SECOND), 0);
		counter_free(&counter);
	}
END_TEST

START_TEST(up_to_64_runs_are_exact_to_a_millionth)
	{
		struct counter counter;
		uint64_t now = 1000 * SECOND;

		counter_init(&counter, 3600);
		for (uint64_t i = 0; i < COUNTER_RUNS_MAX; i++)
			charge_counter(&counter, now + i * SECOND, 1);
		for (uint64_t i = 0; i < COUNTER_RUNS_MAX; i++) {
			uint64_t gone = now + i * SECOND + 3600 * SECOND;

			ck_assert_uint_eq(counter_used(&counter, 3600, gone - 1),
				COUNTER_RUNS_MAX - i);
			ck_assert_uint_eq(counter_used(&counter, 3600, gone + 3600),
				COUNTER_RUNS_MAX - i - 1);
		}
		counter_free(&counter);
	}
END_TEST

START_TEST(a_leap_of_centuries_frees_all)
	{
		struct counter counter;
		uint64_t now = 5;

		counter_init(&counter, 1);
		for (int i = 0; i < 50; i++, now += UINT64_C(366) * 86400 * SECOND * 400 / 50) {
			charge_counter(&counter, now, 1);
			charge_counter(&counter, now, 1);
			ck_assert_uint_eq(counter_used(&counter, 1, now), 2);
		}
		ck_assert(!counter_prune(&counter, now));
		ck_assert_uint_eq(counter_used(&counter, 1, now), 0);
		counter_free(&counter);
	}
END_TEST

/* A fine tick may begin in one coarse tick and end in the next. */
START_TEST(charges_count_to_their_end_when_ticks_become_coarse)
	{
		uint64_t window = windows[_i] * SECOND, at = 1000 * window;
		uint64_t coarse = window / 61, fine = window >> 20 > 0 ? window >> 20 : 1;
		struct counter counter;

		for (uint64_t i = 0; i < 200; i++, at += 10 * window) {
			at = (at / coarse + 1) * coarse;
			at = at / fine * fine + fine - 1;
			counter_init(&counter, windows[_i]);
			for (uint64_t j = 0; j <= COUNTER_RUNS_MAX; j++)
				charge_counter(&counter, at + j * 2 * fine, 1);
			ck_assert_uint_eq(counter.coarse, 1);
			ck_assert_uint_eq(counter_used(&counter, windows[_i], at + window - 1),
				COUNTER_RUNS_MAX + 1);
			counter_free(&counter);
		}
	}
END_TEST

START_TEST(a_key_that_is_never_idle_is_counted_right_for_thousands_of_windows)
	{
		uint64_t half = windows[_i] * SECOND / 2, now = 0;
		struct counter counter;

		counter_init(&counter, windows[_i]);
		for (unsigned i = 0; i < unit_times(10000); i++, now += half) {
			charge_counter(&counter, now, 1);
			ck_assert(counter_used(&counter, windows[_i], now) >= (i > 0 ? 2 : 1) &&
				counter_used(&counter, windows[_i], now) <= 3);
			ck_assert_uint_eq(counter_used(&counter, windows[_i], now + half - 1),
				i > 0 ? 2 : 1);
		}
		counter_free(&counter);
	}
END_TEST

/* ---- memory ------------------------------------------------------------------- */

START_TEST(uses_no_memory_until_a_second_moment_is_charged)
	{
		struct counter counter;

		counter_init(&counter, 60);
		ck_assert_uint_eq(counter_bytes(&counter), 0);
		ck_assert_uint_eq(counter_used(&counter, 60, 5), 0);
		ck_assert_uint_eq(counter_free_at(&counter, 60, 5, 0), 5);
		ck_assert(!counter_prune(&counter, 5));
		charge_counter(&counter, 5, 1);
		ck_assert_uint_eq(counter_bytes(&counter), 0);
		charge_counter(&counter, 5 + SECOND, 1);
		ck_assert_uint_gt(counter_bytes(&counter), 0);
		ck_assert(counter_prune(&counter, 5 + SECOND));
		ck_assert(!counter_prune(&counter, 100 * SECOND));
		ck_assert_uint_eq(counter_bytes(&counter), 0);
		charge_counter(&counter, 100 * SECOND, 7);
		ck_assert_uint_eq(counter_used(&counter, 60, 100 * SECOND), 7);
		counter_free(&counter);
		ck_assert_uint_eq(counter_used(&counter, 60, 100 * SECOND), 0);
		counter_free(&counter);
	}
END_TEST

START_TEST(a_count_that_would_overflow_stays_at_the_maximum)
	{
		struct counter counter;

		counter_init(&counter, 60);
		charge_counter(&counter, 5, UINT32_MAX);
		charge_counter(&counter, 5, UINT32_MAX);
		ck_assert_uint_eq(counter_used(&counter, 60, 5), UINT32_MAX);
		charge_counter(&counter, 5 + SECOND, UINT32_MAX);
		ck_assert_uint_eq(counter_used(&counter, 60, 5 + SECOND), UINT64_C(2) * UINT32_MAX);
		counter_free(&counter);
	}
END_TEST

/* ---- from another counter, and from a file --------------------------------------- */

static const struct {
	uint32_t from, to;
} seeds[] = { { 60, 60 }, { 86400, 3600 }, { 3600, 86400 }, { 3600, 1 }, { 1, 366 * 86400 } };
START_TEST(a_new_window_starts_with_the_counts_of_another)
	{
		static struct history history;
		struct counter from, seeded;
		uint64_t now = 7, window = seeds[_i].from * SECOND, short_window;

		random_state = 99;
		history.len = 0;
		counter_init(&from, seeds[_i].from);
		short_window =
			(seeds[_i].from < seeds[_i].to ? seeds[_i].from : seeds[_i].to) * SECOND;
		for (int event = 1; event < 600; event++) {
			charge_counter(&from, now, 1);
			remember(&history, now, 1);
			if (event % 40 == 0) {
				counter_init(&seeded, seeds[_i].to);
				ck_assert_int_eq(counter_seed(&seeded, &from, now, UINT64_MAX), 0);
				for (uint64_t on = 0; on < short_window; on += short_window / 200)
					ck_assert_uint_ge(counter_used(&seeded, seeded.seconds,
								  now + on),
						within(&history, now + on, short_window));
				ck_assert_uint_le(counter_used(&seeded, seeded.seconds, now),
					counter_used(&from, from.seconds, now));
				counter_free(&seeded);
			}
			/* Until 64 runs do not suffice, then a pause that empties the counter. */
			now += event % 200 == 0 ? window : random_below(window / 150);
		}
		counter_free(&from);
	}
END_TEST

START_TEST(an_empty_counter_seeds_nothing)
	{
		struct counter from, seeded;

		counter_init(&from, 60);
		counter_init(&seeded, 60);
		ck_assert_int_eq(counter_seed(&seeded, &from, 5, UINT64_MAX), 0);
		ck_assert_uint_eq(counter_used(&seeded, 60, 5), 0);
		counter_free(&seeded);
	}
END_TEST

/* Of more than allowed, the latest charges remain. */
START_TEST(a_seed_may_be_bounded)
	{
		struct counter from, seeded;

		counter_init(&from, 60);
		for (unsigned i = 1; i <= 10; i++)
			charge_counter(&from, i * SECOND, i);
		for (uint64_t max = 0; max <= 60; max++) {
			counter_init(&seeded, 60);
			ck_assert_int_eq(counter_seed(&seeded, &from, 10 * SECOND, max), 0);
			ck_assert_uint_eq(counter_used(&seeded, 60, 10 * SECOND),
				max < 55 ? max : 55);
			ck_assert_uint_eq(counter_used(&seeded, 60, 69 * SECOND + SECOND / 2),
				max < 10 ? max : 10);
			counter_free(&seeded);
		}
		counter_free(&from);
	}
END_TEST

static const unsigned many[] = { 1, 2, 3, 63, 64, 65, 1000 };
START_TEST(restored_runs_count_the_same)
	{
		struct counter counter, again;
		uint64_t now = 1000 * SECOND, last = 0;

		counter_init(&counter, 3600);
		for (unsigned i = 0; i < many[_i]; i++, now += SECOND)
			charge_counter(&counter, now, 1 + i % 3);
		counter_init(&again, counter.seconds);
		again.base = counter.base;
		again.coarse = counter.coarse;
		ck_assert_uint_eq(counter.coarse, many[_i] > COUNTER_RUNS_MAX ? 1 : 0);
		for (uint8_t i = 0; i < counter.len; i++) {
			const struct counter_run *run = &counter_runs(&counter)[i];

			ck_assert_uint_le(counter_run_start(&counter, run),
				counter_run_end(&counter, run));
			ck_assert_uint_gt(counter_run_start(&counter, run), last);
			last = counter_run_end(&counter, run);
			ck_assert_int_eq(counter_append(&again, run), 0);
		}
		ck_assert_uint_eq(again.len, counter.len);
		for (uint64_t at = now; at < now + 3700 * SECOND; at += 7 * SECOND)
			ck_assert_uint_eq(counter_used(&again, 3600, at),
				counter_used(&counter, 3600, at));
		counter_free(&counter);
		counter_free(&again);
	}
END_TEST

START_TEST(a_65th_run_is_refused)
	{
		struct counter counter;
		struct counter_run run = { 0, 1 };

		counter_init(&counter, 60);
		for (; run.tick < COUNTER_RUNS_MAX; run.tick++)
			ck_assert_int_eq(counter_append(&counter, &run), 0);
		ck_assert_int_eq(counter_append(&counter, &run), -1);
		ck_assert_uint_eq(counter.len, COUNTER_RUNS_MAX);
		ck_assert_uint_eq(counter_used(&counter, 60, 0), COUNTER_RUNS_MAX);
		/* Charging is still possible. */
		charge_counter(&counter, SECOND, 1);
		ck_assert_uint_eq(counter_used(&counter, 60, SECOND), COUNTER_RUNS_MAX + 1);
		counter_free(&counter);
	}
END_TEST

/*
 * Without permission to grow, now and then or always, a counter keeps to the memory that it has, or
 * to that of eight runs, and counts no charge less than its window or more than a quarter longer.
 */
START_TEST(a_counter_that_may_not_grow_counts_at_most_a_quarter_longer)
	{
		static uint64_t at[4000];
		const unsigned charges = unit_times_plain(COUNT(at), COUNT(at) / 4);
		const uint64_t window = windows[_i / 4] * SECOND, pace = window / 97;
		uint64_t now = 1000 * window, exact, most;
		struct counter counter;
		size_t bytes;

		counter_init(&counter, windows[_i / 4]);
		for (unsigned i = 0; i < charges; i++, now += 1 + i * pace % (2 * pace + 1)) {
			const bool may_grow = _i % 4 > 0 && i % 500 < (unsigned)_i % 4 * 20;

			bytes = counter_bytes(&counter);
			ck_assert_int_eq(counter_make_room(&counter, now, may_grow), 0);
			if (!may_grow && bytes > COUNTER_RUNS_LEAST * sizeof(struct counter_run))
				ck_assert_uint_le(counter_bytes(&counter), bytes);
			else if (!may_grow)
				ck_assert_uint_le(counter_bytes(&counter),
					COUNTER_RUNS_LEAST * sizeof(struct counter_run));
			counter_add(&counter, now, 1);
			at[i] = now;
			exact = most = 0;
			for (unsigned j = i + 1; j-- > 0 && at[j] + window + window / 4 > now;) {
				exact += at[j] + window > now;
				most++;
			}
			ck_assert_uint_ge(counter_used(&counter, windows[_i / 4], now), exact);
			ck_assert_uint_le(counter_used(&counter, windows[_i / 4], now), most);
		}
		counter_free(&counter);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_counter");
	TCase *tcase = tcase_create("ledger_counter");

	tcase_add_loop_test(tcase,
		never_counts_less_than_the_window_and_no_more_than_a_sixtieth_beyond, 0,
		COUNT(windows) * COUNT(paces));
	tcase_add_test(tcase, an_older_time_counts_as_the_last_one);
	tcase_add_test(tcase, up_to_64_runs_are_exact_to_a_millionth);
	tcase_add_test(tcase, a_leap_of_centuries_frees_all);
	tcase_add_loop_test(tcase, charges_count_to_their_end_when_ticks_become_coarse, 0,
		COUNT(windows));
	tcase_add_loop_test(tcase,
		a_key_that_is_never_idle_is_counted_right_for_thousands_of_windows, 0,
		COUNT(windows));
	tcase_add_test(tcase, uses_no_memory_until_a_second_moment_is_charged);
	tcase_add_test(tcase, a_count_that_would_overflow_stays_at_the_maximum);
	tcase_add_loop_test(tcase, a_new_window_starts_with_the_counts_of_another, 0, COUNT(seeds));
	tcase_add_test(tcase, an_empty_counter_seeds_nothing);
	tcase_add_test(tcase, a_seed_may_be_bounded);
	tcase_add_loop_test(tcase, restored_runs_count_the_same, 0, COUNT(many));
	tcase_add_test(tcase, a_65th_run_is_refused);
	tcase_add_loop_test(tcase, a_counter_that_may_not_grow_counts_at_most_a_quarter_longer, 0,
		4 * COUNT(windows));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
