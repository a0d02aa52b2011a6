/*
 * Shows how the subjects of regexes are folded and repaired, and which of them contain line
 * terminators of JavaScript.
 */
#include "lib/match/regex_subject.h"

#include <string.h>

#include "lib/base/ascii.h"
#include "t/unit/unit.h"

#define V(text) text, sizeof(text) - 1

static const struct {
	const char *text;
	size_t len;
	const char *want;
	size_t want_len;
	bool has_lines;
} cases[] = {
	{ V(""), V(""), false },
	{ V("Bob@Example.COM"), V("bob@example.com"), false },
	{ V("A\nB"), V("a\nb"), true },
	{ V("A\rB"), V("a\rb"), true },
	{ V("A\0B"), V("a\0b"), false },
	{ V("\xc3\xa4\r"), V("\xc3\x84\r"), true },
	{ V("\xc5\xbf\xe2\x84\xaa"), V("\xc5\xbf\xe2\x84\xaa"), false }, /* not s and k */
	{ V("a\xe2\x80\xa8"), V("a\xe2\x80\xa8"), true },
	{ V("a\xe2\x80\xa9"), V("a\xe2\x80\xa9"), true },
	{ V("\xf0\x90\x90\x80"), V("\xf0\x90\x90\x80"), false }, /* past U+FFFF */
	{ V("A\xff\xc3(\xe2\x82"), V("a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd"), false },
};

START_TEST(folds_and_repairs)
	{
		struct strbuf buffer = STRBUF_INIT;
		struct regex_subject subject;

		strbuf_add(&buffer, "before", 6);
		ck_assert_int_eq(regex_subject_fold(cases[_i].text, cases[_i].len, &buffer,
					 &subject),
			0);
		ck_assert_uint_eq(subject.len, cases[_i].want_len);
		ck_assert_mem_eq(subject.text, cases[_i].want, subject.len);
		ck_assert_int_eq(subject.has_lines, cases[_i].has_lines);
		strbuf_free(&buffer);
	}
END_TEST

/* Folding looks at several bytes at once. */
START_TEST(folds_every_byte_at_every_place)
	{
		struct strbuf buffer = STRBUF_INIT;
		struct regex_subject subject;
		char text[19], want[sizeof(text)];
		size_t at;
		int c;

		for (at = 0; at < sizeof(text); at++) {
			for (c = 0; c < 0x80; c++) {
				memset(text, 'x', sizeof(text));
				text[at] = (char)c;
				ascii_lower_bytes(text, sizeof(text), want);
				ck_assert_int_eq(regex_subject_fold(text, sizeof(text), &buffer,
							 &subject),
					0);
				ck_assert_uint_eq(subject.len, sizeof(text));
				ck_assert_mem_eq(subject.text, want, sizeof(text));
				ck_assert_int_eq(subject.has_lines, c == '\n' || c == '\r');
			}
			for (; c < 0x100; c++) {
				text[at] = (char)c;
				ck_assert_int_eq(regex_subject_fold(text, sizeof(text), &buffer,
							 &subject),
					0);
				ck_assert_uint_eq(subject.len, sizeof(text) + 2);
			}
		}
		strbuf_free(&buffer);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_subject");
	TCase *tcase = tcase_create("regex_subject");

	tcase_add_loop_test(tcase, folds_and_repairs, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, folds_every_byte_at_every_place);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
