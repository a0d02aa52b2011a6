/*
 * The report of doctor: findings are in the order of harm, belong to the subject of their
 * examination, and contain text from outside only in a visible form.
 */
#include "ctl/doctor/doctor.h"

#include <string.h>

#include "t/unit/unit.h"

static struct doctor doctor;

static void setup(void)
{
	ck_assert_ptr_nonnull(doctor.report = doctor_report_new());
}

static void teardown(void)
{
	doctor_report_free(&doctor.report);
	json_decref((json_t *)doctor.status);
	doctor.status = NULL;
}

static json_t *report(void)
{
	json_t *json = doctor_report_json(doctor.report);

	ck_assert_ptr_nonnull(json);
	ck_assert(!doctor_report_failed(doctor.report));
	return json;
}

static const char *text_at(const json_t *json, const char *array, size_t i, const char *key)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(json, array), i), key));
}

START_TEST(findings_are_in_the_order_of_harm)
	{
		json_t *json;

		doctor_report_begin(doctor.report, "one");
		doctor_find(&doctor, DOCTOR_ADVICE, "advice");
		doctor_find(&doctor, DOCTOR_MAIL, "mail");
		doctor_report_begin(doctor.report, "two");
		doctor_find(&doctor, DOCTOR_SECURITY, "security");
		doctor_find(&doctor, DOCTOR_MAIL, "mail %d", 2);
		json = report();
		ck_assert_str_eq(text_at(json, "findings", 0, "problem"), "mail");
		ck_assert_str_eq(text_at(json, "findings", 0, "subject"), "one");
		ck_assert_str_eq(text_at(json, "findings", 0, "harm"), "mail");
		ck_assert_str_eq(text_at(json, "findings", 1, "problem"), "mail 2");
		ck_assert_str_eq(text_at(json, "findings", 1, "subject"), "two");
		ck_assert_str_eq(text_at(json, "findings", 2, "harm"), "security");
		ck_assert_str_eq(text_at(json, "findings", 3, "harm"), "advice");
		ck_assert_uint_eq(doctor_report_count(doctor.report, DOCTOR_MAIL), 2);
		ck_assert_uint_eq(doctor_report_count(doctor.report, DOCTOR_SOON), 0);
		json_decref(json);
	}
END_TEST

START_TEST(a_finding_has_effect_cure_and_commands)
	{
		json_t *json, *commands, *wanted;
		struct doctor_finding *finding = doctor_find(&doctor, DOCTOR_SOON, "x\x1b[1m\xff");

		doctor_effect(finding, "Mail %s.", "waits");
		doctor_cure(finding, "Run this.");
		doctor_shell(finding, "rm", "a b", "c\n", (const char *)NULL); /* not pasteable */
		doctor_shell(finding, "rm", "a b", "\x1b", (const char *)NULL);
		doctor_shell_line(finding, "%s | cat", "x");
		doctor_sql(finding, "SELECT %d", 1);
		json = report();
		ck_assert_str_eq(text_at(json, "findings", 0, "problem"), "x\\x1b[1m\\xff");
		ck_assert_str_eq(text_at(json, "findings", 0, "effect"), "Mail waits.");
		ck_assert_str_eq(text_at(json, "findings", 0, "cure"), "Run this.");
		commands = json_object_get(json_array_get(json_object_get(json, "findings"), 0),
			"commands");
		wanted = json_pack("[{s:s}, {s:s}, {s:s}]", "shell",
			"rm 'a b' \"$(printf '\\033')\"", "shell", "x | cat", "sql", "SELECT 1");
		ck_assert(json_equal(commands, wanted));
		json_decref(wanted);
		json_decref(json);
	}
END_TEST

START_TEST(matters_that_were_not_examined_have_a_reason)
	{
		json_t *json;

		doctor_report_begin(doctor.report, "sockets");
		doctor_unexamined(&doctor, "Run doctor as root.", "the socket of %s", "smtp\n");
		json = report();
		ck_assert_str_eq(text_at(json, "unexamined", 0, "subject"), "sockets");
		ck_assert_str_eq(text_at(json, "unexamined", 0, "what"), "the socket of smtp\\x0a");
		ck_assert_str_eq(text_at(json, "unexamined", 0, "why"), "Run doctor as root.");
		ck_assert_uint_eq(doctor_report_unexamined(doctor.report), 1);
		json_decref(json);
	}
END_TEST

START_TEST(the_status_is_searched_for_a_text)
	{
		ck_assert(!doctor_status_has(&doctor, "x"));
		doctor.status = json_loads("{\"problems\": [{\"problem\": \"file x: bad\"}], "
					   "\"notes\": [{\"note\": \"y\"}]}",
			0, NULL);
		ck_assert_ptr_nonnull(doctor.status);
		ck_assert(doctor_status_has(&doctor, "file x"));
		ck_assert(doctor_status_has(&doctor, "y"));
		ck_assert(!doctor_status_has(&doctor, "z"));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tcase = tcase_create("doctor");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, findings_are_in_the_order_of_harm);
	tcase_add_test(tcase, a_finding_has_effect_cure_and_commands);
	tcase_add_test(tcase, matters_that_were_not_examined_have_a_reason);
	tcase_add_test(tcase, the_status_is_searched_for_a_text);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
