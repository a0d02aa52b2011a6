/*
 * Shows that the failures of regexes are counted,
 * and that the latest is remembered.
 */
#include "milter/shared/regex_failures.h"

#include <string.h>

#include "t/unit/unit.h"

START_TEST(the_latest_is_remembered)
	{
		struct regex_failures *failures = regex_failures_new();
		struct finding finding = { .rule = "a.list:1 ran past its limits" };
		char rule[RULE_SIZE] = "unset";
		int64_t last = -1;

		ck_assert_ptr_nonnull(failures);
		ck_assert_uint_eq(regex_failures_read(failures, &last, rule), 0);
		ck_assert_int_eq(last, -1);
		ck_assert_str_eq(rule, "unset");
		regex_failures_add(failures, &finding, 5);
		strcpy(finding.rule, "b.list:2 ran past its limits");
		regex_failures_add(failures, &finding, 7);
		ck_assert_uint_eq(regex_failures_read(failures, &last, rule), 2);
		ck_assert_int_eq(last, 7);
		ck_assert_str_eq(rule, finding.rule);
		regex_failures_free(&failures);
		ck_assert_ptr_null(failures);
		regex_failures_free(&failures);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_failures");
	TCase *tests = tcase_create("regex_failures");

	tcase_add_test(tests, the_latest_is_remembered);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(make_suite)
