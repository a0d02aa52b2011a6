/*
 * Shows that any bytes become a valid JSON string: UTF-8 unchanged, other bytes as \xNN,
 * and the empty string as null where that is wanted.
 */
#include "milter/log/json_text.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	size_t len;
	const char *want;
} cases[] = {
	{ "plain", 5, "\"plain\"" },
	{ "plain", 2, "\"pl\"" },
	{ "", 0, "\"\"" },
	{ "gr\xc3\xbc\xc3\x9f"
	  "e",
		7,
		"\"gr\xc3\xbc\xc3\x9f"
		"e\"" },
	{ "gr\xfc\xdf"
	  "e \"x\"",
		9, "\"gr\\\\xfc\\\\xdfe \\\"x\\\"\"" },
	{ "cut \xc3\xbc", 5, "\"cut \\\\xc3\"" }, /* in the middle of a character */
	{ "\xc3\xbc\xff", 3, "\"\xc3\xbc\\\\xff\"" },
	{ "\xed\xa0\x80", 3, "\"\\\\xed\\\\xa0\\\\x80\"" }, /* a surrogate */
	{ "\x01\n", 2, "\"\\u0001\\n\"" },
};

START_TEST(any_bytes_become_a_json_string)
	{
		json_t *value = json_text(cases[_i].text, cases[_i].len);
		char *dumped = json_dumps(value, JSON_ENCODE_ANY);

		ck_assert_str_eq(dumped, cases[_i].want);
		free(dumped);
		json_decref(value);
	}
END_TEST

START_TEST(long_text_is_not_cut)
	{
		static char text[5000];
		json_t *value;

		memset(text, '\xff', sizeof(text));
		value = json_text(text, sizeof(text));
		ck_assert_uint_eq(json_string_length(value), 4 * sizeof(text));
		json_decref(value);
	}
END_TEST

START_TEST(an_empty_string_is_null_where_that_is_wanted)
	{
		json_t *value = json_text_or_null("x\xff");

		ck_assert(json_is_null(json_text_or_null("")));
		ck_assert_str_eq(json_string_value(value), "x\\xff");
		json_decref(value);
	}
END_TEST

static Suite *json_text_suite(void)
{
	Suite *suite = suite_create("json_text");
	TCase *tcase = tcase_create("json_text");

	tcase_add_loop_test(tcase, any_bytes_become_a_json_string, 0,
		(int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tcase, long_text_is_not_cut);
	tcase_add_test(tcase, an_empty_string_is_null_where_that_is_wanted);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(json_text_suite)
