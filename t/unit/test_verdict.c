/*
 * Shows that replies are printable and fit a line, and
 * which finding of a verdict decided.
 */
#include "lib/rules/verdict.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text, *want;
} replies[] = {
	{ "", "" },
	{ "You are not welcome here.", "You are not welcome here." },
	{ "100% sure, %s %n", "100% sure, %s %n" },
	{ "a\r\nb", "a\\x0d\\x0ab" },
	{ "a\tb\x7f", "a\\x09b\\x7f" },
	{ "<b\xc3\xbc"
	  "cher@example.com>",
		"<b\\xc3\\xbc"
		"cher@example.com>" },
	{ "\xff\x80", "\\xff\\x80" },
	{ " ~", " ~" },
	{ "back\\slash", "back\\slash" },
};
START_TEST(a_reply_is_printable_ascii)
	{
		struct reply reply;

		reply_set(&reply, 550, "5.7.1", "%s", replies[_i].text);
		ck_assert_int_eq(reply.code, 550);
		ck_assert_str_eq(reply.enhanced, "5.7.1");
		ck_assert_str_eq(reply.text, replies[_i].want);
	}
END_TEST

/* Replies of any length, of plain bytes and of bytes that are escaped as four. */
START_TEST(a_long_reply_is_cut_to_fit_a_line)
	{
		char text[2 * REPLY_TEXT_SIZE];
		struct reply reply;
		size_t len, i, n;
		char c = _i ? '\x01' : 'x';

		for (len = 0; len < sizeof(text); len += 7) {
			memset(text, c, len);
			text[len] = '\0';
			memset(&reply, 'Z', sizeof(reply));
			reply_set(&reply, 450, "4.7.1", "%s", text);
			n = strlen(reply.text);
			ck_assert_uint_lt(n, sizeof(reply.text));
			ck_assert_uint_le(strlen("450 4.7.1 \r\n") + n,
				512); /* RFC 5321 4.5.3.1.5 */
			if (_i == 0 && len < 450)
				ck_assert_uint_eq(n, len);
			for (i = 0; _i == 1 && i < n; i += 4) /* no escape is cut */
				ck_assert_mem_eq(reply.text + i, "\\x01", 4);
		}
	}
END_TEST

START_TEST(a_long_reply_is_cut_between_characters) /* _i ASCII characters before those of 3 bytes */
	{
		char text[2 * REPLY_TEXT_SIZE] = "";
		struct reply reply;
		size_t len;

		(void)strncpy(text, "01234567890", (size_t)_i);
		for (int i = 0; i < 60; i++)
			(void)strcat(text, "\xe2\x82\xac");
		reply_set(&reply, 550, "5.7.1", "%s", text);
		len = strlen(reply.text);
		ck_assert_uint_lt(len, REPLY_TEXT_SIZE);
		ck_assert_uint_ge(len, REPLY_TEXT_SIZE - sizeof("\\xe2\\x82\\xac"));
		ck_assert_str_eq(reply.text + len - strlen("\\xe2\\x82\\xac"), "\\xe2\\x82\\xac");
	}
END_TEST

START_TEST(a_long_enhanced_code_is_cut)
	{
		struct reply reply;

		reply_set(&reply, 550, "5.700.700.700", "x");
		ck_assert_str_eq(reply.enhanced, "5.700.700.7");
	}
END_TEST

START_TEST(the_last_finding_decides)
	{
		struct verdict verdict;

		memset(&verdict, 0xff, sizeof(verdict));
		verdict_init(&verdict);
		ck_assert_int_eq(verdict.kind, VERDICT_CONTINUE);
		ck_assert_uint_eq(verdict.count, 0);
		ck_assert_ptr_null(verdict_deciding_finding(&verdict));
		verdict.count = 2;
		ck_assert_ptr_null(verdict_deciding_finding(&verdict));
		verdict.kind = VERDICT_TEMPFAIL;
		ck_assert_ptr_eq(verdict_deciding_finding(&verdict), &verdict.findings[1]);
		verdict.count = 0;
		ck_assert_ptr_null(verdict_deciding_finding(&verdict));
	}
END_TEST

START_TEST(outcomes_and_verdicts_have_names)
	{
		static const char *const outcomes[] = { "unlisted", "pass", "fail", "would-reject",
			"error", "no-match" };
		static const char *const verdicts[] = { "accept", "reject", "tempfail", "discard" };
		int i;

		for (i = OUTCOME_UNLISTED; i <= OUTCOME_GAVE_UP; i++)
			ck_assert_str_eq(outcome_name((enum outcome)i), outcomes[i]);
		for (i = VERDICT_CONTINUE; i <= VERDICT_DISCARD; i++)
			ck_assert_str_eq(verdict_name((enum verdict_kind)i), verdicts[i]);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tcase = tcase_create("verdict");

	tcase_add_loop_test(tcase, a_reply_is_printable_ascii, 0, ROWS(replies));
	tcase_add_loop_test(tcase, a_long_reply_is_cut_to_fit_a_line, 0, 2);
	tcase_add_loop_test(tcase, a_long_reply_is_cut_between_characters, 0, 12);
	tcase_add_test(tcase, a_long_enhanced_code_is_cut);
	tcase_add_test(tcase, the_last_finding_decides);
	tcase_add_test(tcase, outcomes_and_verdicts_have_names);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
