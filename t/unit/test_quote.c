/*
 * Shows how values are quoted in log lines: no value can pass for another key or another line, and
 * a long one is cut visibly.
 */
#include <string.h>

#include "milter/log/quote.h"
#include "t/unit/unit.h"

static const struct {
	const char *value, *want;
} values[] = {
	{ "plain", "k=plain" },
	{ "a.b@c-d.example", "k=a.b@c-d.example" },
	{ "<>", "k=<>" },
	{ "[2001:db8::1]", "k=[2001:db8::1]" },
	{ "mail_from.access.blacklist:17", "k=mail_from.access.blacklist:17" },
	{ "", "k=\"\"" },
	{ "two words", "k=\"two words\"" },
	{ "a=b", "k=\"a=b\"" },
	{ "say \"hi\"", "k=\"say \\\"hi\\\"\"" },
	{ "back\\slash", "k=\"back\\\\slash\"" },
	{ "line\nverdict=accept", "k=\"line\\x0averdict=accept\"" },
	{ "\x01\x1b\x7f", "k=\"\\x01\\x1b\\x7f\"" },
	{ "\xc3\xbc", "k=\"\\xc3\\xbc\"" },
	{ "tab\t", "k=\"tab\\x09\"" },
};

START_TEST(no_value_passes_for_another_key)
	{
		struct strbuf line = STRBUF_INIT;

		quote_add(&line, "k", values[_i].value);
		ck_assert_str_eq(line.text, values[_i].want);
		strbuf_free(&line);
	}
END_TEST

START_TEST(pairs_are_separated_and_unknown_ones_left_out)
	{
		struct strbuf line = STRBUF_INIT;

		quote_add(&line, "a", NULL);
		quote_add(&line, "b", "1");
		quote_add(&line, "c", NULL);
		quote_add_number(&line, "d", 18446744073709551615ULL);
		ck_assert_str_eq(line.text, "b=1 d=18446744073709551615");
		strbuf_free(&line);
	}
END_TEST

START_TEST(a_long_value_is_cut_visibly)
	{
		struct strbuf line = STRBUF_INIT;
		char value[QUOTE_MAX + 2];

		memset(value, 'x', sizeof(value));
		value[QUOTE_MAX] = '\0';
		quote_add(&line, "k", value);
		ck_assert_uint_eq(line.len, 2 + QUOTE_MAX);
		strbuf_reset(&line);
		value[QUOTE_MAX] = 'x';
		value[QUOTE_MAX + 1] = '\0';
		quote_add(&line, "k", value);
		ck_assert_uint_eq(line.len, 2 + 1 + QUOTE_MAX + strlen("...\""));
		ck_assert_str_eq(line.text + line.len - 4, "...\"");
		strbuf_free(&line);
	}
END_TEST

START_TEST(a_long_value_is_cut_between_characters) /* _i ASCII characters before those of 3 bytes */
	{
		struct strbuf line = STRBUF_INIT;
		char value[QUOTE_MAX + 10] = "";

		(void)strncpy(value, "xyz", (size_t)_i);
		while (strlen(value) <= QUOTE_MAX)
			(void)strcat(value, "\xe2\x82\xac");
		quote_add(&line, "k", value);
		ck_assert_str_eq(line.text + line.len - strlen("\\xac...\""), "\\xac...\"");
		strbuf_free(&line);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("quote");
	TCase *tcase = tcase_create("quote");

	tcase_add_loop_test(tcase, no_value_passes_for_another_key, 0,
		(int)(sizeof(values) / sizeof(values[0])));
	tcase_add_test(tcase, pairs_are_separated_and_unknown_ones_left_out);
	tcase_add_test(tcase, a_long_value_is_cut_visibly);
	tcase_add_loop_test(tcase, a_long_value_is_cut_between_characters, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
