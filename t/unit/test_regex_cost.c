/*
 * Shows that the cost of a regex is found without compiling it,
 * and that PCRE2 never needs more bytes than that.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "lib/match/regex_cost.h"

#include <pcre2.h>
#include <string.h>

#include "lib/match/regex_dialect.h"
#include "t/unit/unit.h"

static uint64_t cost_of(const char *regex)
{
	struct strbuf text = STRBUF_INIT;
	uint64_t cost;

	strbuf_add_str(&text, "");
	(void)regex_dialect_translate(regex, strlen(regex), false, UINT64_MAX, &text);
	cost = regex_cost_find(text.text, text.len);
	strbuf_free(&text);
	return cost;
}

/* What a regex costs besides the empty one. */
static const struct {
	const char *regex;
	uint64_t bytes;
} costs[] = {
	{ "", 0 },
	{ "abc", 15 },
	{ "\\x61\\u0062\\.", 15 },
	{ "^a$", 7 },
	{ "a|bc|", 21 },
	{ "(?:a|b)", 28 },
	{ "a*", 22 },
	{ "a+?b", 27 },
	{ "a{3}", 22 }, /* PCRE2 counts the copies of a character */
	{ "(?:a)*?", 32 },
	{ "(?:a){3}", 96 },
	{ "(?:a){3,}", 96 },
	{ "(?:a){2,4}", 128 },
	{ "(?:(?:a){3}){4}", 492 },
	/* Lookarounds keep what the groups inside capture. */
	{ "(?=a)", 20 },
	{ "(?=(a))", 38 },
	{ "(a)(?:(a))(?!b)", 75 },
	{ "(?!(a)(?<=(b)))", 79 },
	{ "(?<!(?:(a)){3})", 165 },
	{ "(?:(?=(a))){4}", 260 },
	/* Parts of a regex that PCRE2 refuses. */
	{ "(?:a", 20 },
	{ "a)b", 10 },
	{ "(?:a){4,2}", 128 },
	{ "a\\", 10 },
};

START_TEST(counts_what_repeats_write_out)
	{
		ck_assert_msg(cost_of(costs[_i].regex) - cost_of("") == costs[_i].bytes,
			"/%s/: %llu bytes", costs[_i].regex,
			(unsigned long long)(cost_of(costs[_i].regex) - cost_of("")));
	}
END_TEST

/* Numbers that do not fit stay at the largest one. */
START_TEST(does_not_overflow)
	{
		ck_assert_uint_eq(
			cost_of("((((((((a{999}){999}){999}){999}){999}){999}){999}){999})*"
				"((((((((b?){65535}){65535}){65535}){65535}){65535}){65535}){65535})"),
			REGEX_COST_MAX);
	}
END_TEST

static const char *const compiled[] = { "", "a", ".", "[a-z]", "a*b+c?", "a{2,900}", ".{3,5}",
	"(a)", "(?:a|b|c)", "(a{1,9}|b){1,20}", "((((a{1,9}|b|c){1,9}z){1,9}){1,5})x1",
	"(.{1,3}x){50}", "(?:.|a){0,60}", "([\\u0400-\\u04ff]{1,3}x){1,40}", "(\\W{2,7}){0,30}",
	"[^\\u0100-\\u0200\\u0300\\u0400\\u0500-\\uffff]{1,5}", "(?:[a\\s]{2,}?){3,9}",
	"(?=.{3,9}a)(?!b{1,3})(?<=c)(?<!d)e", "(a|b)\\1{3,7}", "(?:(?:(?:(?:a)*)*)*)*",
	"(?:a*?b*?){0,9}", "\\u00e9{2,9}(\\u20ac\\u{1f600}?){3}", "\xf0\x9f\x98\x80{2,30}",
	"(?:\\b\\d+\\.){3}\\d+$", "(|a|){3,4}", "(((((((((a?){2}){2}){2}){2}){2}){2}){2}){2})",
	"(?:(?:ab){2,3}?(?:cd){0,2}(?:ef){3,}){2,6}", "(?:a{0}b{0,1}c{1}){4}" };

static size_t compiled_bytes(const char *regex, bool lines)
{
	struct strbuf text = STRBUF_INIT;
	PCRE2_SIZE at, size = 0;
	pcre2_code *code;
	int error;

	strbuf_add_str(&text, "");
	(void)regex_dialect_translate(regex, strlen(regex), lines, UINT64_MAX, &text);
	code = pcre2_compile((PCRE2_SPTR)text.text, text.len,
		PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF | PCRE2_UTF |
			(lines ? 0U : PCRE2_DOTALL),
		&error, &at, NULL);
	ck_assert_msg(code != NULL, "/%s/", regex);
	(void)pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
	pcre2_code_free(code);
	strbuf_free(&text);
	return size;
}

START_TEST(bounds_what_pcre2_needs)
	{
		const uint64_t bytes = cost_of(compiled[_i]);

		ck_assert_uint_le(compiled_bytes(compiled[_i], false), bytes);
		ck_assert_uint_le(compiled_bytes(compiled[_i], true), bytes);
	}
END_TEST

/* as an empty struct strbuf has it */
START_TEST(an_empty_regex_may_be_null)
	{
		ck_assert_uint_eq(regex_cost_find(NULL, 0), cost_of(""));
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_cost");
	TCase *tcase = tcase_create("regex_cost");

	tcase_add_loop_test(tcase, counts_what_repeats_write_out, 0, ROWS(costs));
	tcase_add_test(tcase, does_not_overflow);
	tcase_add_test(tcase, an_empty_regex_may_be_null);
	tcase_add_loop_test(tcase, bounds_what_pcre2_needs, 0, ROWS(compiled));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
