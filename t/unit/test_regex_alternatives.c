/*
 * Shows that each alternative of a regex is checked: what it requires before ^ and after $, and
 * whether it can match.
 */
#include <string.h>

#include "t/unit/lib/refusal.h"
#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct regex_row refused[] = {
	{ MAIL, ".*\\.ru$\t5", "requires text after $", ".*\\.ru$" },
	{ RCPT_RE, "@partner\\.example$ 5", "requires text after $", "@partner\\.example$" },
	{ HELO, "evil$ 5", "requires text after $", "evil$" },
	{ CLIENTS, "evil$x", "requires text after $", "evil$" },
	{ MAIL, "\"^.*@evil\\.example$", "requires text before ^", "" },
	{ MAIL, "a^b@x", "requires text before ^", "" },
	{ CLIENTS, "[192.0.2.7]", "matches one character", "" },
	{ CLIENTS, "\\.dyn\\.|\\.pool\\.", "no alternative that can match: \"\\.dyn\\.\" begins",
		".*\\.dyn\\..*|.*\\.pool\\..*" },
	{ CLIENTS, "(\\.dyn\\.|\\.pool\\.)", "no alternative", ".*\\.dyn\\..*|.*\\.pool\\..*" },
	{ CLIENTS, "^(?:192\\.168\\.|10\\.)$", "no alternative", "192\\.168\\..*|10\\..*" },
	{ CLIENTS, "\\.ru$|\\.su$", "no alternative", ".*\\.ru$|.*\\.su$" },
	{ CLIENTS, "\\[1\\]|a@b", "no alternative", "" },
	{ MAIL, "@a\\.example|@b\\.example",
		"no alternative that can match: \"@a\\.example\" begins",
		".*@a\\.example|.*@b\\.example" },
	{ MAIL, "(@a\\.example|@b\\.example)$", "no alternative", ".*@a\\.example|.*@b\\.example" },
	{ MAIL, "^spam@|^junk@", "no alternative", "spam@.*|junk@.*" },
	{ MAIL, "a\\.example|b\\.example", "no alternative", ".*@a\\.example|.*@b\\.example" },
	{ MAIL, "(@a\\.example)", "begins with @", ".*@a\\.example" },
	/* A whole alternative may be a group. */
	{ MAIL, "(@a\\.example)|(@b\\.example)", "no alternative",
		".*@a\\.example|.*@b\\.example" },
	{ MAIL, "(?:@a|(@b|(?:@c)))|^(@d)$", "no alternative", ".*@a|.*@b|.*@c|.*@d" },
	{ CLIENTS, "(\\.dyn\\.)|(\\.dsl\\.)", "no alternative", ".*\\.dyn\\..*|.*\\.dsl\\..*" },
	{ CLIENTS, "((\\.dyn\\.))", "begins with a dot", ".*\\.dyn\\..*" },
	{ CLIENTS, ".*(dyn|dsl)\\.", "ends with a dot", ".*(dyn|dsl)\\..*" },
	{ MAIL, "(@(a))|(@\\2)", "no alternative", "" }, /* groups would have other numbers */
	{ RCPT_RE, "^@a\\.example$|^@b\\.example$", "no alternative",
		".*@a\\.example$|.*@b\\.example$" },
};
START_TEST(a_regex_without_a_live_alternative_is_refused)
	{
		assert_regex_refused(&refused[_i]);
	}
END_TEST

static const struct {
	enum regex_subject subject;
	bool anchored;
	const char *text, *part, *right; /* part: NULL if each alternative may match */
} partly_dead[] = {
	{ CLIENTS, "dsl|\\.dyn\\.", "nothing: \"\\.dyn\\.\" begins with a dot",
		"dsl|.*\\.dyn\\..*" },
	{ CLIENTS, "^(dsl|\\.dyn\\.)$", "nothing: \"\\.dyn\\.\" begins", "dsl|.*\\.dyn\\..*" },
	{ CLIENTS, "unknown|.*\\.dyn\\..*", "nothing: \"unknown\" is a word", "" },
	{ CLIENTS, "dsl|a@b", "nothing: \"a@b\" requires", "" },
	{ MAIL, ".*@a\\.example|@b\\.example", "nothing: \"@b\\.example\" begins with @",
		".*@a\\.example|.*@b\\.example" },
	{ MAIL, "a@b|@" LONG, "begins with @", "" },
	{ MAIL, "evil\\.example|.*@evil\\.example", "is a domain",
		".*@evil\\.example|.*@evil\\.example" },
	{ MAIL, "(.*@a\\.example)|(@b\\.example)", "\"@b\\.example\" begins with @",
		".*@a\\.example|.*@b\\.example" },
	{ CLIENTS, "dsl|dyn", NULL, "" },
	{ RCPT_RE, "(@a)|(@b)", NULL, "" },
	{ CLIENTS, "\\.dyn\\.|\\.dsl\\.", NULL, "" },
	{ CLIENTS, "\\.dyn\\.", NULL, "" },
	{ MAIL, "a@(b|\\.c)", NULL, "" },
	{ MAIL, "|a@b", NULL, "" },
};
START_TEST(an_alternative_that_cannot_match_is_noted)
	{
		const char *text = partly_dead[_i].text, *part = partly_dead[_i].part;
		struct errmsg note = { "" };

		ck_assert_int_eq(regex_has_dead_part(partly_dead[_i].subject,
					 partly_dead[_i].anchored, text, strlen(text), &note),
			part != NULL);
		assert_refusal(&note, part == NULL ? "" : part, partly_dead[_i].right);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_alternatives");
	TCase *tcase = tcase_create("regex_alternatives");

	tcase_add_loop_test(tcase, a_regex_without_a_live_alternative_is_refused, 0, ROWS(refused));
	tcase_add_loop_test(tcase, an_alternative_that_cannot_match_is_noted, 0, ROWS(partly_dead));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
