/*
 * Shows which words of an address field look like another one: by a wide character, an invisible
 * one, a dot or a routing
 * character.
 */
#include "lib/match/from_text.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	bool wide_at, telling, disguised;
} rows[] = {
	{ "", false, false, false },
	{ "me@mine.m", false, true, false },
	{ "j\xc3\xb6rg", false, false, false },
	{ "a\uff20"
	  "b",
		true, false, true },
	{ "a\ufe6b", true, false, true },
	{ "a\u3002", false, true, false },
	{ "a\uff0e", false, true, false },
	{ "\uff61", false, true, false },
	{ "bank!ceo", false, true, false },
	{ "ceo%bank", false, true, false },
	{ "!ceo", false, false, false },
	{ "100%", false, false, false },
	{ "!%", false, false, false },
	{ "a b", false, false, false },
	{ "a\tb", false, false, true },
	{ "a\x7f", false, false, true },
	{ "a\xc2\xa0", false, false, true },
	{ "a\u200b"
	  "b",
		false, false, true },
	{ "a\u00ad", false, false, true },
	{ "a\u3164", false, false, true },
	{ "a\u2800"
	  "b",
		false, false, true },
	{ "a\U000e0041", false, false, true },
	{ "a\u0301", false, false, false },
	{ "a\U0001f600", false, false, false },
	{ "\xff\xfe", false, false, false },
	{ "=?a", false, false, true },
	{ "=?=", false, false, true },
	{ "=?a?q?b?=", false, false, true },
	{ "bank.e", false, true, false },
	{ "x (bank.example)", false, true, false },
	{ ".e", false, true, false },
	{ "bank.e.", false, true, false },
	{ "J. R. Me, Inc.", false, false, false },
	{ "J.R. Me, Ph.D.", false, false, false },
	{ "a.b", false, true, false },
	{ "Hello...", false, true, false },
};

START_TEST(tells_what_looks_like_another_word)
	{
		const size_t len = strlen(rows[_i].text);
		char *copy = malloc(len + (len == 0)); /* without a NUL: ASan sees reads past it */

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, rows[_i].text, len);
		ck_assert(from_has_wide_at(copy, len) == rows[_i].wide_at);
		ck_assert_msg(from_has_telling_word(copy, len) == rows[_i].telling, "%s",
			rows[_i].text);
		ck_assert(from_is_disguised(copy, len) == rows[_i].disguised);
		free(copy);
	}
END_TEST

START_TEST(finds_characters)
	{
		const char text[] = "a\tb\r\n(c)\x7f";
		const size_t len = strlen(text);

		ck_assert(from_has_any(text, len, "x)"));
		ck_assert(!from_has_any(text, len, "x"));
		ck_assert(!from_has_any("a\0b", 3, "x"));
		ck_assert(!from_has_any(text, 0, "a"));
		ck_assert(from_has_control(text, len));
		ck_assert(!from_has_control(text, len - 1));
		ck_assert(from_has_control("\0", 1));
		ck_assert(from_has_control("\xc2\x85", 2));
		ck_assert(from_has_control("\xe2\x80\xa8", 3));
		ck_assert(!from_has_control("\xf6", 1));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_text");
	TCase *tcase = tcase_create("from_text");

	tcase_add_loop_test(tcase, tells_what_looks_like_another_word, 0,
		sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, finds_characters);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
