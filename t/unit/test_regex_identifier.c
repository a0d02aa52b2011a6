/*
 * Identifiers of JavaScript begin with a letter of any script; digits, marks and joiners may
 * follow, but not signs or spaces. Node gives the same answers for all characters that PCRE2 knows.
 */
#include "lib/match/regex_identifier.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	bool is_identifier;
} rows[] = {
	{ "a1", true },
	{ "$_", true },
	{ "\u00e9", true },
	{ "\u4e2d\u0661", true },  /* a digit */
	{ "a\u0301\u200d", true }, /* a combining mark and a joiner */
	{ "\u2118\u309b", true },  /* Other_ID_Start */
	{ "a\u00b7\u1369", true }, /* Other_ID_Continue */
	{ "\U0001d4d0", true },
	{ "", false },
	{ "1", false },
	{ "\u0661", false },
	{ "\u0301", false },
	{ "\u200d", false },
	{ "\u00b7", false },
	{ "a\u2192", false },
	{ "a\u00a0", false },
	{ "a\u2e2f", false }, /* Pattern_Syntax, though a letter */
	{ "a\U0001f600", false },
	{ "a-b", false },
	{ "a\n", false },
};
START_TEST(an_identifier_begins_with_a_letter)
	{
		ck_assert_int_eq(regex_identifier_is(rows[_i].text, strlen(rows[_i].text)),
			rows[_i].is_identifier);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_identifier");
	TCase *tcase = tcase_create("regex_identifier");

	tcase_add_loop_test(tcase, an_identifier_begins_with_a_letter, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
