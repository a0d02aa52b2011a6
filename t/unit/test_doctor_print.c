/*
 * The printed report of doctor: a summary, then findings under the heading of their harm with
 * commands on lines of their own, then what was not examined, in colours only where wanted.
 */
#include "ctl/doctor/doctor_print.h"

#include <string.h>

#include "t/unit/unit.h"

static char printed[4000];

static const char *print(const char *report, bool colour)
{
	json_t *json = json_loads(report, 0, NULL);
	FILE *out;

	memset(printed, 0, sizeof(printed));
	ck_assert_ptr_nonnull(json);
	ck_assert_ptr_nonnull(out = fmemopen(printed, sizeof(printed), "w"));
	doctor_print(out, json, colour);
	(void)fclose(out);
	json_decref(json);
	return printed;
}

START_TEST(a_report_without_findings_is_one_line)
	{
		static const char nothing[] = "{\"findings\": [], \"unexamined\": []}";

		ck_assert_str_eq(print(nothing, false), "no problem was found\n");
		ck_assert_str_eq(print(nothing, true), "\033[32mno problem was found\033[0m\n");
	}
END_TEST

START_TEST(findings_have_headings_and_commands)
	{
		ck_assert_str_eq(
			print("{\"findings\": [{\"harm\": \"mail\", \"subject\": \"sockets\", "
			      "\"problem\": \"p\\u001b\", \"effect\": \"E.\", \"cure\": \"C.\", "
			      "\"commands\": [{\"shell\": \"a 'b c'\"}, {\"shell\": \"d\"}, {\"sql\": "
			      "\"SELECT 1\"}]}, {\"harm\": \"advice\", \"subject\": \"users\", "
			      "\"problem\": \"q\", \"effect\": \"\", \"cure\": \"\", \"commands\": "
			      "[]}], \"unexamined\": [{\"subject\": \"system\", \"what\": \"w\", "
			      "\"why\": \"Y.\"}]}",
				false),
			"1 problem, 1 piece of advice; 1 matter could not be examined\n"
			"\n"
			"Everybody's mail or logins are refused, or wrongly accepted\n"
			"  sockets: p\\x1b\n"
			"      E.\n"
			"      C.\n"
			"      Run:\n"
			"          a 'b c'\n"
			"          d\n"
			"      In psql, run:\n"
			"          SELECT 1\n"
			"\n"
			"Advice\n"
			"  users: q\n"
			"\n"
			"Not examined\n"
			"  system: w\n"
			"      Y.\n");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("doctor_print");
	TCase *tcase = tcase_create("doctor_print");

	tcase_add_test(tcase, a_report_without_findings_is_one_line);
	tcase_add_test(tcase, findings_have_headings_and_commands);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
