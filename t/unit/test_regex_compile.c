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
/* Check that a regex matches a subject, or does not, without machine code and with it. */
static void check_match(const char *regex, const char *subject, bool anchored, bool want)
{
	const struct regex_mode mode = { .anchored = anchored };
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	struct regex_forms forms = REGEX_FORMS_INIT;
	pcre2_code *code = NULL;
	int found = -1, by_machine_code = -1;

	ck_assert_int_eq(regex_forms_make(&forms, regex, strlen(regex), mode, UINT64_MAX), 0);
	if (regex_compile(&forms, regex, strlen(regex), mode, &code, NULL) == REGEX_COMPILED) {
		found = pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, match, NULL);
		(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
		by_machine_code =
			pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, match, NULL);
	}
	ck_assert_int_eq(found >= 0, want);
	ck_assert_int_eq(by_machine_code >= 0, want);
	pcre2_code_free(code);
	pcre2_match_data_free(match);
	regex_forms_free(&forms);
}

START_TEST(a_skipped_group_demands_nothing)
	{
		check_match(skipped[_i].regex, skipped[_i].subject, true, skipped[_i].want);
	}
END_TEST

/* Each matches the end of "xb". */
static const char *const searched[] = { "(?:(?:a|^){0}b)", "(?:a|^){0}b", "(a|^){0}?b",
	"(?:^|^){0,0}b", "(?:\\w.|^){0}?b", "(?=a|^)?b", "(?:(?=c|^)*b)", "(?:.*a|^){0}b$",
	"((a|^){0}|c|^)?b", "(?:c|(?:a|^){0}b)" };
START_TEST(a_skipped_group_anchors_nothing)
	{
		check_match(searched[_i], "xb", false, true);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_compile");
	TCase *tcase = tcase_create("regex_compile");

	tcase_add_loop_test(tcase, a_skipped_group_demands_nothing, 0,
		sizeof(skipped) / sizeof(skipped[0]));
	tcase_add_loop_test(tcase, a_skipped_group_anchors_nothing, 0,
		sizeof(searched) / sizeof(searched[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
