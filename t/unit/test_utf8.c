/*
 * Shows how much of a text is well-formed UTF-8: overlong forms, surrogates and cut sequences are
 * not.
 */
#include "lib/base/utf8.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	size_t valid;
} cases[] = {
	{ "", 0 },
	{ "plain", 5 },
	{ "plain and longer than eight bytes", 33 },
	{ "b\xc3\xbc"
	  "cher",
		7 },
	{ "\xe2\x82\xac\xf0\x9f\x93\xa7", 7 },
	{ "12345678\xff", 8 },
	{ "\x80", 0 },
	{ "a\xc0\x80", 1 },	    /* NUL in two bytes */
	{ "a\xe0\x80\x80", 1 },	    /* in three */
	{ "a\xf0\x80\x80\x80", 1 }, /* in four */
	{ "\xed\x9f\xbf", 3 },
	{ "\xed\xa0\x80", 0 }, /* a surrogate */
	{ "\xf4\x8f\xbf\xbf", 4 },
	{ "\xf4\x90\x80\x80", 0 }, /* past U+10FFFF */
	{ "\xf5\x80\x80\x80", 0 },
	{ "a\xc3", 1 }, /* an incomplete sequence */
	{ "a\xe2\x82", 1 },
	{ "a\xf0\x9f\x93", 1 },
};
START_TEST(tells_how_far_it_is_utf8)
	{
		ck_assert_uint_eq(utf8_valid_len(cases[_i].text, strlen(cases[_i].text)),
			cases[_i].valid);
	}
END_TEST

START_TEST(finds_a_byte_order_mark)
	{
		ck_assert_uint_eq(utf8_mark_len("\xef\xbb\xbf"
						"a",
					  4),
			3);
		ck_assert_uint_eq(utf8_mark_len("\xef\xbb\xbf", 3), 3);
		ck_assert_uint_eq(utf8_mark_len("\xef\xbb\xbf", 2), 0);
		ck_assert_uint_eq(utf8_mark_len("a\xef\xbb\xbf", 4), 0);
		ck_assert_uint_eq(utf8_mark_len("", 0), 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tcase = tcase_create("utf8");

	tcase_add_loop_test(tcase, tells_how_far_it_is_utf8, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, finds_a_byte_order_mark);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
