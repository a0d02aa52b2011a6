/*
 * Printing on a terminal: text from outside cannot control it, and colours appear only when they
 * are wanted.
 */
#include "ctl/terminal.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text, *printed;
} texts[] = {
	{ "", "" }, { "a b~", "a b~" }, { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\x1b]0;x\x07", "\\x1b]0;x\\x07" }, { "a\tb\nc\x7f", "a\\x09b\\x0ac\\x7f" },
	{ "\xc2\x9b"
	  "31m",
		"\\xc2\\x9b"
		"31m" },	      /* U+009B, CSI in one character */
	{ "\xc2\xa0x", "\xc2\xa0x" }, /* U+00A0 controls nothing */
	{ "x\xc2", "x\xc2" },	      /* cut in the middle of a character */
};

START_TEST(control_characters_are_made_visible) /* one run a row */
	{
		char printed[200] = "";
		FILE *out = fmemopen(printed, sizeof(printed), "w");

		ck_assert_ptr_nonnull(out);
		terminal_print(out, texts[_i].text);
		(void)fclose(out);
		ck_assert_str_eq(printed, texts[_i].printed);
	}
END_TEST

START_TEST(colours_are_empty_when_not_wanted)
	{
		ck_assert_str_eq(terminal_colour(false, TERMINAL_RED), "");
		ck_assert_str_eq(terminal_colour(true, TERMINAL_RED), "\033[31m");
		ck_assert_str_eq(terminal_verdict(false, "reject"), "");
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
		ck_assert_str_eq(terminal_verdict(true, verdicts[_i].verdict),
			terminal_colour(true, verdicts[_i].colour));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("terminal");
	TCase *tcase = tcase_create("terminal");

	tcase_add_loop_test(tcase, control_characters_are_made_visible, 0,
		sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, colours_are_empty_when_not_wanted);
	tcase_add_loop_test(tcase, verdicts_have_their_colour, 0,
		sizeof(verdicts) / sizeof(verdicts[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
