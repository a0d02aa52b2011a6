/*
 * Shows that libmilter gets only replies that it accepts, with every percent sign doubled, and the
 * return value that fits the verdict.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

#include "milter/smtp/reply.h"
#include "t/unit/unit.h"

static struct verdict decided(enum verdict_kind kind, int code, const char *enhanced,
	const char *text)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	verdict.kind = kind;
	verdict.count = 1;
	verdict.findings[0].outcome = OUTCOME_FAIL;
	reply_set(&verdict.findings[0].reply, code, enhanced, "%s", text);
	return verdict;
}

static const struct {
	enum verdict_kind kind;
	int code;
	const char *enhanced, *text;
	const char *want; /* NULL: the MTA answers with a text of its own */
} cases[] = {
	{ VERDICT_REJECT, 550, "5.7.1", "No", "550 5.7.1 No" },
	{ VERDICT_TEMPFAIL, 450, "4.7.1", "Later", "450 4.7.1 Later" },
	{ VERDICT_REJECT, 550, "5.7.1", "100% %s %n", "550 5.7.1 100%% %%s %%n" },
	{ VERDICT_REJECT, 552, "5.3.4", "two\r\nlines", "552 5.3.4 two\\x0d\\x0alines" },
	/* libmilter ignores a reply whose class does not fit the verdict. */
	{ VERDICT_REJECT, 450, "4.7.1", "x", NULL },
	{ VERDICT_TEMPFAIL, 550, "5.7.1", "x", NULL },
	{ VERDICT_CONTINUE, 550, "5.7.1", "x", NULL },
	{ VERDICT_DISCARD, 550, "5.7.1", "x", NULL },
	{ VERDICT_TEMPFAIL, 421, "4.7.1", "x", NULL },
	{ VERDICT_REJECT, 0, "", "x", NULL },
	{ VERDICT_REJECT, 650, "5.7.1", "x", NULL },
	/* libmilter refuses an enhanced code of another class. */
	{ VERDICT_REJECT, 550, "4.7.1", "x", "550 5.7.1 x" },
	{ VERDICT_REJECT, 550, "", "x", "550 5.7.1 x" },
};

START_TEST(a_reply_is_one_that_libmilter_accepts)
	{
		const struct verdict verdict =
			decided(cases[_i].kind, cases[_i].code, cases[_i].enhanced, cases[_i].text);
		struct reply_line line;
		char text[1200];

		ck_assert_int_eq(reply_line_of(&verdict, &line), cases[_i].want != NULL);
		if (cases[_i].want == NULL)
			return;
		(void)snprintf(text, sizeof(text), "%s %s %s", line.code, line.enhanced, line.text);
		ck_assert_str_eq(text, cases[_i].want);
	}
END_TEST

START_TEST(the_longest_text_fits_with_every_percent_doubled)
	{
		char text[REPLY_TEXT_SIZE];
		struct verdict verdict;
		struct reply_line line;

		memset(text, '%', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		verdict = decided(VERDICT_REJECT, 550, "5.7.1", text);
		ck_assert(reply_line_of(&verdict, &line));
		ck_assert_uint_eq(strlen(line.text), 2 * strlen(verdict.findings[0].reply.text));
		ck_assert_uint_le(strlen(line.text), REPLY_LINE_MAX);
	}
END_TEST

START_TEST(each_verdict_has_its_return_value)
	{
		static const int want[] = {
			[VERDICT_CONTINUE] = SMFIS_CONTINUE,
			[VERDICT_REJECT] = SMFIS_REJECT,
			[VERDICT_TEMPFAIL] = SMFIS_TEMPFAIL,
			[VERDICT_DISCARD] = SMFIS_DISCARD,
		};
		const struct verdict verdict = decided((enum verdict_kind)_i, 0, "", "");

		ck_assert_int_eq(reply_send(NULL, &verdict, true), want[_i]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("reply");
	TCase *tcase = tcase_create("reply");

	tcase_add_loop_test(tcase, a_reply_is_one_that_libmilter_accepts, 0,
		(int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_loop_test(tcase, each_verdict_has_its_return_value, 0, VERDICT_DISCARD + 1);
	tcase_add_test(tcase, the_longest_text_fits_with_every_percent_doubled);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
