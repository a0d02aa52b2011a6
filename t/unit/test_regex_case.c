/*
 * Shows which characters are equal without case,
 * in JavaScript's regexes.
 */
#include "lib/match/regex_case.h"

#include <stdbool.h>

#include "t/unit/unit.h"

static const struct {
	uint32_t a, b;
	bool equal;
} pairs[] = {
	{ 'a', 'A', true }, { 'z', 'Z', true }, { '@', '`', false }, { '[', '{', false },
	{ 0xe9, 0xc9, true },	     /* e with acute */
	{ 0xff, 0x178, true },	     /* y with diaeresis */
	{ 0xb5, 0x3bc, true },	     /* micro sign, mu */
	{ 0x3c3, 0x3c2, true },	     /* sigma, final sigma */
	{ 0x1c4, 0x1c5, true },	     /* DZ with caron in upper and title case */
	{ 0x1c4, 0x1c6, true },	     /* ... and lower case */
	{ 0x430, 0x410, true },	     /* Cyrillic a */
	{ 0x13a0, 0xab70, true },    /* Cherokee a */
	{ 's', 0x17f, false },	     /* long s */
	{ 'k', 0x212a, false },	     /* Kelvin sign */
	{ 0xe5, 0x212b, false },     /* Angstrom sign */
	{ 0x3c9, 0x2126, false },    /* Ohm sign */
	{ 0xdf, 0x1e9e, false },     /* sharp s */
	{ 'i', 0x131, false },	     /* dotless i */
	{ 'i', 0x130, false },	     /* I with dot */
	{ 0x1fb3, 0x1fbc, false },   /* alpha with ypogegrammeni: upper case has two letters */
	{ 0x10400, 0x10428, false }, /* past U+FFFF */
};

START_TEST(has_the_case_of_javascript)
	{
		ck_assert_int_eq(regex_case_fold(pairs[_i].a) == regex_case_fold(pairs[_i].b),
			pairs[_i].equal);
	}
END_TEST

START_TEST(folds_once_and_never_into_ascii)
	{
		uint32_t c, folded;

		/* One comparison per character: an assertion costs a message to Check's parent. */
		for (c = 0; c <= 0x10ffff; c++) {
			folded = regex_case_fold(c);
			if (regex_case_fold(folded) != folded || (c < 0x80) != (folded < 0x80) ||
				(c < 0x10000) != (folded < 0x10000))
				ck_abort_msg("U+%04X becomes U+%04X", (unsigned)c,
					(unsigned)folded);
		}
	}
END_TEST

START_TEST(its_runs_are_in_order)
	{
		size_t i;

		for (i = 0; i < regex_case_run_count; i++) {
			ck_assert_uint_le(regex_case_runs[i].first, regex_case_runs[i].last);
			ck_assert(i == 0 || regex_case_runs[i - 1].last < regex_case_runs[i].first);
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_case");
	TCase *tcase = tcase_create("regex_case");

	tcase_add_loop_test(tcase, has_the_case_of_javascript, 0, sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(tcase, folds_once_and_never_into_ascii);
	tcase_add_test(tcase, its_runs_are_in_order);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
