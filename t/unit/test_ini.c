/*
 * Shows the grammar of postern.conf: sections, keys, comments, line ends, and the line that each
 * error gives.
 */
#include "lib/conf/ini.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

/* Record each call: "[a]1 k=v@2 ". */
static int note(void *context, const struct ini_entry *entry, struct errmsg *err)
{
	struct strbuf *seen = context;

	if (entry->name != NULL && strcmp(entry->name, "stop") == 0)
		return errmsg_set(err, "stopped");
	if (entry->name == NULL)
		strbuf_addf(seen, "[%s]%u ", entry->section, entry->line);
	else
		strbuf_addf(seen, "%s=%s@%u ", entry->name, entry->value, entry->line);
	return 0;
}

static const struct {
	const char *text, *want;
} good[] = {
	{ "", "" },
	{ "\n\n# c\n ; c\n", "" },
	{ "[a]\nk=v\n", "[a]1 k=v@2 " },
	{ "[a]\nk=v", "[a]1 k=v@2 " },
	{ "\xef\xbb\xbf[a]\nk = v\n", "[a]1 k=v@2 " },
	{ "[a]\r\nk=v\r\n\r\nl=w\r\n", "[a]1 k=v@2 l=w@4 " },
	{ "[a]\rk=v\rl=w", "[a]1 k=v@2 l=w@3 " },
	{ "  [ a b ] ; c\n\t k\t=\t v w \t\n", "[a b]1 k=v w@2 " },
	{ "[a]#c\nk=\n", "[a]1 k=@2 " },
	{ "[a]\nk = v ; c # d\n", "[a]1 k=v ; c # d@2 " },
	{ "[a]\nk = a=b\n", "[a]1 k=a=b@2 " },
	{ "[a]\nk = b\xc3\xbc"
	  "cher\n",
		"[a]1 k=b\xc3\xbc"
		"cher@2 " },
	{ "[a]\nk=1\n[b]\nk=2\n", "[a]1 k=1@2 [b]3 k=2@4 " },
};
START_TEST(reads_sections_and_keys_with_their_lines)
	{
		struct strbuf seen = STRBUF_INIT;
		struct errmsg err = { "" };

		strbuf_add_str(&seen, "");
		ck_assert_int_eq(ini_read("f", good[_i].text, strlen(good[_i].text), note, &seen,
					 &err),
			0);
		ck_assert_str_eq(seen.text, good[_i].want);
		strbuf_free(&seen);
	}
END_TEST

static const struct {
	const char *text, *err;
} bad[] = {
	{ "k = v\n", "f:1: k precedes the first [SECTION]" },
	{ "[a]\nk\n",
		"f:2: expected [SECTION], NAME = VALUE, or a comment that begins with # or ;" },
	{ "[a]\n= v\n", "f:2: the name before = is missing; write NAME = VALUE" },
	{ "[a\n", "f:1: the ] after the section's name is missing; write [NAME]" },
	{ "[ ]\n", "f:1: the section has no name; write [NAME]" },
	{ "[a] k = v\n", "f:1: text after ]; only a comment may follow the section's name" },
	{ "[a]\n[b]\n\n[a]\n", "f:4: [a] is repeated; it first appears in line 1" },
	{ "[a]\nk=1\n\nk=1\n", "f:4: [a] k is repeated; it first appears in line 2" },
	{ "[a]\nk=\x01\n", "f:2: byte 3 is a control character (0x01)" },
	{ "[a]\nk=\x7f\n", "f:2: byte 3 is a control character (0x7f)" },
	{ "[a]\nk=\xfc\n", "f:2: byte 3 (0xfc) is not UTF-8" },
	{ "[a]\nk=\xed\xa0\x80\n", "f:2: byte 3 (0xed) is not UTF-8" },
	{ "[a]\nk=\xc3", "f:2: byte 3 (0xc3) is not UTF-8" },
	{ "[a]\nstop=1\n", "f:2: stopped" },
};
START_TEST(an_error_gives_its_line)
	{
		struct strbuf seen = STRBUF_INIT;
		struct errmsg err = { "" };

		ck_assert_int_eq(ini_read("f", bad[_i].text, strlen(bad[_i].text), note, &seen,
					 &err),
			-1);
		ck_assert_str_eq(err.text, bad[_i].err);
		ck_assert_int_eq(ini_read("f", bad[_i].text, strlen(bad[_i].text), note, &seen,
					 NULL),
			-1);
		strbuf_free(&seen);
	}
