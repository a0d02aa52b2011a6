/*
 * Shows the PCRE2 form of classes: ranges, the sets of \d, \w and \s, case, surrogates, characters
 * past U+FFFF, and classes of all characters or of none.
 */
#include "lib/match/regex_class.h"

#include <string.h>

#include "t/unit/unit.h"

/* The members of a class: sets by their letter, and pairs of first and last, up to a zero. */
static const struct {
	const char *sets;
	uint32_t pairs[7];
	bool negated;
	const char *want;
} rows[] = {
	{ "", { 0 }, false, "(?!)" },
	{ "", { 0 }, true, "[^]" },
	{ "", { 'a', 'a' }, false, "[a]" },
	{ "", { 'a', 'b' }, false, "[ab]" },
	{ "", { 'a', 'c' }, false, "[a-c]" },
	{ "", { 'a', 'c' }, true, "[^a-c]" },
	{ "", { 'a', 'b', 'c', 'd' }, false, "[a-d]" },
	{ "", { 'x', 'z', 'a', 'c' }, false, "[a-cx-z]" },
	{ "", { 'B', 'B' }, false, "[Bb]" }, /* no subject contains B: it does no harm */
	{ "", { ']', ']', '^', '^' }, false, "[\\]\\^]" },
	{ "", { 0x7f, 0x80 }, false, "[\\x{7f}\\x{80}]" },
	{ "", { 0xd800, 0xdfff }, false, "(?!)" },
	{ "", { 0xd7ff, 0xe000 }, false, "[\\x{d7ff}\\x{e000}]" },
	{ "", { 0x10000, 0x10400 }, false, "[\\x{10000}-\\x{10400}]" },
	{ "", { 0xfffe, 0x10001 }, false, "[\\x{fffe}\\x{ffff}\\x{10000}-\\x{10001}]" },
	{ "", { 1, REGEX_MAX_CODE }, true,
		"[^\\x{1}-\\x{d7ff}\\x{e000}-\\x{ffff}"
		"\\x{10000}-\\x{10ffff}]" },
	{ "d", { 0 }, false, "[0-9]" },
	{ "dd", { 0 }, true, "[^0-9]" },
	{ "w", { 0 }, false, "[0-9A-Z\\_a-z]" },
	{ "w", { '-', '-' }, false, "[\\-0-9A-Z\\_a-z]" },
	{ "dD", { 0 }, false, "[^]" },
	{ "wW", { 0 }, true, "(?!)" },
	{ "sS", { 0 }, false, "[^]" },
	{ "D", { 0 }, false, "[\\x{0}-\\/\\:-\\x{d7ff}\\x{e000}-\\x{ffff}\\x{10000}-\\x{10ffff}]" },
};
START_TEST(a_class_has_a_form)
	{
		struct regex_class class = REGEX_CLASS_INIT;
		struct strbuf out = STRBUF_INIT;

		for (const char *set = rows[_i].sets; *set != '\0'; set++)
			regex_class_add_set(&class, *set);
		for (const uint32_t *pair = rows[_i].pairs; *pair != 0; pair += 2)
			regex_class_add(&class, pair[0], pair[1]);
		regex_class_append(&out, &class, rows[_i].negated);
		ck_assert(!out.failed);
		ck_assert_str_eq(out.text, rows[_i].want);
		regex_class_free(&class);
		strbuf_free(&out);
	}
END_TEST

static const struct {
	uint32_t c;
	const char *want;
} codes[] = {
	{ 0, "\\x{0}" },
	{ '\n', "\\x{a}" },
	{ ' ', " " },
	{ 'a', "a" },
	{ '0', "0" },
	{ '_', "\\_" },
	{ '\\', "\\\\" },
	{ 0x7f, "\\x{7f}" },
	{ 0xe9, "\\x{e9}" },
	{ REGEX_MAX_CODE, "\\x{10ffff}" },
};
START_TEST(a_character_is_escaped_where_necessary)
	{
		struct strbuf out = STRBUF_INIT;

		regex_class_append_code(&out, codes[_i].c);
		ck_assert_str_eq(out.text, codes[_i].want);
		strbuf_free(&out);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_class");
	TCase *tcase = tcase_create("regex_class");

	tcase_add_loop_test(tcase, a_class_has_a_form, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(tcase, a_character_is_escaped_where_necessary, 0,
		(int)(sizeof(codes) / sizeof(codes[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
