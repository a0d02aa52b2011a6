/*
 * Shows that only ASCII letters are folded, whatever the locale.
 * Compares every byte.
 */
#include "lib/base/ascii.h"

#include <string.h>

#include "t/unit/unit.h"

START_TEST(lowers_the_letters_from_a_to_z_alone)
	{
		for (int c = -128; c < 128; c++) {
			char want = (char)c;

			if (c >= 'A' && c <= 'Z')
				want = "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
			ck_assert_int_eq(ascii_lower((char)c), want);
		}
	}
END_TEST

START_TEST(lowers_as_many_bytes_as_told_also_in_place)
	{
		char text[] = "ABC\0DeF\xc3\x84GH", out[sizeof(text)] = "";

		ascii_lower_bytes(text, 9, out);
		ck_assert_mem_eq(out, "abc\0def\xc3\x84\0", 10);
		ascii_lower_bytes(text, 9, text);
		ck_assert_mem_eq(text, "abc\0def\xc3\x84GH", sizeof(text));
		ascii_lower_bytes("", 0, text);
		ck_assert_mem_eq(text, "abc\0", 4);
	}
END_TEST

START_TEST(tells_whether_all_of_a_text_is_ascii)
	{
		ck_assert(ascii_is_all("", 0));
		ck_assert(ascii_is_all("a\0\x7f", 3));
		ck_assert(!ascii_is_all("a\0\x80", 3));
		ck_assert(ascii_is_all("a\xff", 1));
	}
END_TEST

START_TEST(knows_the_hexadecimal_digits)
	{
		static const char digits[] = "0123456789abcdefABCDEF";

		for (int c = 0; c < 256; c++) {
			const char *at = memchr(digits, c, sizeof(digits) - 1);
			const int place = at == NULL ? -1 : (int)(at - digits);

			ck_assert_int_eq(ascii_hex_digit((char)c), place > 15 ? place - 6 : place);
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ascii");
	TCase *tcase = tcase_create("ascii");

	tcase_add_test(tcase, lowers_the_letters_from_a_to_z_alone);
	tcase_add_test(tcase, lowers_as_many_bytes_as_told_also_in_place);
	tcase_add_test(tcase, tells_whether_all_of_a_text_is_ascii);
	tcase_add_test(tcase, knows_the_hexadecimal_digits);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
