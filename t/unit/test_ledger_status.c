/*
 * The section ledger describes the counts, and reports a ledger that a restart forgets.
 * t/integration/test_status.py shows the same for a daemon.
 */
#include "milter/ledger/ledger_status.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

static struct ledger_section section;
static struct status *registry;

static void setup(void)
{
	section = (struct ledger_section){ .ledger = ledger_new() };
	ck_assert_int_eq(ledger_file_open("", section.ledger, NULL, &section.file, NULL), 0);
	registry = status_new();
	ck_assert_int_eq(ledger_status_register(&section, registry), 0);
}

static void teardown(void)
{
	status_free(&registry);
	ledger_file_close(&section.file);
	ledger_free(&section.ledger);
}

START_TEST(an_empty_ledger_is_well)
	{
		json_t *sections = status_describe(registry), *problems = status_problems(registry);
		json_t *ledger = json_object_get(sections, "ledger");

		ck_assert_int_eq(json_integer_value(json_object_get(ledger, "keys")), 0);
		ck_assert(json_is_true(json_object_get(ledger, "outlives_restart")));
		ck_assert(json_is_null(json_object_get(ledger, "error")));
		ck_assert_uint_eq(json_array_size(problems), 0);
		json_decref(sections);
		json_decref(problems);
	}
END_TEST

START_TEST(counts_that_could_not_be_read_are_problems)
	{
		json_t *problems;

		section.load_problems = problems_new();
		problems_add(section.load_problems, "limits.state: no luck");
		problems_add(section.load_problems, "limits.state.7: none either");
		problems = status_problems(registry);
		ck_assert_uint_eq(json_array_size(problems), 2);
		ck_assert_str_eq(json_string_value(
					 json_object_get(json_array_get(problems, 1), "problem")),
			"counts of rate limits of earlier runs are left out: limits.state.7: none either");
		json_decref(problems);
		problems_free(&section.load_problems);
	}
END_TEST

START_TEST(a_torn_end_is_a_note)
	{
		json_t *problems, *notes;

		section.load_problems = problems_new();
		problems_note(section.load_problems, "limits.state.7: torn");
		problems = status_problems(registry);
		notes = status_notes(registry);
		ck_assert_uint_eq(json_array_size(problems), 0);
		ck_assert_uint_eq(json_array_size(notes), 1);
		json_decref(problems);
		json_decref(notes);
		problems_free(&section.load_problems);
	}
END_TEST

START_TEST(counts_that_a_restart_forgets_are_a_problem)
	{
		json_t *sections, *problems, *ledger, *problem;

		ledger_file_close(&section.file);
		ck_assert_int_eq(ledger_file_open("/proc/none/limits.state", section.ledger, NULL,
					 &section.file, NULL),
			0);
		sections = status_describe(registry);
		problems = status_problems(registry);
		ledger = json_object_get(sections, "ledger");
		problem = json_array_get(problems, 0);
		ck_assert(json_is_false(json_object_get(ledger, "outlives_restart")));
		ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(ledger, "error")),
			"limits.state.lock: No such file"));
		ck_assert_uint_eq(json_array_size(problems), 1);
		ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(problem, "problem")),
			"limits.state.lock: No such file"));
		json_decref(sections);
		json_decref(problems);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_status");
	TCase *tcase = tcase_create("ledger_status");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_empty_ledger_is_well);
	tcase_add_test(tcase, counts_that_could_not_be_read_are_problems);
	tcase_add_test(tcase, a_torn_end_is_a_note);
	tcase_add_test(tcase, counts_that_a_restart_forgets_are_a_problem);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
