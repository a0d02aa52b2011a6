/*
 * Shows where regexes have callouts, at which a match can be stopped. test_regexlist.c shows that
 * they suffice.
 */
#include "lib/match/regex_guard.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

/* The forms of anchored regexes, and of others. NULL: it is unchanged. */
static const struct {
	const char *regex, *anchored, *other;
} cases[] = {
	{ "", NULL, NULL },
	{ "abc\\.d[ef]", NULL, NULL },
	{ "a|b|c", NULL, NULL },
	{ ".*a", NULL, ".*(?C)a" },
	{ ".+?a", NULL, ".+?(?C)a" },
	{ "^.*a", NULL, NULL },
	{ "^.*a.*b", "^.*a.*(?C)b", "^.*a.*(?C)b" },
	{ "^.*a|b.*c", "^.*a|b.*(?C)c", "^.*(?C)a|b.*(?C)c" },
	{ "a?", NULL, NULL }, /* nothing follows */
	{ ".*a.*b", ".*a.*(?C)b", ".*(?C)a.*(?C)b" },
	{ "\\w+?\\w+?!", "\\w+?\\w+?(?C)!", "\\w+?(?C)\\w+?(?C)!" },
	{ "a*|b*", NULL, NULL },
	{ "a*x|b*x", "a*x|b*(?C)x", "a*(?C)x|b*(?C)x" },
	{ "a{3}b", "a{3}(?C)b", "a{3}(?C)b" },
	{ "a{3,}?b*c", "a{3,}?(?C)b*(?C)c", "a{3,}?(?C)b*(?C)c" },
	{ "(a|b)*c", "((?C)a|b)*(?C)c", "((?C)a|b)*(?C)c" },
	{ "(a|b)c", "((?C)a|b)(?C)c", "((?C)a|b)(?C)c" },
	{ "(ab)c", "((?C)ab)c", "((?C)ab)c" },
	{ "(ab?)c", "((?C)ab?)(?C)c", "((?C)ab?)(?C)c" },
	{ "(?:a)b*c", "(?:(?C)a)b*(?C)c", "(?:(?C)a)b*(?C)c" },
	{ "a+(b)", "a+((?C)b)", "a+((?C)b)" },
	{ "(?=a)(?!b)(?<=c)(?<!d)", "(?=(?C)a)(?!(?C)b)(?<=(?C)c)(?<!(?C)d)",
		"(?=(?C)a)(?!(?C)b)(?<=(?C)c)(?<!(?C)d)" },
	{ "(?!)(?:)()", "(?!)(?:(?C))((?C))", "(?!)(?:(?C))((?C))" },
	{ "()a(|b)c", "((?C))a((?C)|b)(?C)c", "((?C))a((?C)|b)(?C)c" },
	{ "(?!(?:(?:){1,9}){1,9})$", "(?!(?:(?:(?C)){1,9}){1,9})(?C)$",
		"(?!(?:(?:(?C)){1,9}){1,9})(?C)$" },
	{ "^b*a*()(?!((?:){1,9}))", "^b*a*((?C))(?!((?:(?C)){1,9}))",
		"^b*a*((?C))(?!((?:(?C)){1,9}))" },
	{ "(?:|(?=)|a){9}b", "(?:(?C)|(?=(?C))|a){9}(?C)b", "(?:(?C)|(?=(?C))|a){9}(?C)b" },
	{ "(?:(?!)|){9}b", "(?:(?C)(?!)|){9}(?C)b", "(?:(?C)(?!)|){9}(?C)b" },
	{ "(a)\\g{1}*b", "((?C)a)(?C)\\g{1}*(?C)b", "((?C)a)(?C)\\g{1}*(?C)b" },
	{ "[(|*\\]+?]\\(\\|\\*", NULL, NULL },
	{ "[^]*x", NULL, "[^]*(?C)x" },
	{ "[^\\]*]x", NULL, NULL },
	{ "\\x{40}*\\x{7b}", NULL, "\\x{40}*(?C)\\x{7b}" },
	{ "(((a)))*b", "((((?C)a)))*(?C)b", "((((?C)a)))*(?C)b" },
	{ "((a{1,9}|b|c){1,20}z){1,20}x", "(((?C)a{1,9}|b|c){1,20}(?C)z){1,20}(?C)x",
		"(((?C)a{1,9}|b|c){1,20}(?C)z){1,20}(?C)x" },
	/* What PCRE2 refuses stays refused. */
	{ "(", NULL, NULL },
	{ "(?", NULL, NULL },
	{ "(?<", NULL, NULL },
	{ "[a", NULL, NULL },
	{ "[", NULL, NULL },
	{ "a\\", NULL, NULL },
	{ "\\x{4", NULL, NULL },
	{ "\\g", "(?C)\\g", "(?C)\\g" },
	{ "a{", NULL, NULL },
	{ ")|", NULL, NULL },
	{ "a**", NULL, NULL },
};

static void check_guarded(const char *regex, size_t len, bool anchored, const char *want)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_add_str(&out, "");
	regex_guard(regex, len, anchored, &out);
	ck_assert(!out.failed);
	ck_assert_str_eq(out.text, want);
	strbuf_free(&out);
}

START_TEST(places_callouts)
	{
		const char *regex = cases[_i].regex;

		check_guarded(regex, strlen(regex), true,
			cases[_i].anchored != NULL ? cases[_i].anchored : regex);
		check_guarded(regex, strlen(regex), false,
			cases[_i].other != NULL ? cases[_i].other : regex);
	}
