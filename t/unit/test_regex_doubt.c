/*
 * Shows which regexes that may match are noted: those with parts of other dialects or characters
 * that nobody sees, without a domain, without a dot, and with an open end.
 */
#include <stdio.h>
#include <string.h>

#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct {
	const char *text, *want; /* want: NULL if the regex is not doubtful */
} doubtful[] = {
	{ "[[:digit:]]+@b\\.example",
		"\"[[:digit:]]+@b\\.example\" contains [:digit:], which is not a class in JavaScript's "
		"dialect; write 0-9 in the brackets" },
	{ "[^[:space:]]",
		"\"[^[:space:]]\" contains [:space:], which is not a class in JavaScript's "
		"dialect; write \\s in the brackets" },
	{ "\\Aevil@.*\\Z",
		"\"\\Aevil@.*\\Z\" contains \\A, which matches A alone in JavaScript's dialect" },
	{ "evil@.*\\z",
		"\"evil@.*\\z\" contains \\z, which matches z alone in JavaScript's dialect" },
	{ "al\u200bl@.*",
		"\"al\u200bl@.*\" contains the invisible character U+200B; write \\u200b if it is "
		"meant" },
	{ "all\u00a0@.*",
		"\"all\u00a0@.*\" contains white space (U+00A0); write \\u00a0 if it is meant" },
	{ "\u0645\u06cc\u200c\u062e@.*", NULL },
	{ ".*@a\\.example .*@b\\.example",
		"\".*@a\\.example .*@b\\.example\" requires white space after an @, but an entry is a "
		"single regex" },
	{ ".*@a\\.example or\t.*",
		"\".*@a\\.example or\t.*\" requires white space after an @, but an entry is a "
		"single regex" },
	{ ".*@a\\.example *", NULL },
	{ "a b@.*|c d@.*", NULL },
	{ "\"a@b c\"@.*", NULL },
	{ "\\d+@.*", NULL },
	{ "\\\\A", NULL },
	{ "[:a]", NULL },
	{ "[[:nosuch:]]", NULL },
	{ "a\\", NULL },
	{ "", NULL },
};
START_TEST(parts_of_other_dialects_are_noted)
	{
		struct errmsg note = { "" };

		ck_assert_int_eq(regex_is_doubtful(doubtful[_i].text, strlen(doubtful[_i].text),
					 &note),
			doubtful[_i].want != NULL);
		ck_assert_str_eq(note.text, doubtful[_i].want == NULL ? "" : doubtful[_i].want);
	}
END_TEST

static const struct {
	const char *text, *right; /* right: NULL if the regex may match an address with a domain */
} bare[] = {
	{ "all|bob", "(?:all|bob)@.*" },
	{ "[a-z]+", "[a-z]+@.*" },
	{ "evil", "evil@.*" },
	{ "^(all|bob)$", "(?:(all|bob))@.*" },
	{ "^all$", "all@.*" },
	{ "\\w+", "\\w+@.*" },
	{ "user[\\d._-]{2,}", "user[\\d._-]{2,}@.*" },
	{ "info\\.mail\\+x", "info\\.mail\\+x@.*" },
	{ "(?:a|b)\\1?", "(?:(?:a|b)\\1?)@.*" },
	{ "^all$|bob", "" },
	{ "all\\$", "all\\$@.*" },
	{ "\\.(ru|su)$", ".*(?:\\.(ru|su))$" },
	{ "(mail|mx)\\.corp\\.example", ".*@(?:(mail|mx)\\.corp\\.example)" },
	{ "[a-z]{10}\\.ru", ".*@[a-z]{10}\\.ru" },
	{ "\\w+\\.(?:ru|su)$", ".*@(?:\\w+\\.(?:ru|su))$" },
	{ "^[\\d.]+\\.evil\\.example$", ".*@[\\d.]+\\.evil\\.example$" },
	{ "[a-z]+\\.[a-z]+", "[a-z]+\\.[a-z]+@.*" },
	{ "[a-z]+\\.x\\d*", "[a-z]+\\.x\\d*@.*" },
	{ "\\w+\\.", "\\w+\\.@.*" },
	{ "^$", "" },
	{ "a**", "" },
	{ "(dyn|dsl)\\.", ".*@(?:(dyn|dsl)\\.).*" },
	{ "(\\.dyn\\.)|(\\.dsl\\.)", "" },
	{ "(a|b)\\1", "" },
	{ "^", "" },
	{ "$", "" },
	{ "all@.*", NULL },
	{ ".*", NULL },
	{ "all.corp", NULL },
	{ "all|bob@x\\.example", NULL },
	{ "[^x]+", NULL },
	{ "\\S+", NULL },
	{ "\\W", NULL },
	{ "[\\W]", NULL },
	{ "[!-~]+", NULL },
	{ "[a@]+", NULL },
	{ "all\\x40corp", NULL },
	{ "all\\u0040corp", NULL },
	{ "all\\100corp", NULL },
	{ "[ -z]+", NULL },
	{ "[!-\u00e9]+", NULL },
	{ "[a-\u00e9]+", "[a-\u00e9]+@.*" },
	{ "[\\x20-z]+", NULL },
};

