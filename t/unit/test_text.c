/*
 * Texts are cut between two characters of UTF-8, by their length in bytes and by the size of a
 * buffer, at every place.
 */
#include "lib/base/text.h"

#include <stdio.h>

#include "lib/base/errmsg.h"
#include "lib/base/utf8.h"
#include "t/unit/unit.h"

static const struct {
	const char *text;
	size_t max, fit;
} fits[] = {
	{ "", 0, 0 }, { "abc", 3, 3 }, { "abc", 9, 3 }, { "abc", 2, 2 },
	{ "a\xc3\xbc", 3, 3 },		  /* U+00FC, whole */
	{ "a\xc3\xbc", 2, 1 },		  /* between its bytes */
	{ "\xe2\x82\xac!", 2, 0 },	  /* U+20AC */
	{ "\xe2\x82\xac!", 1, 0 },	  /* */
	{ "\xe2\x82\xac!", 3, 3 },	  /* */
	{ "\xf0\x9f\x98\x80!", 3, 0 },	  /* U+1F600 */
	{ "\xf0\x9f\x98\x80!", 4, 4 },	  /* */
	{ "\x80\x80\x80\x80\x80", 4, 4 }, /* not UTF-8 */
	{ "\xff\xff\xff", 2, 2 },	  /* */
	{ "\xe9t\xe9", 2, 2 },		  /* Latin-1 */
};

START_TEST(a_part_ends_with_a_whole_character) /* one run a row */
	{
		ck_assert_uint_eq(text_fit(fits[_i].text, strlen(fits[_i].text), fits[_i].max),
			fits[_i].fit);
	}
END_TEST

START_TEST(a_full_buffer_ends_with_a_whole_character)
	{
		static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z";
		char buffer[sizeof(text)], cut[2 * sizeof(text)];
		struct errmsg err;

		for (size_t size = 1; size <= sizeof(buffer); size++) {
			ck_assert_int_eq(text_format(buffer, size, "%s", text),
				(int)sizeof(text) - 1);
			ck_assert_uint_lt(strlen(buffer), size);
			ck_assert_uint_eq(utf8_valid_len(buffer, strlen(buffer)), strlen(buffer));
			ck_assert_uint_lt(size - 1 - strlen(buffer), 4);
			ck_assert_int_ge(text_format(cut, sizeof(cut), "<%.*s>",
						 TEXT_CUT(text, size - 1)),
				2);
			ck_assert_uint_eq(strlen(cut), strlen(buffer) + 2);
		}
		for (size_t before = sizeof(err.text) - 8; before < sizeof(err.text); before++) {
			char long_text[sizeof(err.text) + 1] = "";

			memset(long_text, 'x', before);
			(void)errmsg_set(&err, "%s%s", long_text, text);
			ck_assert_uint_eq(utf8_valid_len(err.text, strlen(err.text)),
				strlen(err.text));
			(void)errmsg_prefix(&err, "%s", text);
			ck_assert_uint_eq(utf8_valid_len(err.text, strlen(err.text)),
				strlen(err.text));
		}
	}
END_TEST

START_TEST(the_first_bytes_are_removed)
	{
		char text[] = "abc";

		text_remove(text, 0);
		ck_assert_str_eq(text, "abc");
		text_remove(text + 1, 1);
		ck_assert_str_eq(text, "ac");
		text_remove(text, 2);
		ck_assert_str_eq(text, "");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("text");

	tcase_add_loop_test(tcase, a_part_ends_with_a_whole_character, 0,
		sizeof(fits) / sizeof(fits[0]));
	tcase_add_test(tcase, a_full_buffer_ends_with_a_whole_character);
	tcase_add_test(tcase, the_first_bytes_are_removed);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
