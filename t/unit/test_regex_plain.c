/*
 * Shows which regexes have the plain syntax, and which of them have no text by which they are
 * found.
 */
#include "lib/match/regex_plain.h"

#include <string.h>

#include "t/unit/unit.h"

/* The plain syntax, which PCRE2 and hyperscan read alike. */
static const struct {
	const char *regex;
	bool want;
} syntax[] = {
	{ "", true },
	{ "abc@example.com", true },
	{ ".*\\.example\\.com", true },
	{ "^a$", true },
	{ "(a|b)(?:c|d)", true },
	{ "a*b+c?d*?e+?f??", true },
	{ "a{2}b{2,}c{2,3}d{2,3}?", true },
	{ "[a-z0-9._-]+", true },
	{ "[^a-z]", true },
	{ "[\\w.]", true },
	{ "[a\\]b]", true },
	{ "\\d\\w\\D\\W\\.\\@\\-", true },
	{ "]", true },
	{ "}", true },
	/* Syntax that the two may read differently, or that has effects beyond a match. */
	{ "\\s", false },
	{ "\\S", false },
	{ "\\bfoo", false },
	{ "(a)\\1", false },
	{ "\\x41", false },
	{ "\\u0041", false },
	{ "\\n", false },
	{ "a\\", false },
	{ "(?=a)", false },
	{ "(?!a)", false },
	{ "(?<=a)b", false },
	{ "(?<n>a)", false },
	{ "(?i)a", false },
	{ "(?", false },
	{ "(*ACCEPT)", false },
	{ "a++", false },
	{ "a*+", false },
	{ "a?+", false },
	{ "a{2}+", false },
	{ "a{1000}", false },
	{ "a{", false },
	{ "a{,3}", false },
	{ "a{x}", false },
	{ "a{2", false },
	{ "[]", false },
	{ "[]a]", false },
	{ "[^]", false },
	{ "[[]", false },
	{ "[[:alpha:]]", false },
	{ "[a", false },
	{ "[a\\", false },
	{ "[\\s]", false },
	{ "b\xc3\xbc"
	  "cher",
		false },
	{ "[\xc3\xbc]", false },
	{ "a\tb", false },
};
START_TEST(plain_syntax_is_recognized)
	{
		ck_assert_int_eq(regex_is_plain(syntax[_i].regex, strlen(syntax[_i].regex)),
			syntax[_i].want);
	}
END_TEST

static const struct {
	const char *regex;
	bool want;
} texts[] = {
	{ "[ab].*[cd].*", true }, { "(abc)*d{100}", true }, { "abc*|.*def", true },
	{ "ab\\.*", true }, /* the dot is optional */
	{ "ab\\.c*", false }, { "[ab].*[cd].*abc", false },
	{ "[ab][cd]", false }, /* no quantifier */
};
START_TEST(regexes_without_a_text_are_loose)
	{
		ck_assert_int_eq(regex_plain_is_loose(texts[_i].regex), texts[_i].want);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_plain");
	TCase *tcase = tcase_create("regex_plain");

	tcase_add_loop_test(tcase, plain_syntax_is_recognized, 0, ROWS(syntax));
	tcase_add_loop_test(tcase, regexes_without_a_text_are_loose, 0, ROWS(texts));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
