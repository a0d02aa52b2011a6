/*
 * Shows that compiled regexes match as JavaScript matches them where PCRE2's optimizations go
 * wrong.
 */
#include "lib/match/regex_compile.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *regex, *subject;
	bool want;
} skipped[] = {
	{ "(?:a|(?=b)){0}", "", true }, { "(?:a|(?=b)){0}c", "c", true },
	{ "(?:a|(?=b)){0,0}c", "c", true }, { "(?:a|(?=b)){00,000}c", "c", true },
	{ "(?:a|(?=b)){0}c", "bc", false }, { "(?:a|(?=b)){0}?c", "c", true },
	{ "(?=a|(?=b))?c", "c", true }, /* an optional lookahead is skipped */
	{ "(?=a|(?=b))*c", "c", true }, { "(?=a|(?=b)+)*c", "c", true },
	{ "(?=(?!|c){0,0})c", "c", true }, { "((?<!)k|(?=a)){0}c", "c", true },
	{ "(?=a|(?=c))c", "c", true }, { "(?=a|(?=b)){1}c", "c", false }, { "a{0,2}c", "c", true },
	{ "a{10}", "aaaaaaaaaa", true }, { "a{0", "a{0", true }, { "{0}", "", false }, /* refused */
};
START_TEST(a_skipped_group_demands_nothing)
	{
		const struct regex_mode mode = { .anchored = true };
		const char *regex = skipped[_i].regex, *subject = skipped[_i].subject;
		pcre2_match_data *match = pcre2_match_data_create(1, NULL);
		struct regex_forms forms = REGEX_FORMS_INIT;
		pcre2_code *code = NULL;
		int found = -1, by_machine_code = -1;

		ck_assert_int_eq(regex_forms_make(&forms, regex, strlen(regex), mode, UINT64_MAX),
			0);
		if (regex_compile(&forms, regex, strlen(regex), mode, &code, NULL) ==
			REGEX_COMPILED) {
			found = pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, match,
				NULL);
			(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
			by_machine_code = pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0,
				0, match, NULL);
		}
		ck_assert_int_eq(found >= 0, skipped[_i].want);
		ck_assert_int_eq(by_machine_code >= 0, skipped[_i].want);
		pcre2_code_free(code);
		pcre2_match_data_free(match);
		regex_forms_free(&forms);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_compile");
	TCase *tcase = tcase_create("regex_compile");

	tcase_add_loop_test(tcase, a_skipped_group_demands_nothing, 0,
		sizeof(skipped) / sizeof(skipped[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
