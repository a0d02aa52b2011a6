/*
 * Shows the texts that are made to try a regex, and for which regexes none is known. The remedies
 * that they are for are in test_regex_remedy.c.
 */
#include <string.h>

#include "lib/rules/regex_check_private.h"
#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct {
	const char *regex;
	size_t place;	     /* of the wildcard that becomes @x */
	const char *example; /* NULL: none is known */
} examples[] = {
	{ "a", 0, "a" },
	{ "^a\\.b$", 0, "a.b" },
	{ ".*@.*", 0, "@x@x" },
	{ ".*@.*", 1, "x@@x" },
	{ ".*@.*", 2, NULL },
	{ "(a|b)(?:c|d)(?<n>e)", 0, "ace" },
	{ "(?=a)(?<!b)c(?!d)", 0, "c" },
	{ "(ab){3}c{2,}d{1}e*?f+", 0, "abababccdef" },
	{ "[^x][0-9][.@]", 0, "a0." },
	{ "\\d\\w\\S\\D\\W\\s\\b\\x2e\\u0040\\-", 0, "1xxx- .@-" },
	{ "a|b", 0, "a" },
	{ "((((((((((((((((((a))))))))))))))))))", 0, NULL },
	{ "a{0}", 0, NULL },
	{ "(a{300}){300}", 0, NULL },
	{ "(a)\\1", 0, NULL },
	{ "(a)\\1?b", 0, "ab" },
	{ "\\u00e9", 0, NULL },
	{ "\\x", 0, NULL },
	{ "[a", 0, NULL },
	{ "[]", 0, NULL },
	{ "(?<a", 0, NULL },
	{ "a)", 0, NULL },
	{ "a\\", 0, NULL },
	{ "", 0, NULL },
};
START_TEST(an_example_of_a_regex_is_made)
	{
		const struct regex_filler filler = { examples[_i].place, "@x" };
		const char *regex = examples[_i].regex, *want = examples[_i].example;
		struct regex_maker maker = { .scratch = regex_scratch_new(NULL) };
		struct strbuf out = STRBUF_INIT, again = STRBUF_INIT;
		const bool is_made = regex_add_example(regex, strlen(regex), &filler, &maker, &out);

		ck_assert_msg(is_made == (want != NULL), "%s: %s", regex, out.text);
		if (want != NULL)
			ck_assert_str_eq(out.text, want);
		/* With what was found before. */
		ck_assert(regex_add_example(regex, strlen(regex), &filler, &maker, &again) ==
			is_made);
		if (want != NULL)
			ck_assert_str_eq(again.text, want);
		strbuf_free(&out);
		strbuf_free(&again);
		regex_scratch_free(&maker.scratch);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_example");
	TCase *tcase = tcase_create("regex_example");

	tcase_add_loop_test(tcase, an_example_of_a_regex_is_made, 0, ROWS(examples));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
