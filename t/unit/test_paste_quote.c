/*
 * Quoted words are printable ASCII, and a shell turns each into the bytes that were quoted; names
 * and texts for PostgreSQL have its documented forms.
 */
#include "ctl/paste_quote.h"

#include <string.h>

#include "ctl/doctor/doctor_run.h"
#include "t/unit/unit.h"

static void check_printable(const char *text)
{
	for (; *text != '\0'; text++)
		ck_assert(*text >= ' ' && *text <= '~');
}

static const struct {
	const char *word, *quoted; /* quoted NULL: any form that the shell reads as the word */
} words[] = {
	{ "postconf", "postconf" },
	{ "/etc/postfix-2", "/etc/postfix-2" },
	{ "", "''" },
	{ "smtpd_milters = unix:a", "'smtpd_milters = unix:a'" },
	{ "it's", "'it'\\''s'" },
	{ "$(touch /x) `x` ${y} !! \\", "'$(touch /x) `x` ${y} !! \\'" },
	{ "~root", "'~root'" },
	{ "=ls", "'=ls'" },
	{ "a\nb", "\"$(printf 'a\\012b')\"" },
	{ "\x1b[31m\xc3\xa9%s\\n'\"`$(x)", NULL },
	{ "\xff\xfe\x80", NULL },
	{ "\nx\n\ty ", NULL },
	{ "\xe2\x80\x8bgnp.exe", NULL },
};

START_TEST(a_shell_reads_the_same_word) /* one run a row */
	{
		struct strbuf line = STRBUF_INIT, got = STRBUF_INIT;
		struct errmsg err;

		strbuf_add_str(&line, "printf %s ");
		ck_assert_int_eq(paste_quote_shell(&line, words[_i].word), 0);
		check_printable(line.text);
		if (words[_i].quoted != NULL)
			ck_assert_str_eq(line.text + strlen("printf %s "), words[_i].quoted);
		ck_assert_int_eq(doctor_run((const char *const[]){ "sh", "-c", line.text, NULL },
					 &got, NULL, &err),
			0);
		ck_assert_str_eq(got.text == NULL ? "" : got.text, words[_i].word);
		strbuf_free(&got);
		strbuf_free(&line);
	}
END_TEST

START_TEST(a_word_that_no_shell_keeps_is_refused)
	{
		struct strbuf line = STRBUF_INIT;

		ck_assert_int_eq(paste_quote_shell(&line, "a\n"), -1);
		ck_assert_uint_eq(line.len, 0);
		strbuf_free(&line);
	}
END_TEST

static const struct {
	const char *text, *name_quoted, *text_quoted; /* NULL: refused */
} sql_texts[] = {
	{ "users", "\"users\"", "'users'" },
	{ "o'\"h", "\"o'\"\"h\"", "'o''\"h'" },
	{ "o'\"h\\", "\"o'\"\"h\\\"", "E'o''\"h\\\\'" },
	{ "; DROP TABLE x; --", "\"; DROP TABLE x; --\"", "'; DROP TABLE x; --'" },
	{ "\xc3\xa9\\'\"", "U&\"\\+0000e9\\\\'\"\"\"", "U&'\\+0000e9\\\\''\"'" },
	{ "a\nb\x1b", "U&\"a\\+00000ab\\+00001b\"", "U&'a\\+00000ab\\+00001b'" },
	{ "\xf0\x9f\x98\x80", "U&\"\\+01f600\"", "U&'\\+01f600'" },
	{ "\xff", NULL, NULL },
};

START_TEST(postgresql_reads_the_same_text) /* one run a row */
	{
		const char *const wanted[] = { sql_texts[_i].name_quoted,
			sql_texts[_i].text_quoted };
		int (*const quote[])(struct strbuf *, const char *) = { paste_quote_sql_name,
			paste_quote_sql_text };

		for (int i = 0; i < 2; i++) {
			struct strbuf out = STRBUF_INIT;

			ck_assert_int_eq(quote[i](&out, sql_texts[_i].text),
				wanted[i] == NULL ? -1 : 0);
			if (wanted[i] != NULL)
				ck_assert_str_eq(out.text, wanted[i]);
			strbuf_free(&out);
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("paste_quote");
	TCase *tcase = tcase_create("paste_quote");

	tcase_add_loop_test(tcase, a_shell_reads_the_same_word, 0,
		sizeof(words) / sizeof(words[0]));
	tcase_add_test(tcase, a_word_that_no_shell_keeps_is_refused);
	tcase_add_loop_test(tcase, postgresql_reads_the_same_text, 0,
		sizeof(sql_texts) / sizeof(sql_texts[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
