/*
 * Shows which character each escape of JavaScript's dialect stands for and where it ends, how
 * invalid bytes are read, and which names a group can have.
 */
#include "lib/match/regex_escape.h"

#include <string.h>

#include "lib/match/regex_class.h"
#include "t/unit/unit.h"

/* Texts behind a backslash; len: the bytes that belong to the escape. */
static const struct {
	const char *text;
	size_t len;
	bool in_class;
	uint32_t c;
} escapes[] = {
	{ "n.", 1, false, '\n' },
	{ "v", 1, false, '\v' },
	{ ".", 1, false, '.' },
	{ "\u00e9x", 2, false, 0xe9 },
	{ "x4a1", 3, false, 'J' },
	{ "x4", 1, false, 'x' },
	{ "xg1", 1, false, 'x' },
	{ "u0041b", 5, false, 'A' },
	{ "u004", 1, false, 'u' },
	{ "u{41}", 1, false, 'u' },
	{ "ud83d\\ude00", 11, false, 0x1f600 },
	{ "ud83d\\u0041", 5, false, 0xd83d },
	{ "ud83d\\ude0", 5, false, 0xd83d },
	{ "ude00", 5, false, 0xde00 },
	{ "0", 1, false, 0 },
	{ "1018", 3, false, 'A' },
	{ "377", 3, false, 0xff },
	{ "400", 2, false, ' ' },
	{ "78", 1, false, 7 },
	{ "8", 1, false, '8' },
	{ "cJ", 2, false, '\n' },
	{ "cj", 2, true, '\n' },
	{ "c1", 0, false, '\\' },
	{ "c1", 2, true, 17 },
	{ "c_", 2, true, 31 },
	{ "c", 0, true, '\\' },
	{ "b", 1, true, '\b' },
	{ "B", 1, true, 'B' },
};
START_TEST(an_escape_stands_for_one_character)
	{
		const char *text = escapes[_i].text;
		uint32_t c = 0;

		ck_assert_uint_eq((size_t)(regex_escape_read(text, text + strlen(text),
						   escapes[_i].in_class, &c) -
					  text),
			escapes[_i].len);
		ck_assert_uint_eq(c, escapes[_i].c);
	}
END_TEST

static const struct {
	const char *text;
	size_t len;
	uint32_t c;
} characters[] = {
	{ "ab", 1, 'a' }, { "\u00e9", 2, 0xe9 }, { "\uffff", 3, 0xffff },
	{ "\U0001f600x", 4, 0x1f600 }, { "\xe9", 1, REGEX_MAX_CODE + 1 + 0xe9 }, /* cut off */
	{ "\x80", 1, REGEX_MAX_CODE + 1 + 0x80 },	  /* without a lead byte */
	{ "\xc0\x80", 1, REGEX_MAX_CODE + 1 + 0xc0 },	  /* overlong */
	{ "\xed\xa0\x80", 1, REGEX_MAX_CODE + 1 + 0xed }, /* a surrogate */
};
START_TEST(a_character_is_read_or_one_invalid_byte)
	{
		const char *text = characters[_i].text;
		uint32_t c = 0;

		ck_assert_uint_eq((size_t)(regex_escape_read_char(text, text + strlen(text), &c) -
					  text),
			characters[_i].len);
		ck_assert_uint_eq(c, characters[_i].c);
	}
END_TEST

/* name: NULL: there is no name. */
static const struct {
	const char *text, *name;
} names[] = {
	{ "<ab1>x", "61,62,31," },
	{ "<$_>x", "24,5f," },
	{ "<\\u0061>x", "61," },
	{ "<\u00e9>x", "e9," },
	{ "<\u4e2d1\u0301\u200d>x", "4e2d,31,301,200d," },
	{ "<\\u{1d4d0}>x", "1d4d0," }, /* a letter past U+FFFF */
	{ "<\\ud835\\udcd0>x", "1d4d0," },
	{ "<1a>x", NULL },
	{ "<\u2192>x", NULL }, /* an arrow */
	{ "<a\u2192>x", NULL },
	{ "<\u0301a>x", NULL }, /* not at the beginning */
	{ "<a\u00a0>x", NULL },
	{ "<a\U0001f600>x", NULL },
	{ "<a\\ud835>x", NULL },
	{ "<a\xff>x", NULL },
	{ "<a-b>x", NULL },
	{ "<>x", NULL },
	{ "<a", NULL },
	{ "a>x", NULL },
	{ "", NULL },
};
START_TEST(a_name_ends_with_a_bracket)
	{
		const char *text = names[_i].text, *end = text + strlen(text);
		struct strbuf name = STRBUF_INIT;
		const char *behind = regex_escape_read_name(text, end, &name);

		ck_assert_int_eq(behind != NULL, names[_i].name != NULL);
		if (behind != NULL) {
			ck_assert_ptr_eq(behind, end - 1);
			ck_assert_str_eq(name.text, names[_i].name);
		}
		strbuf_free(&name);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_escape");
	TCase *tcase = tcase_create("regex_escape");

	tcase_add_loop_test(tcase, an_escape_stands_for_one_character, 0,
		(int)(sizeof(escapes) / sizeof(escapes[0])));
	tcase_add_loop_test(tcase, a_character_is_read_or_one_invalid_byte, 0,
		(int)(sizeof(characters) / sizeof(characters[0])));
	tcase_add_loop_test(tcase, a_name_ends_with_a_bracket, 0,
		(int)(sizeof(names) / sizeof(names[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
