/*
 * Shows which words of an address field look like another one: by a wide character, an invisible
 * one, or a routing character.
 */
#include "lib/match/from_text.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	bool wide_at, lookalike, routed, disguised;
} rows[] = {
	{ "", false, false, false, false },
	{ "me@mine.m", false, false, false, false },
	{ "j\xc3\xb6rg", false, false, false, false },
	{ "a\uff20"
	  "b",
		true, true, false, true },
	{ "a\ufe6b", true, true, false, true },
	{ "a\u3002", false, true, false, false },
	{ "a\uff0e", false, true, false, false },
	{ "\uff61", false, true, false, false },
	{ "bank!ceo", false, false, true, false },
	{ "ceo%bank", false, false, true, false },
	{ "!ceo", false, false, false, false },
	{ "100%", false, false, false, false },
	{ "!%", false, false, false, false },
	{ "a b", false, false, false, false },
	{ "a\tb", false, false, false, true },
	{ "a\x7f", false, false, false, true },
	{ "a\xc2\xa0", false, false, false, true },
	{ "a\u200b"
	  "b",
		false, false, false, true },
	{ "a\u00ad", false, false, false, true },
	{ "a\u3164", false, false, false, true },
	{ "a\u2800"
	  "b",
		false, false, false, true },
	{ "a\U000e0041", false, false, false, true },
	{ "a\u0301", false, false, false, false },
	{ "a\U0001f600", false, false, false, false },
	{ "\xff\xfe", false, false, false, false },
	{ "=?a", false, false, false, false },
	{ "=?=", false, false, false, false },
	{ "=?a?q?b?=", false, false, false, true },
};

START_TEST(tells_what_looks_like_another_word)
	{
		const size_t len = strlen(rows[_i].text);
		char *copy = malloc(len + (len == 0)); /* without a NUL: ASan sees reads past it */

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, rows[_i].text, len);
		ck_assert(from_has_wide_at(copy, len) == rows[_i].wide_at);
		ck_assert(from_has_lookalike(copy, len) == rows[_i].lookalike);
		ck_assert(from_is_routed_word(copy, len) == rows[_i].routed);
		ck_assert(from_is_disguised(copy, len) == rows[_i].disguised);
		free(copy);
	}
END_TEST

START_TEST(finds_characters)
	{
		const char text[] = "a\tb\r\n(c)\x7f", *end = text + strlen(text);

		ck_assert(from_has_any(text, end, "x)"));
		ck_assert(!from_has_any(text, end, "x"));
		ck_assert(!from_has_any(text, text, "a"));
		ck_assert(from_has_control(text, end));
		ck_assert(!from_has_control(text, end - 1));
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
