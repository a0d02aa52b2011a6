/*
 * The bound on equal log lines: ten in a minute are admitted, the others are counted and reported
 * when the minute is over, and no number of other lines makes room for a line that repeats.
 */
#include "milter/log/repeats.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/hash.h"
#include "t/unit/unit.h"

static struct repeats repeats;
static struct repeats_report report;

static bool admit_at(const char *text, uint32_t level, int64_t now)
{
	const size_t len = strlen(text);
	const struct repeats_line line = { hash_bytes(text, len), level, text, len };

	return repeats_admit(&repeats, &line, now, &report);
}

/* Returns how many of `count` equal lines are admitted. */
static unsigned admit_many(const char *text, unsigned count, int64_t now)
{
	unsigned admitted = 0;

	for (unsigned i = 0; i < count; i++)
		admitted += admit_at(text, 3, now) ? 1 : 0;
	return admitted;
}

static void teardown(void)
{
	repeats_clear(&repeats);
}

START_TEST(ten_equal_lines_a_minute_are_admitted)
	{
		ck_assert_uint_eq(admit_many("same", 1000, 0), REPEATS_MAX);
		ck_assert_uint_eq(admit_many("same", 1000, 59999), 0);
		ck_assert(!repeats_end(&repeats, 59999, &report));
		ck_assert(repeats_end(&repeats, 60000, &report));
		ck_assert_uint_eq(report.suppressed, 2000 - REPEATS_MAX);
		ck_assert_uint_eq(report.level, 3);
		ck_assert_str_eq(report.text, "same");
		ck_assert(!repeats_end(&repeats, 60000, &report));
		ck_assert_uint_eq(admit_many("same", 1000, 60001), REPEATS_MAX);
	}
END_TEST

START_TEST(a_line_of_the_next_minute_brings_the_report)
	{
		ck_assert_uint_eq(admit_many("same", 12, 0), REPEATS_MAX);
		ck_assert(admit_at("same", 3, 60000));
		ck_assert_uint_eq(report.suppressed, 2);
		ck_assert(!repeats_end(&repeats, INT64_MAX, &report));
	}
END_TEST

START_TEST(few_equal_lines_make_no_report)
	{
		ck_assert_uint_eq(admit_many("same", REPEATS_MAX, 0), REPEATS_MAX);
		ck_assert(!repeats_end(&repeats, INT64_MAX, &report));
		ck_assert(admit_at("same", 3, 60000));
		ck_assert_uint_eq(report.suppressed, 0);
	}
END_TEST

START_TEST(lines_that_differ_are_not_equal)
	{
		ck_assert_uint_eq(admit_many("same", 100, 0), REPEATS_MAX);
		ck_assert_uint_eq(admit_many("Same", 100, 0), REPEATS_MAX);
		ck_assert(admit_at("same", 4, 0)); /* another level */
	}
END_TEST

START_TEST(other_lines_do_not_displace_one_that_repeats)
	{
		const unsigned times = unit_times(200000);
		unsigned admitted = 0, others = 0;
		char text[32];

		for (unsigned i = 0; i < times; i++) {
			(void)snprintf(text, sizeof(text), "line %u", i);
			others += admit_at(text, 3, 0) ? 1 : 0;
			ck_assert_uint_eq(report.suppressed, 0);
			admitted += admit_at("same", 3, 0) ? 1 : 0;
		}
		ck_assert_uint_eq(others, times);
		ck_assert_uint_le(admitted, 2 * REPEATS_MAX);
	}
END_TEST

START_TEST(a_long_line_is_cut_in_the_report)
	{
		char text[1000];

		memset(text, 'x', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		(void)admit_many(text, 20, 0);
		ck_assert(repeats_end(&repeats, INT64_MAX, &report));
		ck_assert_uint_eq(strlen(report.text), REPEATS_TEXT_SIZE - 1);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("repeats");
	TCase *tcase = tcase_create("repeats");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, ten_equal_lines_a_minute_are_admitted);
	tcase_add_test(tcase, a_line_of_the_next_minute_brings_the_report);
	tcase_add_test(tcase, few_equal_lines_make_no_report);
	tcase_add_test(tcase, lines_that_differ_are_not_equal);
	tcase_add_test(tcase, other_lines_do_not_displace_one_that_repeats);
	tcase_add_test(tcase, a_long_line_is_cut_in_the_report);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
