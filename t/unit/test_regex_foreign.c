/*
 * Shows which lines of regex lists are taken for those of another program's table, and what is
 * proposed for them.
 */
#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct regex_row refused[] = {
	{ MAIL, "/evil/", "has slashes around the regex", ".*evil.*" },
	{ MAIL, "/^evil/", "has slashes around the regex", "evil.*" },
	{ MAIL, "/@evil\\.example$/", "has slashes around the regex", ".*@evil\\.example" },
	{ MAIL, "/^a@evil\\.example$/i", "has slashes around the regex", "a@evil\\.example" },
	{ MAIL, "/a|b/", "has slashes around the regex", ".*(?:a|b).*" },
	{ MAIL, "/@evil\\.example$/ REJECT", "and an action after it", ".*@evil\\.example" },
	{ MAIL, "/@evil\\.example$/i\t550 5.7.1 No", "and an action after it",
		".*@evil\\.example" },
	{ MAIL, "!/@good\\.example$/ REJECT", "and an action after it", ".*@good\\.example" },
	{ MAIL, ".*@evil\\.example REJECT", "has an action after the regex", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example\tdiscard", "has an action after the regex",
		".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example  OK", "has an action after the regex", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example ERROR:5.7.1:550 No", "has an action after the regex",
		".*@evil\\.example" },
	{ MAIL, "/evil/i 10", "slashes around the regex, and an action after it", ".*evil.*" },
	{ HELO, "/^ylmf-pc$/ -1.5", "slashes around the regex, and an action after it", "ylmf-pc" },
	{ MAIL, "\"^.*@evil\\.example$\"", "has quotes around the regex", "^.*@evil\\.example$" },
	{ MAIL, "*@evil.example", "is a wildcard", ".*@evil\\.example" },
	{ CLIENTS, "*.dyn\\.example", "is a wildcard", ".*\\.dyn\\.example" },
	{ CLIENTS, "(?i)dyn\\.example", "begins with (?i)", "dyn\\.example" },
	{ MAIL, "if /^a/", "is a condition", "" },
	{ MAIL, "if !/^a/", "is a condition", "" },
	{ MAIL, "endif", "is a condition", "" },
	{ MAIL, "ENDIF", "is a condition", "" },
	{ CLIENTS, "/^dyn/i REJECT", "and an action after it", "dyn.*" },
	{ CLIENTS, "\".*\\.dyn\\.example\"", "has quotes around the regex", ".*\\.dyn\\.example" },
	{ HELO, "/^ylmf-pc$/ REJECT", "and an action after it", "ylmf-pc" },
	{ HELO, "/ylmf-pc/", "has slashes around the regex", ".*ylmf-pc.*" },
	{ HELO, "ylmf-pc DUNNO", "has an action after the regex", "ylmf-pc" },
	{ RCPT_RE, "/@partner\\.example$/i", "has slashes around the regex",
		"@partner\\.example$" },
	{ RCPT_RE, "@partner\\.example$ OK", "has an action after the regex",
		"@partner\\.example$" },
	{ MAIL, "evil.example 550", "has an action after the regex", ".*@evil.example" },
	{ MAIL, "@evil\\.example REJECT", "has an action after the regex", ".*@evil\\.example" },
	{ MAIL, "<a@evil\\.example> OK", "has an action after the regex", "a@evil\\.example" },
	{ MAIL, "*@evil.example REJECT", "has an action after the regex", ".*@evil\\.example" },
	{ MAIL, "(?i)@evil\\.example", "begins with (?i)", ".*@evil\\.example" },
	{ MAIL, "'a@evil\\.example'", "has quotes around the regex", "a@evil\\.example" },
	{ MAIL, "\"a@evil\\.example\"", "has quotes around the regex", "a@evil\\.example" },
	{ MAIL, "\"evil\\.example\" REJECT", "an action after", ".*@evil\\.example" },
	{ CLIENTS, "'dyn\\.example'", "has quotes around the regex", "dyn\\.example" },
	{ MAIL, "regexp:a@evil\\.example", "begins with regexp:", "a@evil\\.example" },
	{ MAIL, "pcre:/@evil\\.example$/ REJECT", "begins with pcre:", ".*@evil\\.example" },
	{ MAIL, "~ a@evil\\.example", "begins with ~", "a@evil\\.example" },
	{ MAIL, "m/@evil\\.example$/", "has slashes around the regex", ".*@evil\\.example" },
	{ CLIENTS, "192.0.2.0/24 REJECT", "has an action after the regex", "" },
};
START_TEST(a_line_of_another_form_is_refused)
	{
		assert_regex_refused(&refused[_i]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_foreign");
	TCase *tcase = tcase_create("regex_foreign");

	tcase_add_loop_test(tcase, a_line_of_another_form_is_refused, 0, ROWS(refused));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
