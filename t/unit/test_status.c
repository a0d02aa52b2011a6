/*
 * The registry of status sections shows every registered section and what is wrong with each, in
 * the order of registration.
 */
#include "milter/shared/status.h"

#include <string.h>

#include "t/unit/unit.h"

static json_t *describe_number(void *context)
{
	return json_pack("{s:i}", "number", *(int *)context);
}

static json_t *describe_nothing(void *context)
{
	(void)context;
	return NULL;
}

static void report_some(void *context, struct status_health *health)
{
	status_add_problem(health, "Turn it.", "wheel %d stands", *(int *)context);
	status_name_last(health, "wheel_stands");
	status_add_problem(health, "Wait.", "%s", "wheel \xff");
	status_add_note(health, "Oil it.", "wheel %d squeaks", *(int *)context);
	status_add_count(health, false, 5, "See the section.", "%d wheels are flat", 5);
	status_add_count(health, true, 6, "See the section.", "%d wheels are worn", 6);
}

static void report_long(void *context, struct status_health *health)
{
	char text[5000];

	(void)context;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	status_add_problem(health, "Cut it.", "%s", text);
}

static const char *problem_text(json_t *problems, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(problems, i), key));
}

START_TEST(an_empty_registry_describes_nothing)
	{
		struct status *status = status_new();
		json_t *sections = status_describe(status), *problems = status_problems(status);

		ck_assert_uint_eq(json_object_size(sections), 0);
		ck_assert(json_is_array(problems));
		ck_assert_uint_eq(json_array_size(problems), 0);
		json_decref(sections);
		json_decref(problems);
		status_free(&status);
		ck_assert_ptr_null(status);
		status_free(&status);
	}
END_TEST

START_TEST(sections_are_described_in_the_order_of_registration)
	{
		static const char *const names[] = { "zebra", "ant", "mole" };
		struct status *status = status_new();
		int numbers[] = { 7, 8, 9 };
		json_t *sections, *section;
		const char *key;
		int at = 0;

		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(status_register(status,
						 &(struct status_section){ .name = names[i],
							 .context = &numbers[i],
							 .describe = describe_number }),
				0);
		sections = status_describe(status);
		json_object_foreach (sections, key, section) {
			ck_assert_int_lt(at, 3);
			ck_assert_str_eq(key, names[at]);
			ck_assert_int_eq(json_integer_value(json_object_get(section, "number")),
				numbers[at]);
			at++;
		}
		ck_assert_int_eq(at, 3);
		json_decref(sections);
		status_free(&status);
	}
END_TEST

START_TEST(problems_and_notes_contain_their_section_and_a_remedy)
	{
		struct status *status = status_new();
		int number = 3;
		json_t *problems, *notes;

		(void)status_register(status,
			&(struct status_section){ .name = "well",
				.context = &number,
				.describe = describe_number });
		(void)status_register(status,
			&(struct status_section){ .name = "ill",
				.context = &number,
				.describe = describe_number,
				.health = report_some });
		problems = status_problems(status);
		ck_assert_uint_eq(json_array_size(problems), 3);
		ck_assert_str_eq(problem_text(problems, 0, "section"), "ill");
		ck_assert_str_eq(problem_text(problems, 0, "problem"), "wheel 3 stands");
		ck_assert_str_eq(problem_text(problems, 0, "remedy"), "Turn it.");
		ck_assert_str_eq(problem_text(problems, 1, "problem"), "wheel \\xff");
		ck_assert_ptr_null(json_object_get(json_array_get(problems, 1), "count"));
		ck_assert_str_eq(problem_text(problems, 0, "name"), "wheel_stands");
		ck_assert_ptr_null(problem_text(problems, 1, "name"));
		ck_assert_str_eq(problem_text(problems, 2, "problem"), "5 wheels are flat");
		ck_assert_int_eq(json_integer_value(
					 json_object_get(json_array_get(problems, 2), "count")),
			5);
		json_decref(problems);
		notes = status_notes(status);
		ck_assert_uint_eq(json_array_size(notes), 2);
		ck_assert_str_eq(problem_text(notes, 0, "section"), "ill");
		ck_assert_str_eq(problem_text(notes, 0, "note"), "wheel 3 squeaks");
		ck_assert_str_eq(problem_text(notes, 0, "remedy"), "Oil it.");
		ck_assert_str_eq(problem_text(notes, 1, "note"), "6 wheels are worn");
		json_decref(notes);
		status_free(&status);
	}
END_TEST

START_TEST(a_long_problem_is_cut)
	{
		struct status *status = status_new();
		json_t *problems;

		(void)status_register(status,
			&(struct status_section){ .name = "long",
				.describe = describe_nothing,
				.health = report_long });
		problems = status_problems(status);
		ck_assert_uint_eq(strlen(problem_text(problems, 0, "problem")), 1023);
		json_decref(problems);
		status_free(&status);
	}
END_TEST

START_TEST(a_section_without_memory_fails_the_description)
	{
		struct status *status = status_new();

		(void)status_register(status,
			&(struct status_section){ .name = "poor", .describe = describe_nothing });
		ck_assert_ptr_null(status_describe(status));
		status_free(&status);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("status");
	TCase *tcase = tcase_create("status");

	tcase_add_test(tcase, an_empty_registry_describes_nothing);
	tcase_add_test(tcase, sections_are_described_in_the_order_of_registration);
	tcase_add_test(tcase, problems_and_notes_contain_their_section_and_a_remedy);
	tcase_add_test(tcase, a_long_problem_is_cut);
	tcase_add_test(tcase, a_section_without_memory_fails_the_description);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
