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

/* Let time pass, all of which the thread uses. */
static void use(uint64_t ns)
{
	passed += ns;
	used += ns;
}

static bool is_spent(void)
{
	return regex_budget_is_spent(&budget);
}

/* Begin a decision, and let so much time pass that its processor time is read. */
static void begin_metered(void)
{
	ck_assert(!is_spent());
	use(REGEX_BUDGET_UNREAD_NS + 1);
	ck_assert(!is_spent());
	ck_assert_uint_eq(calls, 1);
	passed--; /* only the unread time counts */
	used--;
}

START_TEST(is_spent_once_it_was_used)
	{
		begin_metered();
		use(REGEX_BUDGET_NS - REGEX_BUDGET_UNREAD_NS + 1);
		ck_assert(!is_spent());
		use(1);
		ck_assert(is_spent());
		used = passed = 0; /* it stays spent */
		ck_assert(is_spent());
		regex_budget_begin(&budget);
		ck_assert(!is_spent());
	}
END_TEST

/* A decision with 1,000 regexes has no more than the 5 ms that every decision has. */
static const unsigned counts[] = { 0, 1000, 2500, 2501, 10000 };

START_TEST(grants_each_regex_some_time)
	{
		const uint64_t granted = counts[_i] * REGEX_BUDGET_EACH_NS;
		const uint64_t allowed = granted > REGEX_BUDGET_NS ? granted : REGEX_BUDGET_NS;

		begin_metered();
		for (unsigned i = 0; i < counts[_i]; i++)
			ck_assert(regex_budget_begin_match(&budget, 0));
		use(allowed - REGEX_BUDGET_UNREAD_NS + 1);
		ck_assert(!is_spent());
		use(1);
		ck_assert(is_spent());
		ck_assert(!regex_budget_begin_match(&budget, 0));
	}
END_TEST

/* A pause does not count, whether before the processor time is first read or later, once it is
 * known. */
START_TEST(charges_no_pause)
	{
		ck_assert(!is_spent());
		passed += 100 * REGEX_BUDGET_NS;
		ck_assert(!is_spent());
		passed += 100 * REGEX_BUDGET_NS;
		ck_assert(!is_spent());
		ck_assert_uint_eq(calls, 2);
		use(REGEX_BUDGET_NS - REGEX_BUDGET_UNREAD_NS);
		ck_assert(!is_spent());
		ck_assert_uint_eq(calls, 2);
		passed += REGEX_BUDGET_NS;
		ck_assert(!is_spent());
		passed += REGEX_BUDGET_NS;
		used++;
		ck_assert(is_spent());
	}
END_TEST

/* Nor does a pause of the regexes, whether or not there was a look before. */
START_TEST(charges_nothing_else)
	{
		uint64_t paused;

		for (int i = 0; i < 2; i++) {
			ck_assert(!is_spent());
			if (i == 0)
				regex_budget_begin(&budget);
			paused = regex_budget_pause(&budget);
			use(100 * REGEX_BUDGET_NS);
			regex_budget_resume(&budget, paused);
		}
		use(REGEX_BUDGET_NS - REGEX_BUDGET_UNREAD_NS);
		ck_assert(!is_spent());
		use(1);
		ck_assert(is_spent());
	}
END_TEST

/* The time before the first look is not that of regexes. */
START_TEST(begins_with_the_first_look)
	{
		use(100 * REGEX_BUDGET_NS);
		ck_assert(!is_spent());
		ck_assert(!is_spent());
		ck_assert_uint_eq(calls, 0);
	}
END_TEST

START_TEST(looks_at_every_sixteenth_step)
	{
		for (int i = 0; i < 160; i++)
			ck_assert(!regex_budget_step(&budget));
		ck_assert_uint_eq(looks, 10);
		begin_metered();
		use(2 * REGEX_BUDGET_NS);
		for (int i = 0; i < 15; i++)
			ck_assert(!regex_budget_step(&budget));
		ck_assert(regex_budget_step(&budget));
	}
END_TEST

/* The clock is read at each sixteenth of ten thousand ordinary matches, and at each match that may
 * take long; nothing reads the processor time. */
START_TEST(looks_as_often_as_the_work_demands)
	{
		for (int i = 0; i < 10000; i++)
			ck_assert(regex_budget_begin_match(&budget, REGEX_BUDGET_STEP_WORK - 1));
		ck_assert_uint_eq(looks, 10000 / REGEX_BUDGET_STEPS);
		looks = 0;
		for (int i = 0; i < 10; i++)
			ck_assert(regex_budget_begin_match(&budget,
				(REGEX_BUDGET_STEPS - 1) * REGEX_BUDGET_STEP_WORK));
		ck_assert_uint_eq(looks, 10);
		ck_assert_uint_eq(calls, 0);
		looks = 0;
		for (int i = 0; i < 10; i++) {
			ck_assert(regex_budget_begin_match(&budget, 0));
			for (unsigned k = 0; k < REGEX_BUDGET_STEPS - 1; k++)
				ck_assert(!regex_budget_step(&budget));
		}
		ck_assert_uint_eq(looks, 10);
	}
END_TEST

/* Between two steps of a match, time passes that grows with its regex and subject. */
START_TEST(looks_within_a_match_as_often_as_its_work_demands)
	{
		static const unsigned each[] = { 1, 4, REGEX_BUDGET_STEPS };

		for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
			ck_assert(regex_budget_begin_match(&budget,
				(each[i] - 1) * REGEX_BUDGET_STEP_WORK));
			ck_assert(!is_spent());
			looks = 0;
			for (unsigned k = 0; k < REGEX_BUDGET_STEPS; k++)
				ck_assert(!regex_budget_step(&budget));
			ck_assert_uint_eq(looks, each[i]);
		}
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
	ck_assert(regex_budget_begin_match(&budget, 0));
	while (budget.steps > 0)
		ck_assert(!regex_budget_step(&budget));
	ck_assert(!look());
}

START_TEST(a_match_ends_when_it_has_used_its_time)
	{
		begin_match();
		use(REGEX_MATCH_NS / 2);
		ck_assert(!look());
		for (int i = 0; i < 2; i++) {
			ck_assert(!look());
			use(REGEX_MATCH_NS / 4 + 1);
		}
		ck_assert(!look());
		use(REGEX_MATCH_NS / 4);
		ck_assert(look());
		begin_match(); /* the next one has its own time */
		ck_assert(!look());
		ck_assert(!is_spent());
	}
END_TEST

/* Matches before it may have been too short for a look. */
START_TEST(a_match_does_not_pay_for_those_before)
	{
		begin_match();
		use(REGEX_MATCH_NS);
		ck_assert(regex_budget_begin_match(&budget, 0));
		ck_assert(!regex_budget_step(&budget));
		for (int i = 0; i < 4; i++) {
			ck_assert(!look());
			use(REGEX_MATCH_NS / 8);
		}
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
			ck_assert(!regex_budget_step(&budget) && !is_spent() &&
				regex_budget_begin_match(&budget, UINT64_MAX / 2));
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
	tcase_add_test(tcase, looks_as_often_as_the_work_demands);
	tcase_add_test(tcase, looks_within_a_match_as_often_as_its_work_demands);
	tcase_add_test(tcase, a_match_ends_when_it_has_used_its_time);
	tcase_add_test(tcase, a_match_does_not_pay_for_those_before);
	tcase_add_test(tcase, a_pause_ends_no_match);
	tcase_add_test(tcase, has_no_bound_without_a_clock);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
