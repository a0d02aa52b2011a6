/*
 * posternctl status prints any section: labels and units from the keys, problems first, nothing
 * that is null, no count that is zero, and at most twenty texts of a list.
 */
#include "ctl/status_print.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "t/unit/unit.h"

static char printed[20000];

static const char *print(const char *answer, bool colour)
{
	json_t *json = json_loads(answer, 0, NULL);
	FILE *out;

	memset(printed, 0, sizeof(printed));
	ck_assert_ptr_nonnull(json);
	ck_assert_ptr_nonnull(out = fmemopen(printed, sizeof(printed), "w"));
	status_print(out, json, colour);
	(void)fclose(out);
	json_decref(json);
	return printed;
}

static const struct {
	const char *section, *line;
} lines[] = {
	{ "{\"users\": 7}", "  users                   7\n" },
	{ "{\"users\": 0}", "  users                   0\n" },
	{ "{\"users_bytes\": 7}", "  users bytes             7\n" },
	{ "{\"age_seconds\": 7}", "  age                     7 s\n" },
	{ "{\"age_seconds\": 90}", "  age                     1 min 30 s\n" },
	{ "{\"age_seconds\": 7205}", "  age                     2 h 0 min\n" },
	{ "{\"age_seconds\": 180000}", "  age                     2 d 2 h\n" },
	{ "{\"since_at\": 86400}", "  since                   1970-01-02 00:00:00\n" },
	{ "{\"has_feed\": true}", "  has feed                yes\n" },
	{ "{\"has_feed\": false}", "  has feed                no\n" },
	{ "{\"server\": \"db1\\u001b[31m\"}", "  server                  db1\\x1b[31m\n" },
	{ "{\"error\": null}", "\n" },
	{ "{\"entries\": {\"access.domains\": 3, \"mail_from.access.whitelist\": 0}}",
		"  entries  access.domains 3\n" },
	{ "{\"v\": {\"mail\": {\"header_from\": {\"fail\": 3}}}}",
		"  v  mail  header from  fail 3\n" },
};

START_TEST(a_key_determines_label_and_unit) /* one run a row */
	{
		char answer[500], expected[500];

		(void)snprintf(answer, sizeof(answer),
			"{\"ok\": true, \"problems\": [], \"part\": %s}", lines[_i].section);
		(void)snprintf(expected, sizeof(expected), "no problems\n\npart\n%s",
			strcmp(lines[_i].line, "\n") == 0 ? "" : lines[_i].line);
		ck_assert_str_eq(print(answer, false), expected);
	}
END_TEST

START_TEST(problems_come_first_with_their_remedies)
	{
		ck_assert_str_eq(
			print("{\"ok\": true, \"problems\": [{\"section\": \"database\", "
			      "\"problem\": \"not reached\\u0007\", \"remedy\": \"Wait.\"}], "
			      "\"database\": {\"state\": \"down\"}}",
				false),
			"1 problem\n"
			"  database: not reached\\x07\n"
			"      Wait.\n"
			"\n"
			"database\n"
			"  state                   down\n");
	}
END_TEST

START_TEST(notes_follow_the_problems)
	{
		ck_assert_str_eq(print("{\"ok\": true, \"problems\": [], \"notes\": [{\"section\": "
				       "\"daemon\", \"note\": \"loose\\u0007\", \"remedy\": "
				       "\"Tighten it.\"}]}",
					 false),
			"no problems\n"
			"1 note\n"
			"  daemon: loose\\x07\n"
			"      Tighten it.\n");
	}
END_TEST

START_TEST(long_lists_of_texts_are_cut)
	{
		static const struct {
			const char *counts, *want;
		} rows[] = {
			{ "]", "and 3 more: see --json\n" },
			{ "], \"problem_count\": 23, \"note_count\": 99",
				"and 3 more: see --json\n" },
			{ "], \"problem_count\": 500",
				"and 480 more: see --json, which has the first of each file or "
				"table\n" },
		};
		char answer[2000] = "{\"problems\": [], \"cache\": {\"problems\": [\"p0\"";

		for (int i = 1; i < 23; i++)
			(void)snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer),
				", \"p%d\"", i);
		(void)snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer), "%s}}",
			rows[_i].counts);
		(void)print(answer, false);
		ck_assert_ptr_nonnull(strstr(printed,
			"  problems                p0\n"
			"                          p1\n"));
		ck_assert_ptr_nonnull(strstr(printed, "p19\n"));
		ck_assert_ptr_null(strstr(printed, "p20\n"));
		ck_assert_ptr_nonnull(strstr(printed, rows[_i].want));
	}
END_TEST

START_TEST(colours_are_printed_only_when_wanted)
	{
		const char *answer = "{\"problems\": [], \"log\": {\"lines\": 1}}";

		ck_assert_ptr_null(strchr(print(answer, false), '\033'));
		ck_assert_ptr_nonnull(strchr(print(answer, true), '\033'));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("status_print");
	TCase *tcase = tcase_create("status_print");

	(void)setenv("TZ", "UTC", 1);
	tzset();
	tcase_add_loop_test(tcase, a_key_determines_label_and_unit, 0,
		sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(tcase, problems_come_first_with_their_remedies);
	tcase_add_test(tcase, notes_follow_the_problems);
	tcase_add_loop_test(tcase, long_lists_of_texts_are_cut, 0, 3);
	tcase_add_test(tcase, colours_are_printed_only_when_wanted);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
