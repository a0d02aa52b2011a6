/*
 * Shows that what is proposed in place of a regex is a whole regex, or nothing: a part of the right
 * form would be another regex.
 */
#include <string.h>

#include "t/unit/lib/refusal.h"
#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct regex_row refused[] = {
	/* It cannot be compiled. */
	{ MAIL, "@evil(", "begins with @", "" },
	{ MAIL, "@x[", "begins with @", "" },
	{ CLIENTS, "*.(dyn", "is a wildcard", "" },
	{ HELO, "/a(b/", "has slashes around the regex", "" },
	{ CLIENTS, "\"a(b\"", "has quotes around the regex", "" },
	{ MAIL, "(?i)a(?i)b", "begins with (?i)", "" },
	{ MAIL, "*+", "is a wildcard", "" },
	/* It matches no subject. */
	{ CLIENTS, "\\.\\.dyn", "begins with a dot", "" },
	{ MAIL, "@a\\.\\.example", "begins with @", "" },
	{ CLIENTS, "\\.dyn!", "begins with a dot", "" },
	{ MAIL, "<a@\\.\\.(.)>", "begins with <", "" },
	/* The example has what the regex requires. */
	{ MAIL, "/^a{3}(b|c){2}[^@]+x?$/", "has slashes", "a{3}(b|c){2}[^@]+x?" },
	{ MAIL, "@\\d+\\.(?:top|xyz)", "begins with @", ".*@\\d+\\.(?:top|xyz)" },
	{ CLIENTS, "\\.(?!a)(?<n>dyn|dsl)\\x2d\\d{1,3}?\\.", "begins with a dot",
		".*\\.(?!a)(?<n>dyn|dsl)\\x2d\\d{1,3}?\\..*" },
	{ RCPT_RE, "/^[^@]*@[\\w.]+[.]example$/", "has slashes", "^[^@]*@[\\w.]+[.]example$" },
	/* It is too slow to try. */
	{ MAIL, "<(?!.*.*.*.*#)x{20}@x\\.y>", "begins with <", "" },
	{ MAIL, "<(?!.*#)x{20}@x\\.y>", "begins with <", "(?!.*#)x{20}@x\\.y" },
	{ MAIL, "@" LONG "\\.example", "begins with @", "" },
	{ MAIL, "@" LONG "|@" LONG, "no alternative", "" },
};
START_TEST(a_long_remedy_is_left_out)
	{
		assert_regex_refused(&refused[_i]);
	}
END_TEST

/* The start of a right form that is too long to show. */
START_TEST(a_part_of_the_right_form_is_not_shown)
	{
		static const char text[] = "[a-z]" LONG;
		struct errmsg note = { "" };

		ck_assert(regex_lacks_domain(text, strlen(text), &note));
		assert_refusal(&note, "matches only addresses without a domain", "");
		ck_assert(regex_lacks_dot(LONG "x", strlen(LONG "x"), &note));
		assert_refusal(&note, "matches only names without a dot", "");
		ck_assert(regex_matches_part("\\." LONG, strlen("\\." LONG), &note));
		assert_refusal(&note, "begins with a dot", "");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_remedy");
	TCase *tcase = tcase_create("regex_remedy");

	tcase_add_loop_test(tcase, a_long_remedy_is_left_out, 0, ROWS(refused));
	tcase_add_test(tcase, a_part_of_the_right_form_is_not_shown);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
