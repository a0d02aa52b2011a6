/*
 * Shows which characters of an entry are hidden, that joiners in the writing of some languages are
 * not, and what is left without the hidden ones.
 */
#include "lib/rules/hidden_text.h"

#include <string.h>

#include "t/unit/unit.h"

/* first: the first hidden character; 0: there is none. */
static const struct {
	const char *text, *left;
	uint32_t first;
} rows[] = {
	{ "", "", 0 },
	{ "a b\tc", "a b\tc", 0 },
	{ "j\u00f6rg@b\u00fccher.example", "j\u00f6rg@b\u00fccher.example", 0 },
	{ "a\u00a0b", "a b", 0xa0 },
	{ "\u3000a\u2003", " a ", 0x3000 },
	{ "al\u200bl", "all", 0x200b },
	{ "\ufeffall", "all", 0xfeff },
	{ "a\u00adll", "all", 0xad },
	{ "\u202aall\u202c", "all", 0x202a },
	{ "\xc2\x85\u2028b\xc2\x90", "  b", 0x85 },
	{ "\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e", 0 }, /* Persian */
	{ "\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525", 0 },
	{ "a\u200db", "ab", 0x200d },
	{ "\u200ca", "a", 0x200c },
	{ "j\xf6rg\xe2\x80", "j\xf6rg\xe2\x80", 0 },
	{ "\xf6\u200b", "\xf6", 0x200b },
};
START_TEST(hidden_characters_are_found_and_removed)
	{
		char text[64];
		uint32_t c = 0;

		(void)strcpy(text, rows[_i].text);
		ck_assert_int_eq(hidden_find(text, strlen(text), &c), rows[_i].first != 0);
		ck_assert_uint_eq(c, rows[_i].first);
		ck_assert_int_eq(hidden_remove(text), rows[_i].first != 0);
		ck_assert_str_eq(text, rows[_i].left);
		ck_assert(!hidden_find(text, strlen(text), &c));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("hidden_text");
	TCase *tcase = tcase_create("hidden_text");

	tcase_add_loop_test(tcase, hidden_characters_are_found_and_removed, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
