/*
 * Printing on a terminal: colours appear only when they are wanted, durations have two units, and
 * JSON contains nothing but printable ASCII.
 */
#include "ctl/terminal.h"

#include <string.h>

#include "t/unit/unit.h"

static char printed[400];
static FILE *out;

static void setup(void)
{
	memset(printed, 0, sizeof(printed));
	ck_assert_ptr_nonnull(out = fmemopen(printed, sizeof(printed), "w"));
}

static const char *end_print(void)
{
	(void)fclose(out);
	return printed;
}

START_TEST(colours_appear_when_wanted)
	{
		terminal_paint(out, false, TERMINAL_RED);
		terminal_word(out, false, TERMINAL_GREEN, "a\x1b[1m ");
		terminal_paint(out, true, TERMINAL_RED);
		terminal_word(out, true, TERMINAL_GREEN, "b\x1b");
		ck_assert_str_eq(end_print(), "a\\x1b[1m \033[31m\033[32mb\\x1b\033[0m");
	}
END_TEST

static const struct {
	const char *verdict;
	enum terminal_colour colour;
} verdicts[] = {
	{ "accept", TERMINAL_GREEN },
	{ "pass", TERMINAL_GREEN },
	{ "reject", TERMINAL_RED },
	{ "discard", TERMINAL_RED },
	{ "fail", TERMINAL_RED },
	{ "unlisted", TERMINAL_OFF },
	{ "tempfail", TERMINAL_YELLOW },
	{ "would-reject", TERMINAL_YELLOW },
	{ "", TERMINAL_YELLOW },
};

START_TEST(verdicts_have_their_colour) /* one run a row */
	{
		ck_assert_int_eq(terminal_verdict(verdicts[_i].verdict), verdicts[_i].colour);
		(void)end_print();
	}
END_TEST

START_TEST(durations_have_two_units)
	{
		static const long long seconds[] = { -1, 7, 90, 7205, 180000 };

		for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
			terminal_seconds(out, seconds[i]);
			(void)fputc('|', out);
		}
		ck_assert_str_eq(end_print(), "0 s|7 s|1 min 30 s|2 h 0 min|2 d 2 h|");
	}
END_TEST

START_TEST(json_is_printable_ascii)
	{
		json_t *json = json_pack("{s:s, s:f}", "k\x7f",
			"\x1b\x7f\xc2\x9b\xe2\x80\x8b\xf0\x9f\x98\x80", "time", 1764406834.123);

		ck_assert_int_eq(terminal_json(out, json, JSON_COMPACT), 0);
		json_decref(json);
		ck_assert_str_eq(end_print(),
			"{\"k\\u007f\":\"\\u001B\\u007f\\u009B\\u200B\\uD83D\\uDE00\","
			"\"time\":1764406834.123}\n");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("terminal");
	TCase *tcase = tcase_create("terminal");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, colours_appear_when_wanted);
	tcase_add_loop_test(tcase, verdicts_have_their_colour, 0,
		sizeof(verdicts) / sizeof(verdicts[0]));
	tcase_add_test(tcase, durations_have_two_units);
	tcase_add_test(tcase, json_is_printable_ascii);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