END_TEST

/* The text after an error is read, too, except for the keys of a section that has one. */
START_TEST(goes_on_after_an_error)
	{
		static const char text[] = "k=0\n[a]\nk=1\nnothing\nl=2\nk=3\nstop=4\n[b\nx=5\n"
					   "[c] d\nx=6\n[a]\nx=7\n[e]\nm=8\n";
		static const char *const errors[] = {
			"f:1: k precedes the first [SECTION]",
			"f:4: expected [SECTION], NAME = VALUE, or a comment that begins with # or ;",
			"f:6: [a] k is repeated; it first appears in line 3",
			"f:7: stopped",
			"f:8: the ] after the section's name is missing; write [NAME]",
			"f:10: text after ]; only a comment may follow the section's name",
			"f:12: [a] is repeated; it first appears in line 2",
		};
		struct strbuf seen = STRBUF_INIT;
		struct problems *problems = problems_new();
		struct errmsg err = { "" };

		for (int pass = 0; pass < 2; pass++) /* the second one finds nothing new */
			ck_assert_int_eq(ini_read_all("f", text, strlen(text), note, &seen,
						 problems, &err),
				-1);
		ck_assert_str_eq(err.text, errors[0]);
		ck_assert_uint_eq(problems_count(problems), sizeof(errors) / sizeof(errors[0]));
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			ck_assert_str_eq(problems_text(problems, i), errors[i]);
		ck_assert_str_eq(seen.text,
			"[a]2 k=1@3 l=2@5 [e]14 m=8@15 [a]2 k=1@3 l=2@5 [e]14 m=8@15 ");
		problems_free(&problems);
		strbuf_free(&seen);
	}
END_TEST

START_TEST(refuses_nul_bytes)
	{
		struct strbuf seen = STRBUF_INIT;
		struct errmsg err = { "" };

		ck_assert_int_eq(ini_read("f", "[a]\nk=\0v\n", 9, note, &seen, &err), -1);
		ck_assert_str_eq(err.text, "f:2: byte 3 is a control character (0x00)");
		strbuf_free(&seen);
	}
END_TEST

START_TEST(reads_lines_of_any_length)
	{
		struct strbuf text = STRBUF_INIT, seen = STRBUF_INIT;
		struct errmsg err = { "" };
		int i;

		strbuf_add_str(&text, "[a]\nlong = ");
		for (i = 0; i < 100000; i++)
			strbuf_add_char(&text, 'x');
		ck_assert_int_eq(ini_read("f", text.text, text.len, note, &seen, &err), 0);
		ck_assert_uint_eq(seen.len, strlen("[a]1 long=@2 ") + 100000);
		strbuf_free(&text);
		strbuf_free(&seen);
	}
END_TEST

static const struct {
	const char *value, *want;
} comments[] = {
	{ "v", "v" },
	{ "v ; c", "v" },
	{ "v\t# c", "v" },
	{ "; c", "" },
	{ "#", "" },
	{ "a;b#c", "a;b#c" },
	{ "a;b   ; c ; d", "a;b" },
	{ "", "" },
};
START_TEST(removes_comments_after_white_space)
	{
		char value[32];

		(void)snprintf(value, sizeof(value), "%s", comments[_i].value);
		ini_cut_comment(value);
		ck_assert_str_eq(value, comments[_i].want);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ini");
	TCase *tcase = tcase_create("ini");

	tcase_add_loop_test(tcase, reads_sections_and_keys_with_their_lines, 0, ROWS(good));
	tcase_add_loop_test(tcase, an_error_gives_its_line, 0, ROWS(bad));
	tcase_add_test(tcase, goes_on_after_an_error);
	tcase_add_test(tcase, refuses_nul_bytes);
	tcase_add_test(tcase, reads_lines_of_any_length);
	tcase_add_loop_test(tcase, removes_comments_after_white_space, 0, ROWS(comments));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
