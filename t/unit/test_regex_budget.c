/*
 * Shows that the time of the thread counts, not the time that has passed, and how seldom its clock
 * is read.
 */
#include "lib/match/regex_budget.h"

#include "t/unit/unit.h"

static uint64_t passed, used;
static unsigned looks, calls;

static uint64_t passed_ns(void)
{
	looks++;
	return passed;
}

static uint64_t used_ns(void)
{
	calls++;
	return used;
}

static const struct regex_clock fake_clock = { passed_ns, used_ns };
static struct regex_budget budget;

static void setup(void)
{
	passed = used = 1000;
	looks = calls = 0;
	budget = (struct regex_budget){ .clock = &fake_clock };
	regex_budget_begin(&budget);
}

START_TEST(is_spent_once_it_was_used)
	{
		ck_assert(!regex_budget_is_spent(&budget));
		passed += REGEX_BUDGET_NS;
		used += REGEX_BUDGET_NS;
		ck_assert(!regex_budget_is_spent(&budget));
		passed++;
		used++;
		ck_assert(regex_budget_is_spent(&budget));
		used = passed = 0; /* it stays spent */
		ck_assert(regex_budget_is_spent(&budget));
		regex_budget_begin(&budget);
		ck_assert(!regex_budget_is_spent(&budget));
	}
END_TEST

/* A decision with 1,000 regexes has no more than the 5 ms that every decision has. */
static const unsigned counts[] = { 0, 1000, 2500, 2501, 10000 };

START_TEST(grants_each_regex_some_time)
	{
		const uint64_t allowed = counts[_i] * REGEX_BUDGET_EACH_NS;

		ck_assert(!regex_budget_is_spent(&budget));
		for (unsigned i = 0; i < counts[_i]; i++)
			regex_budget_begin_match(&budget);
		passed += allowed > REGEX_BUDGET_NS ? allowed : REGEX_BUDGET_NS;
		used = passed;
		ck_assert(!regex_budget_is_spent(&budget));
		passed++;
		used++;
		ck_assert(regex_budget_is_spent(&budget));
	}
END_TEST

/* A pause counts no longer once it is known. */
START_TEST(charges_no_pause)
	{
		ck_assert(!regex_budget_is_spent(&budget));
		passed += 100 * REGEX_BUDGET_NS;
		ck_assert(!regex_budget_is_spent(&budget));
		ck_assert_uint_eq(calls, 2);
		passed += REGEX_BUDGET_NS;
		used += REGEX_BUDGET_NS;
		ck_assert(!regex_budget_is_spent(&budget));
		ck_assert_uint_eq(calls, 2);
		passed += REGEX_BUDGET_NS;
		ck_assert(!regex_budget_is_spent(&budget));
		passed += REGEX_BUDGET_NS;
		used++;
		ck_assert(regex_budget_is_spent(&budget));
	}
END_TEST

/* Nor does a pause of the regexes, whether or not there was a look before. */
START_TEST(charges_nothing_else)
	{
		uint64_t paused;

		for (int i = 0; i < 2; i++) {
			ck_assert(!regex_budget_is_spent(&budget));
			if (i == 0)
				regex_budget_begin(&budget);
			paused = regex_budget_pause(&budget);
			passed += 100 * REGEX_BUDGET_NS;
			used += 100 * REGEX_BUDGET_NS;
			regex_budget_resume(&budget, paused);
		}
		passed += REGEX_BUDGET_NS;
		used += REGEX_BUDGET_NS;
		ck_assert(!regex_budget_is_spent(&budget));
		passed++;
		used++;
		ck_assert(regex_budget_is_spent(&budget));
	}
END_TEST

/* The time before the first look is not that of regexes. */
START_TEST(begins_with_the_first_look)
	{
		passed += 100 * REGEX_BUDGET_NS;
		used = passed;
		ck_assert(!regex_budget_is_spent(&budget));
		ck_assert(!regex_budget_is_spent(&budget));
	}
END_TEST

START_TEST(looks_at_every_sixteenth_step)
	{
		for (int i = 0; i < 160; i++)
			ck_assert(!regex_budget_step(&budget));
		ck_assert_uint_eq(looks, 10);
		ck_assert_uint_eq(calls, 1);
		passed += 2 * REGEX_BUDGET_NS;
		used = passed;
		for (int i = 0; i < 15; i++)
			ck_assert(!regex_budget_step(&budget));
		ck_assert(regex_budget_step(&budget));
	}
END_TEST

/* Take sixteen steps, and return whether the last one ends the match; the others must not. */
static bool look(void)
{
	for (int i = 0; i < 15; i++)
		ck_assert(!regex_budget_step(&budget));
	return regex_budget_step(&budget);
}

static void begin_match(void)
{
	ck_assert(!regex_budget_is_spent(&budget));
	regex_budget_begin_match(&budget);
}

START_TEST(a_match_ends_when_it_has_used_its_time)
	{
		begin_match();
		passed += REGEX_MATCH_NS / 2;
		used = passed;
		ck_assert(!look());
		for (int i = 0; i < 2; i++) {
			ck_assert(!look());
			passed += REGEX_MATCH_NS / 4 + 1;
			used = passed;
		}
		ck_assert(!look());
		passed += REGEX_MATCH_NS / 4;
		used = passed;
		ck_assert(look());
		begin_match(); /* the next one has its own time */
		ck_assert(!look());
		ck_assert(!regex_budget_is_spent(&budget));
	}
END_TEST

START_TEST(a_pause_ends_no_match)
	{
		begin_match();
		for (int i = 0; i < 10; i++) {
			passed += 100 * REGEX_BUDGET_NS;
			ck_assert(!look());
		}
	}
END_TEST

START_TEST(has_no_bound_without_a_clock)
	{
		budget.clock = NULL;
		for (int i = 0; i < 160; i++)
			ck_assert(!regex_budget_step(&budget) && !regex_budget_is_spent(&budget));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_budget");
	TCase *tcase = tcase_create("regex_budget");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, is_spent_once_it_was_used);
	tcase_add_loop_test(tcase, grants_each_regex_some_time, 0,
		sizeof(counts) / sizeof(counts[0]));
	tcase_add_test(tcase, charges_no_pause);
	tcase_add_test(tcase, charges_nothing_else);
	tcase_add_test(tcase, begins_with_the_first_look);
	tcase_add_test(tcase, looks_at_every_sixteenth_step);
	tcase_add_test(tcase, a_match_ends_when_it_has_used_its_time);
	tcase_add_test(tcase, a_pause_ends_no_match);
	tcase_add_test(tcase, has_no_bound_without_a_clock);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
