/*
 * Text from outside is made visible: controls of all kinds, characters that change the direction of
 * writing or are invisible, and bytes that are not UTF-8 become escapes; all other text stays.
 */
#include "lib/base/visible.h"

#include <string.h>

#include "t/unit/unit.h"

/* NOLINTBEGIN(misc-misleading-bidirectional): the test needs them */
static const struct {
	const char *text, *shown;
} texts[] = {
	/* as it is */
	{ "", "" },
	{ "a b~", "a b~" },
	{ "a\\x1b\\", "a\\x1b\\" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\xce\xb1\xd7\x90\xd8\xa7\xe4\xb8\xad", "\xce\xb1\xd7\x90\xd8\xa7\xe4\xb8\xad" },
	{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "a\xcc\x88", "a\xcc\x88" }, /* U+0308 combines with the a */
	{ "\xef\xbf\xbd", "\xef\xbf\xbd" },
	/* C0 and DEL */
	{ "\x1b]0;x\x07", "\\x1b]0;x\\x07" },
	{ "a\tb\nc\r\x7f", "a\\x09b\\x0ac\\x0d\\x7f" },
	/* C1, in one byte and as characters */
	{ "\x9b"
	  "31m",
		"\\x9b31m" },
	{ "\xc2\x9b"
	  "31m",
		"\\u009b31m" },
	{ "\xc2\x80\xc2\x85\xc2\x9f", "\\u0080\\u0085\\u009f" },
	/* direction */
	{ "a\xe2\x80\xae"
	  "b",
		"a\\u202eb" },
	{ "\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad", "\\u202a\\u202b\\u202c\\u202d" },
	{ "\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "\\u2066\\u2067\\u2068\\u2069" },
	{ "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u200e\\u200f\\u061c" },
	/* invisible */
	{ "a\xc2\xad\xe2\x80\x8b\xe2\x80\x8c\xe2\x80\x8d\xe2\x81\xa0\xef\xbb\xbf",
		"a\\u00ad\\u200b\\u200c\\u200d\\u2060\\ufeff" },
	{ "\xcd\x8f\xe1\x85\x9f\xe3\x85\xa4\xef\xbe\xa0", "\\u034f\\u115f\\u3164\\uffa0" },
	{ "\xef\xb8\x8f\xe1\xa0\x8e\xef\xbf\xb9", "\\ufe0f\\u180e\\ufff9" },
	{ "\xf3\xa0\x81\xa1\xf3\xa0\x84\x80\xf0\x9d\x85\xb3", "\\U000e0061\\U000e0100\\U0001d173" },
	/* lines and spaces */
	{ "a\xe2\x80\xa8\xe2\x80\xa9\xc2\x85", "a\\u2028\\u2029\\u0085" },
	{ "\xc2\xa0\xe2\x80\x83\xe3\x80\x80", "\\u00a0\\u2003\\u3000" },
	/* private use and noncharacters */
	{ "\xee\x80\x80\xef\xb7\x90\xef\xbf\xbe", "\\ue000\\ufdd0\\ufffe" },
	{ "\xf0\x9f\xbf\xbf\xf4\x8f\xbf\xbf", "\\U0001ffff\\U0010ffff" },
	/* not UTF-8 */
	{ "x\xc2", "x\\xc2" },
	{ "\xe2\x82", "\\xe2\\x82" },
	{ "\xf0\x9f\x98", "\\xf0\\x9f\\x98" },
	{ "\xc0\x9b\xe0\x82\x9b", "\\xc0\\x9b\\xe0\\x82\\x9b" }, /* overlong U+009B */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },			 /* a surrogate */
	{ "\xf4\x90\x80\x80\xff\xfe", "\\xf4\\x90\\x80\\x80\\xff\\xfe" },
	{ "\xe2\x80\xc2\x9b", "\\xe2\\x80\\u009b" },
	{ "\xc3\xbc\xbc", "\xc3\xbc\\xbc" },
};
/* NOLINTEND(misc-misleading-bidirectional) */

START_TEST(text_is_made_visible) /* one run a row */
	{
		struct strbuf out = STRBUF_INIT;

		visible_add(&out, texts[_i].text, strlen(texts[_i].text));
		ck_assert_str_eq(out.text, texts[_i].shown);
		strbuf_free(&out);
	}
END_TEST

START_TEST(a_nul_is_a_control_character)
	{
		struct strbuf out = STRBUF_INIT;

		visible_add(&out, "a\0b", 3);
		ck_assert_str_eq(out.text, "a\\x00b");
		strbuf_free(&out);
	}
END_TEST

static const struct {
	const char *shown, *text;
} escapes[] = {
	{ "", "" },
	{ "a\\b \\x \\x1 \\xg1 \\u12 \\U0000001 \\", "a\\b \\x \\x1 \\xg1 \\u12 \\U0000001 \\" },
	{ "\\x00\\U00110000", "\\x00\\U00110000" },
	{ "\\x1b[\\xff\\xFe", "\x1b[\xff\xfe" },
	/* NOLINTNEXTLINE(misc-misleading-bidirectional) */
	{ "\\u009b\\u202e\\U000e0041z", "\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81z" },
};

START_TEST(what_is_shown_can_be_read) /* one run a row */
	{
		struct strbuf out = STRBUF_INIT;

		visible_read(&out, escapes[_i].shown);
		ck_assert_str_eq(out.text, escapes[_i].text);
		strbuf_free(&out);
	}
END_TEST

START_TEST(all_that_is_shown_can_be_read) /* one run a row, without backslashes of its own */
	{
		struct strbuf shown = STRBUF_INIT, out = STRBUF_INIT;

		if (strchr(texts[_i].text, '\\') != NULL)
			return;
		visible_add(&shown, texts[_i].text, strlen(texts[_i].text));
		visible_read(&out, shown.text);
		ck_assert_str_eq(out.text, texts[_i].text);
		strbuf_free(&shown);
		strbuf_free(&out);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("visible");
	TCase *tcase = tcase_create("visible");

	tcase_add_loop_test(tcase, text_is_made_visible, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_loop_test(tcase, what_is_shown_can_be_read, 0,
		sizeof(escapes) / sizeof(escapes[0]));
	tcase_add_loop_test(tcase, all_that_is_shown_can_be_read, 0,
		sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, a_nul_is_a_control_character);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
