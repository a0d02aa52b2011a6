/*
 * Shows that case folding makes the forms of a local part equal
 * that Postfix looks up as one.
 */
#include "lib/match/case_fold.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text, *folded;
} cases[] = {
	{ "", "" }, { "Sales", "sales" }, { "\u017fales", "sales" }, /* long s */
	{ "\u212aate", "kate" },				     /* Kelvin sign */
	{ "Stra\u00dfe", "strasse" },				     /* sharp s */
	{ "STRA\u1e9eE", "strasse" },				     /* its capital */
	{ "o\ufb03ce", "office" },				     /* ligature */
	{ "J\u00d6RG", "j\u00f6rg" }, { "j\u00f6rg", "j\u00f6rg" },
	{ "\u0130", "i\u0307" },			/* I with dot */
	{ "\u0131", "\u0131" },				/* dotless i */
	{ "\u03a3\u03c2\u03c3", "\u03c3\u03c3\u03c3" }, /* sigmas */
	{ "\u0390", "\u03b9\u0308\u0301" },		/* the longest */
	{ "\u0410\u0430", "\u0430\u0430" }, { "\u0100\u0101\u012e", "\u0101\u0101\u012f" },
	{ "\u1c80\uab70\u13f8", "\u0432\u13a0\u13f0" }, /* Cyrillic, Cherokee */
	{ "\uff21", "\uff41" },				/* wide letters stay wide */
	{ "\U00010400\U0001e921", "\U00010428\U0001e943" }, { "\u7528\u6237", "\u7528\u6237" },
	{ "A\xff\xc5", "a\xff\xc5" }, /* not UTF-8 */
};
START_TEST(folds_as_unicode_does)
	{
		const char *folded = cases[_i].folded;
		char text[64];
		size_t len;

		ck_assert(case_fold(cases[_i].text, strlen(cases[_i].text), text, sizeof(text),
			&len));
		ck_assert_str_eq(text, folded);
		ck_assert_uint_eq(len, strlen(folded));
		ck_assert(case_fold(folded, len, text, len + 1, &len));
		ck_assert_str_eq(text, folded);
		ck_assert(!case_fold(cases[_i].text, strlen(cases[_i].text), text, len, &len));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("case_fold");
	TCase *tcase = tcase_create("case_fold");

	tcase_add_loop_test(tcase, folds_as_unicode_does, 0, sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
