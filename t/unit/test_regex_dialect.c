/*
 * Shows the PCRE2 form of regexes in
 * JavaScript's dialect.
 */
#include "lib/match/regex_dialect.h"

#include <string.h>

#include "lib/match/regex_cost.h"
#include "t/unit/unit.h"

/* The text that PCRE2 compiles; test_regexlist.c shows what the regexes then match. NULL: it is
 * unchanged. */
static const struct {
	const char *regex, *want;
} cases[] = {
	{ "", NULL },
	{ "plain@example.com", NULL },
	{ "Plain@Example.COM", "plain@example.com" },
	{ ".*@(?:a|b)\\.example$", NULL },
	{ "^(a|b)*?c+d?", NULL },
	/* Escapes. */
	{ "\\b\\B\\d\\D\\w\\W", NULL },
	{ "\\f\\n\\r\\t\\v", "\\x{c}\\x{a}\\x{d}\\x{9}\\x{b}" },
	{ "\\s",
		"[\\x{9}-\\x{d} \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}]" },
	{ "\\cJ\\x41\\u0041\\u00e9", "\\x{a}aa\\x{c9}" },
	{ "\\uD83D\\uDE00", "\\x{1f600}" },
	{ "\\uD83D", "(?!)" },
	{ "\\x4\\u004\\u{2}", "x4u004u{2}" },
	{ "\\0\\1\\8\\101\\377\\400", "\\x{0}\\x{1}8a\\x{178} 0" },
	{ "\\.\\/\\@\\\\", "\\./@\\\\" },
	{ "\\Z\\A\\z\\Q\\E\\K\\R\\X\\G\\C\\N\\e\\a\\h\\p\\o\\g", "zazqekrxgcneahpog" },
	{ "\\", NULL },
	{ "a\\", NULL },
	{ "\\c", "\\\\c" },
	{ "a\\c+", "a\\\\c+" },
	/* Classes. */
	{ "[a-z]", NULL },
	{ "[A-Z]", "[A-Za-z]" },
	{ "[^a-z]", NULL },
	{ "[\\c]", "[\\\\c]" },
	{ "[\\c1]", "[\\x{11}]" },
	{ "[[:digit:]]", "[\\:\\[dgit]\\]" },
	{ "[\\Z]", "[Zz]" },
	{ "[]", "(?!)" },
	{ "[]]", "(?!)\\]" },
	{ "[^]", NULL },
	{ "[\\s\\S]", "[^]" },
	{ "[^\\s\\S]", "(?!)" },
	{ "[\\w-.]", "[\\-\\.0-9A-Z\\_a-z]" },
	{ "[a-c-e]", "[\\-a-ce]" },
	{ "[\\u0080-\\uffff]", "[\\x{80}-\\x{d7ff}\\x{e000}-\\x{ffff}]" },
	{ "[\\ud800]", "(?!)" },
	{ "[\\W]",
		"[\\x{0}-\\/\\:-\\@\\[-\\^\\`\\{-\\x{d7ff}\\x{e000}-\\x{ffff}\\x{10000}-\\x{10ffff}]" },
	{ "[b-a]", "(?@" },
	{ "[a", "[" },
	{ "[", "[" },
	{ "[a\\", "[" },
	{ "[a-", "[" },
	/* Groups and references. */
	{ "(a)\\1", "(a)\\g{1}" },
	{ "\\1(a)", "(?:)(a)" },
	{ "(a\\1)", "(a(?:))" },
	{ "(?<n>a)\\k<n>", "(a)\\g{1}" },
	{ "(?<n>a)(?<n>b)", "(?@a)(?@b)" },
	{ "(?<n>?:a)", "(?@?:a)" }, /* nothing to repeat */
	{ "(?<n>?|a)(?<m>*a)(?<o>{2}a)", "(?@?|a)(?@*a)(?@{2}a)" },
	{ "(?<n>{a)", "(\\{a)" },
	{ "(?<\\u{6e}>a)\\k<n>", "(a)\\g{1}" },
	{ "(?<\\u{}>a)", "(?@<u\\{\\}>a)" },
	{ "(?<\\u{110000}>a)", "(?@<u{110000}>a)" },
	{ "(?<\\u{6e>a)", "(?@<u\\{6e>a)" },
	{ "\\k<n>", "k<n>" },
	{ "(?=a)(?!b)(?<=c)(?<!d)", NULL },
	/* An optional turn that matches the empty string does not happen. */
	{ "(?=(a))?\\1a", "(?:(?=(a))){0}\\g{1}a" },
	{ "(?=a)*(?!b)*?(?=c){0,2}(?!d){00,}?",
		"(?:(?=a)){0}(?:(?!b)){0}?(?:(?=c)){0}(?:(?!d)){0}?" },
	/* A group that is left out. */
	{ "(?:a|^){0}b", "(?:(?:a|^)){0}b" },
	{ "((a)|(?:b|^){0,00}?){0}", "(?:((a)|(?:(?:b|^)){0}?)){0}" },
	{ "a{0}(b){0,}(c){0,1}(d){01}(e){10}", NULL },
	{ "(?=a)+(?!b){1,2}(?=c){01}(?!d){10,}?", NULL },
	{ "(?:a)?((?=b))?", NULL },
	{ "(?i)a", "(?@i)a" },
	{ "(*F)", "(?@f)" },
	/* Braces. */
	{ "a{2,3}", NULL },
	{ "a{,3}", "a\\{,3\\}" },
	{ "a{", "a\\{" },
	{ "a{x}", "a\\{x\\}" },
	/* Bytes that are no UTF-8. */
	{ "a\xc3", NULL },
};
START_TEST(is_given_as_pcre2_has_to_read_it)
	{
		const char *want = cases[_i].want != NULL ? cases[_i].want : cases[_i].regex;
		struct strbuf out = STRBUF_INIT;

		strbuf_add_str(&out, "");
		(void)regex_dialect_translate(cases[_i].regex, strlen(cases[_i].regex), false,
			UINT64_MAX, &out);
		ck_assert_str_eq(out.text, want);
		strbuf_free(&out);
	}