START_TEST(a_regex_that_matches_no_domain_is_noted)
	{
		const char *text = bare[_i].text, *right = bare[_i].right;
		struct errmsg note = { "" };
		char want[200] = "";

		if (right != NULL)
			(void)snprintf(want, sizeof(want),
				"\"%s\" matches only addresses without a domain%s%s", text,
				*right == '\0' ? "" : "; write ", right);
		ck_assert_int_eq(regex_lacks_domain(text, strlen(text), &note), right != NULL);
		ck_assert_str_eq(note.text, want);
	}
END_TEST

static const struct {
	const char *text, *right; /* right NULL: not noted */
} words[] = {
	{ "dyn", ".*dyn.*" },
	{ "^dsl", "dsl.*" },
	{ "dsl$", ".*dsl" },
	{ "dsl|dyn", ".*(?:dsl|dyn).*" },
	{ "(dsl|dyn)", ".*(dsl|dyn).*" },
	/* ^ and $ belong to one alternative. */
	{ "^dyn|dsl", "dyn.*|.*dsl.*" },
	{ "dyn|dsl$", ".*dyn.*|.*dsl" },
	{ "^dyn|dsl$", "dyn.*|.*dsl" },
	/* A remedy that cannot be compiled, or matches nothing, is not shown. */
	{ "dyn|dsl(", "" },
	{ "^(dsl|dyn)-pool$", NULL },
	{ "dyn.*", NULL },
	{ "[a-z]+", NULL },
	{ "\\bdyn\\b", NULL },
	{ "localhost", NULL },
	{ "^dsl$", NULL },
	{ "2130706433", NULL },
	{ "", NULL },
};
START_TEST(a_word_that_matches_no_usual_name_is_noted)
	{
		const char *text = words[_i].text, *right = words[_i].right;
		struct errmsg note = { "" };
		char want[200] = "";

		if (right != NULL)
			(void)snprintf(want, sizeof(want),
				"\"%s\" matches only names without a dot%s%s", text,
				*right == '\0' ? "" : "; write ", right);
		ck_assert_int_eq(regex_lacks_dot(text, strlen(text), &note), right != NULL);
		ck_assert_str_eq(note.text, want);
	}
END_TEST

static const struct {
	const char *text;
	bool is_open;
} ends[] = {
	{ "@a\\.example", true },
	{ "@a\\.example$", false },
	{ "@a\\.example|@b\\.example$", true },
	{ "@a\\.example$|@b\\.example", true },
	{ "@a\\.example$|@b\\.example$", false },
	{ "(@a\\.example|@b\\.example)$", false },
	{ "(?:@a\\.example|@b\\.example$)", true },
	{ "@((a|b$)|c$)", true },
	{ "@((?:a$|b$)|c$)", false },
	{ "^a@b$|", true },
	{ "@a\\$", true },
	{ "@a[$]", true },
	{ "@a(?!.)", true },
	{ "@a(?=$)", false },
	{ "@a$?", true },
	{ "(@a|@b$){1}", false }, /* in doubt */
	{ "((((((((((((((@a|@b$))))))))))))))", true },
	{ "((((((((((((((((((((@a|@b$))))))))))))))))))))", false }, /* looking takes too long */
	{ "", true },
};
START_TEST(an_end_without_an_anchor_is_found)
	{
		ck_assert_msg(regex_has_open_end(ends[_i].text, strlen(ends[_i].text)) ==
				ends[_i].is_open,
			"%s", ends[_i].text);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_doubt");
	TCase *tcase = tcase_create("regex_doubt");

	tcase_add_loop_test(tcase, parts_of_other_dialects_are_noted, 0, ROWS(doubtful));
	tcase_add_loop_test(tcase, a_regex_that_matches_no_domain_is_noted, 0, ROWS(bare));
	tcase_add_loop_test(tcase, a_word_that_matches_no_usual_name_is_noted, 0, ROWS(words));
	tcase_add_loop_test(tcase, an_end_without_an_anchor_is_found, 0, ROWS(ends));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
