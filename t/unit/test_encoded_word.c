/*
 * Shows which encoded-words may decode to a text with an @ or a dot, and where an encoded-word
 * ends.
 */
#include "lib/match/encoded_word.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	bool want;
} cases[] = {
	{ "", false },
	{ "Team", false },
	{ "=", false },
	{ "=?utf-8?q?B=C3=BCro?=", false },
	{ "=?UTF-8?Q?B=C3=BCro?=", false },
	{ "=?utf-8*de?q?B=C3=BCro?=", false },
	{ "=?iso-8859-1?q?B=FCro?= x =?utf-8?B?QsO8cm8=?=", false },
	{ "=?utf-8?b?QsO8cm8=?=", false },
	{ "=?iso-2022-jp?b?GyRCJUYlOSVIGyhC?=", false },
	{ "=?utf-8?q?"
	  "?=",
		false },
	{ "=?utf-8?b?"
	  "?=",
		false },
	{ "=?utf-8?q?=4?=", false },
	{ "=?utf-8?q?a=40b?=", true },
	{ "=?utf-8?q?a@b?=", true },
	{ "=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=", true },
	{ "=?utf-8?b?QA?=", true },
	{ "=?utf-8?b?YUA=?=", true },
	{ "=?utf-8?b?YWJA?=", true },
	{ "=?utf-8?b?Y W\tJ-A?=", true },
	{ "=?utf-8?q?x?= =?utf-8?q?=40?=", true },
	{ "=?utf-7?q?+AEA-?=", true },
	{ "=?utf-16be?b?AGEAQA==?=", true },
	{ "=?cp037?q?=7C?=", true },
	{ "=?utf-8?x?abc?=", true },
	{ "=?utf-8?q?abc", true },
	{ "=?utf-8?q?", true },
	{ "=?utf-8?q", true },
	{ "=?utf-8?", true },
	{ "=?utf-8", true },
	{ "=?", true },
};

START_TEST(finds_an_at)
	{
		size_t len = strlen(cases[_i].text);
		char *copy = malloc(len + 1); /* without a NUL: ASan sees reads past the end */

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, cases[_i].text, len);
		ck_assert_msg(encoded_words_signs(copy, len).at == cases[_i].want, "%s",
			cases[_i].text);
		free(copy);
	}
END_TEST

static const struct {
	const char *text;
	bool want;
} dots[] = {
	{ "a.b", false },
	{ "=?utf-8?q?Dr=2E?=", false },
	{ "=?utf-8?q?Dr._Me?=", false },
	{ "=?utf-8?q?Dr=2E=20Me_M.?=", false },
	{ "=?utf-8?q?=3.b?=", true },
	{ "=?utf-8?q?a=2eb?=", true },
	{ "=?utf-8?q?a.b?=", true },
	{ "=?utf-8?q?a..?=", true },
	{ "=?utf-8?q?.?= =?utf-8?q?b?=", false },
	{ "=?utf-8?b?YS4gYg==?=", false },
	{ "=?utf-8?b?YS5i?=", true },
	{ "=?utf-7?q?a?=", true },
	{ "=?utf-8?q?a", true },
};

START_TEST(finds_a_dot_as_in_a_domain)
	{
		ck_assert_msg(encoded_words_signs(dots[_i].text, strlen(dots[_i].text)).dot ==
				dots[_i].want,
			"%s", dots[_i].text);
	}
END_TEST

static const struct {
	const char *text;
	size_t want; /* 0: no encoded-word */
} words[] = {
	{ "=?utf-8?q?a?=", 13 },
	{ "=?utf-8?B?YUA=?= b", 16 },
	{ "=?a (b?Q?\" <c@d> ?=?=", 19 },
	{ "=?\?b?\?=", 7 },
	{ "=?", 0 },
	{ "=?=", 0 },
	{ "=?utf-8?", 0 },
	{ "=?utf-8?q", 0 },
	{ "=?utf-8?q?", 0 },
	{ "=?utf-8?q?a?", 0 },
	{ "=?utf-8?q?a?b?=", 0 },
	{ "=?utf-8?x?a?=", 0 },
	{ "=?utf-8?qb?a?=", 0 },
	{ "=?utf-8?=", 0 },
};

START_TEST(finds_the_end)
	{
		size_t len = strlen(words[_i].text);
		char *copy = malloc(len); /* without a NUL: ASan sees reads past the end */
		const char *end;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, words[_i].text, len);
		end = encoded_word_end(copy, copy + len);
		ck_assert_uint_eq(end != NULL ? (size_t)(end - copy) : 0, words[_i].want);
		free(copy);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("encoded_word");
	TCase *tcase = tcase_create("encoded_word");

	tcase_add_loop_test(tcase, finds_an_at, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, finds_a_dot_as_in_a_domain, 0, sizeof(dots) / sizeof(dots[0]));
	tcase_add_loop_test(tcase, finds_the_end, 0, sizeof(words) / sizeof(words[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