END_TEST

/* Every beginning of every regex, in memory of just that size: ASan watches. */
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
			(void)regex_dialect_translate(copy, len, true, UINT64_MAX, &out);
			ck_assert(!out.failed && out.len > 0);
			free(copy);
		}
		strbuf_free(&out);
	}
END_TEST

/* Parts that are repeated to make regexes whose costs exceed a bound. */
static const char *const parts[] = { "a", "\\.", "\\x41", "{", ".", "(a)", "()|", "(?=b)", "[a]",
	"[^]", "[]", "[^\\d\\D]", "[\\s\\S]", "[\\S]", "[^\\x00-\\x7f]", "\\ud800", "\xc3\xa9",
	"[b-a]", "\\s", "\\S", "\\d", "()\\1" };
START_TEST(reads_no_more_than_a_bound_allows)
	{
		const uint64_t max = 10000;
		struct strbuf regex = STRBUF_INIT, out = STRBUF_INIT;
		uint64_t cost;

		while (regex.len < 40000)
			strbuf_add_str(&regex, parts[_i]);
		strbuf_add_str(&out, "");
		ck_assert(!regex_dialect_translate(regex.text, regex.len, false, max, &out));
		cost = regex_cost_find(out.text, out.len);
		ck_assert_msg(cost > max && cost < 3 * max, "%s: %llu", parts[_i],
			(unsigned long long)cost);
		strbuf_free(&regex);
		strbuf_free(&out);
	}
END_TEST
START_TEST(appends_and_writes_nul_bytes_out)
	{
		struct strbuf out = STRBUF_INIT;

		strbuf_add_str(&out, "x");
		(void)regex_dialect_translate("a\0b", 3, false, UINT64_MAX, &out);
		ck_assert_str_eq(out.text, "xa\\x{0}b");
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
	tcase_add_loop_test(tcase, reads_no_more_than_a_bound_allows, 0, ROWS(parts));
	tcase_add_test(tcase, appends_and_writes_nul_bytes_out);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