END_TEST

/* A long regex is guarded from its beginning and in its first loop. */
START_TEST(spares_no_long_regex)
	{
		char regex[REGEX_GUARD_SHORT + 2], want[sizeof(regex) + 16];

		memset(regex, 'x', sizeof(regex));
		memcpy(regex, ".*", 2);
		regex[REGEX_GUARD_SHORT] = '\0';
		check_guarded(regex, REGEX_GUARD_SHORT, true, regex);
		regex[REGEX_GUARD_SHORT] = 'x';
		regex[REGEX_GUARD_SHORT + 1] = '\0';
		(void)snprintf(want, sizeof(want), ".*(?C)%s", regex + 2);
		check_guarded(regex, REGEX_GUARD_SHORT + 1, true, want);
		(void)snprintf(want, sizeof(want), "(?C).*(?C)%s", regex + 2);
		check_guarded(regex, REGEX_GUARD_SHORT + 1, false, want);
	}
END_TEST

/* The forms of regexes that are too large with all callouts. NULL: the same as regex_guard()'s. */
static const struct {
	const char *regex, *want;
} sparse[] = {
	{ "(((a{1,9}|b|c){1,20}z){1,20}){1,5}x", "(((a{1,9}|b|c){1,20}(?C)z){1,20}){1,5}(?C)x" },
	{ "([)]|\\)){2}c", "([)]|\\)){2}(?C)c" },
	{ "(a|b)*c", NULL },
	{ "(a|b)c", NULL },
	{ "(a|b){2,}c", NULL },
	{ "((?:a|b)|c){2}d", NULL },
	{ "a*(b|c){2}d", NULL },
	{ "(?:a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?a*?|b){2}d", NULL },
	{ "(ab", NULL },
	{ "(ab)", NULL },
	{ "(ab){", NULL },
};

START_TEST(guards_large_regexes_sparsely)
	{
		struct strbuf want = STRBUF_INIT, out = STRBUF_INIT;
		const char *regex = sparse[_i].regex;

		if (sparse[_i].want != NULL)
			strbuf_add_str(&want, sparse[_i].want);
		else
			regex_guard(regex, strlen(regex), false, &want);
		regex_guard_sparsely(regex, strlen(regex), false, &out);
		ck_assert_str_eq(out.text, want.text);
		strbuf_free(&want);
		strbuf_free(&out);
	}
END_TEST

/* The alternatives of a group that are many have callouts, too. */
START_TEST(guards_many_alternatives)
	{
		struct strbuf out = STRBUF_INIT;
		char regex[1024] = "(";
		size_t len = 1, count = 0;

		while (len < sizeof(regex) - 16) {
			memcpy(regex + len, "abc|", 4);
			len += 4;
		}
		memcpy(regex + len, "d)*e", 4);
		regex_guard(regex, len + 4, true, &out);
		ck_assert(!out.failed);
		for (const char *p = out.text; (p = strstr(p, "(?C)")) != NULL; p++)
			count++;
		ck_assert_uint_ge(count, sizeof(regex) / (REGEX_GUARD_BRANCHES + 8));
		ck_assert_uint_lt(count, sizeof(regex) / REGEX_GUARD_BRANCHES + 3);
		strbuf_free(&out);
	}
END_TEST

/* Alternatives outside of groups have callouts in a long regex, but not in a shorter one. */
START_TEST(guards_many_alternatives_outside_of_groups)
	{
		struct strbuf out = STRBUF_INIT;
		char regex[4 * REGEX_GUARD_FEW_BRANCHES];
		size_t count = 0;

		memset(regex, '|', sizeof(regex));
		regex_guard(regex, REGEX_GUARD_FEW_BRANCHES, true, &out);
		ck_assert_uint_eq(out.len, REGEX_GUARD_FEW_BRANCHES);
		strbuf_reset(&out);
		regex_guard(regex, sizeof(regex), true, &out);
		ck_assert(!out.failed);
		for (const char *p = out.text; (p = strstr(p, "(?C)")) != NULL; p++)
			count++;
		ck_assert_uint_ge(count, sizeof(regex) / (REGEX_GUARD_BRANCHES / 4 + 2));
		strbuf_free(&out);
	}
END_TEST

/* Groups may be nested deeper than PCRE2 allows. */
START_TEST(bears_deep_groups)
	{
		struct strbuf out = STRBUF_INIT;
		char regex[4096];

		memset(regex, '(', sizeof(regex) / 2);
		memset(regex + sizeof(regex) / 2, ')', sizeof(regex) / 2);
		regex_guard(regex, sizeof(regex), true, &out);
		ck_assert_uint_eq(out.len, sizeof(regex) + strlen("(?C)"));
		strbuf_free(&out);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_guard");
	TCase *tcase = tcase_create("regex_guard");

	tcase_add_loop_test(tcase, places_callouts, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, spares_no_long_regex);
	tcase_add_loop_test(tcase, guards_large_regexes_sparsely, 0,
		sizeof(sparse) / sizeof(sparse[0]));
	tcase_add_test(tcase, guards_many_alternatives);
	tcase_add_test(tcase, guards_many_alternatives_outside_of_groups);
	tcase_add_test(tcase, bears_deep_groups);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
