/*
 * Shows the PCRE2 form of regexes in
 * JavaScript's dialect.
 */
#include "lib/match/regex_dialect.h"

#include <string.h>

#include "t/unit/unit.h"

/* Regexes and their PCRE2 form; test_regexlist.c shows what they match. */
static const struct {
	const char *regex, *want;
} cases[] = {
	{ "", "" },
	{ "plain@example.com", "plain@example.com" },
	{ ".*@(?:a|b)\\.example$", ".*@(?:a|b)\\.example$" },
	/* Escapes of JavaScript stay; other letters lose the backslash; the rest is unchanged. */
	{ "\\b\\B\\d\\D\\w\\W\\s\\S\\f\\n\\r\\t\\v\\cJ\\x41\\u0041\\k", NULL },
	{ "\\1\\0\\.\\/\\@\\\\", NULL },
	{ "\\Z\\A\\z\\Q\\E\\K\\R\\X\\G\\C\\N\\e\\a\\h\\p\\o\\g", "ZAzQEKRXGCNeahpog" },
	{ "\\", "\\" },
	{ "a\\", "a\\" },
	{ "\\\xc3\xa4", NULL },
	{ "\\c", "\\\\c" },
	{ "a\\c+", "a\\\\c+" },
	{ "[\\c]", "[\\\\c]" },
	{ "[\\cA]", NULL },
	/* Classes. */
	{ "[a-z]", NULL },
	{ "[^a-z]", NULL },
	{ "[[:digit:]]", "[\\[:digit:]]" },
	{ "[:a:]", "[\\:a:]" },
	{ "[.a.]", "[\\.a.]" },
	{ "[=a=]", "[\\=a=]" },
	{ "[^:a:]", NULL },
	{ "[\\Z]", "[Z]" },
	{ "[]", "(?!)" },
	{ "[]]", "(?!)]" },
	{ "[^]", "[^]" },
	{ "[^]]", "[^]]" },
	{ "[\\]a]", NULL },
	{ "[\\w-.]", "[\\w\\-.]" },
	{ "[+-\\w]", "[+\\-\\w]" },
	{ "[\\d-\\w]", "[\\d\\-\\w]" },
	{ "[-a]", "[\\-a]" },
	{ "[a-]", "[a\\-]" },
	{ "[a-c-e]", "[a-c\\-e]" },
	{ "[a", "[a" },
	{ "[", "[" },
	{ "[a\\", "[a\\" },
	{ "[a-", "[a\\-" },
	{ "[\xc3\xa4-\xc3\xb6]", NULL },
	{ "[\xc3", "[\xc3" },
	/* Braces. */
	{ "a{2,3}", NULL },
	{ "a{,3}", "a\\{,3}" },
	{ "a{", NULL },
	{ "a{x}", NULL },
	{ "[{,3}]", NULL },
	{ "\\{,3}", NULL },
};
START_TEST(is_given_as_pcre2_has_to_read_it)
	{
		const char *want = cases[_i].want != NULL ? cases[_i].want : cases[_i].regex;
		struct strbuf out = STRBUF_INIT;

		strbuf_add_str(&out, "");
		regex_dialect_translate(cases[_i].regex, strlen(cases[_i].regex), &out);
		ck_assert_str_eq(out.text, want);
		strbuf_free(&out);
	}
END_TEST

/* Every beginning of every regex, in memory of exactly that size, for ASan. */
START_TEST(reads_no_byte_behind_the_end)
	{
		const char *regex = cases[_i].regex;
		struct strbuf out = STRBUF_INIT;
		size_t len;
		char *copy;

		for (len = 1; len <= strlen(regex); len++) {
			copy = malloc(len);
			ck_assert_ptr_nonnull(copy);
			memcpy(copy, regex, len);
			strbuf_reset(&out);
			regex_dialect_translate(copy, len, &out);
			ck_assert_uint_ge(2 * out.len + 1, len); /* only backslashes are removed */
			free(copy);
		}
		strbuf_free(&out);
	}
END_TEST

START_TEST(appends_and_keeps_nul_bytes)
	{
		struct strbuf out = STRBUF_INIT;

		strbuf_add_str(&out, "x");
		regex_dialect_translate("a\0b", 3, &out);
		ck_assert_uint_eq(out.len, 4);
		ck_assert_mem_eq(out.text, "xa\0b", 4);
		strbuf_free(&out);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_dialect");
	TCase *tcase = tcase_create("regex_dialect");

	tcase_add_loop_test(tcase, is_given_as_pcre2_has_to_read_it, 0, ROWS(cases));
	tcase_add_loop_test(tcase, reads_no_byte_behind_the_end, 0, ROWS(cases));
	tcase_add_test(tcase, appends_and_keeps_nul_bytes);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
