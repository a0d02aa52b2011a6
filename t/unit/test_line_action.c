/*
 * Shows which words and reply codes of other programs' tables are actions, where in a line they
 * are found, and what a ! at its beginning means.
 */
#include "lib/rules/line_action.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	enum line_action action;
} words[] = {
	{ "OK", LINE_ALLOWS },
	{ "relay", LINE_ALLOWS },
	{ "Reject no thanks", LINE_DENIES },
	{ "ERROR:550 no", LINE_DENIES },
	{ "defer_if_permit", LINE_DENIES },
	{ "550", LINE_DENIES },
	{ "450\tlater", LINE_DENIES },
	{ "550:no", LINE_DENIES },
	{ "250", LINE_NO_ACTION },
	{ "55", LINE_NO_ACTION },
	{ "5500", LINE_NO_ACTION },
	{ "5x0", LINE_NO_ACTION },
	{ "REJECTED", LINE_NO_ACTION },
	{ "REJ", LINE_NO_ACTION },
	{ " OK", LINE_NO_ACTION },
	{ "", LINE_NO_ACTION },
};
START_TEST(a_text_begins_with_an_action)
	{
		const char *text = words[_i].text;

		ck_assert_int_eq(line_action_at(text, strlen(text)), words[_i].action);
	}
END_TEST

START_TEST(an_action_ends_with_the_text)
	{
		ck_assert_int_eq(line_action_at("REJECTED", 6), LINE_DENIES);
		ck_assert_int_eq(line_action_at("REJECT", 5), LINE_NO_ACTION);
	}
END_TEST

static const struct {
	const char *line;
	enum line_action usual, action;
} lines[] = {
	{ "a.example", LINE_DENIES, LINE_NO_ACTION },
	{ "a.example REJECT", LINE_DENIES, LINE_DENIES },
	{ "a.example\tOK", LINE_DENIES, LINE_ALLOWS },
	{ "a.example OK REJECT", LINE_DENIES, LINE_ALLOWS },
	{ "a.example 550 5.7.1 no", LINE_ALLOWS, LINE_DENIES },
	{ "a.example:REJECT", LINE_DENIES, LINE_NO_ACTION },
	{ "!a.example", LINE_DENIES, LINE_ALLOWS },
	{ "!a.example", LINE_ALLOWS, LINE_DENIES },
	{ "!a.example REJECT", LINE_ALLOWS, LINE_ALLOWS },
	{ "!a.example OK", LINE_DENIES, LINE_DENIES },
	{ "", LINE_DENIES, LINE_NO_ACTION },
};
START_TEST(a_line_has_the_action_of_its_first_word_that_is_one)
	{
		const char *line = lines[_i].line;

		ck_assert_int_eq(line_action_of(line, strlen(line), lines[_i].usual),
			lines[_i].action);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("line_action");
	TCase *tcase = tcase_create("line_action");

	tcase_add_loop_test(tcase, a_text_begins_with_an_action, 0,
		(int)(sizeof(words) / sizeof(words[0])));
	tcase_add_test(tcase, an_action_ends_with_the_text);
	tcase_add_loop_test(tcase, a_line_has_the_action_of_its_first_word_that_is_one, 0,
		(int)(sizeof(lines) / sizeof(lines[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
