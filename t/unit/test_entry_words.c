/*
 * Shows which word of a line is kept as the entry, which lines have several entries, and which
 * words are joined. test_entry_check.c shows the entries that are proposed in the end.
 */
#include "lib/rules/entry_words.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *line, *kept; /* NULL: there is no other word */
	bool are_several;
} lines[] = {
	{ "", NULL, false },
	{ "a@b.example", NULL, false },
	{ "a@b.example REJECT", "a@b.example", false },
	{ "deny\ta@b.example", "a@b.example", false },
	{ " a@b.example", "a@b.example", false },
	{ "a.example, b.example", "a.example", true },
	{ "a.example;b.example|c.example", "a.example", true },
	{ "5.7.1 a.example", "a.example", false },
	{ "a.example 550 5.7.1", "a.example", false },
	{ "127.0.0.1 a.example", "a.example", false },
	{ "0.0.0.0 a.example b.example", "a.example", true },
	{ "::1\ta.example", "a.example", false },
	{ "one two", "one", false },
	{ "end. a.example", "a.example", false },
};
START_TEST(one_word_is_the_entry)
	{
		char text[64];
		const char *kept = lines[_i].kept != NULL ? lines[_i].kept : lines[_i].line;

		(void)strcpy(text, lines[_i].line);
		ck_assert_int_eq(entry_words_are_several(text), lines[_i].are_several);
		ck_assert_int_eq(entry_words_keep_one(text), lines[_i].kept != NULL);
		ck_assert_str_eq(text, kept);
	}
END_TEST

/* joined: NULL: the line stays as it is. */
static const struct {
	const char *line, *joined;
} joins[] = {
	{ "", NULL },
	{ "a@b.example", NULL },
	{ "a(at)b.example", "a@b.example" },
	{ "a[AT]b[dot]c(DOT)example", "a@b.c.example" },
	{ "a at b.example", "a@b.example" },
	{ "a\uff20b.example", "a@b.example" },
	{ "a@b.example at c", NULL },
	{ "a @b.example", "a@b.example" },
	{ "a@\tb.example", "a@b.example" },
	{ "a @ b.example", "a@b.example" },
	{ "reject @b.example", NULL },
	{ "blacklist_from @b.example", NULL },
	{ "x y @b.example", NULL },
	{ "a@b. example", "a@b.example" },
	{ "a@b .example", "a@b.example" },
	{ "a@b . example", "a@b.example" },
	{ "a@b. reject", NULL },
	{ "a@b,example", "a@b.example" },
	{ "@b,example", "@b.example" },
	{ ".b,example", ".b.example" },
	{ "a@b.co,uk", "a@b.co.uk" },
	{ "a@b.com,br", "a@b.com.br" },
	{ "a@b.info,br", NULL },
	{ "a@b.example,c.example", NULL },
	{ "a@b,c@d", NULL },
	{ "a@b,reject", NULL },
};
START_TEST(words_of_one_entry_are_joined)
	{
		char text[64];
		const char *joined = joins[_i].joined != NULL ? joins[_i].joined : joins[_i].line;

		(void)strcpy(text, joins[_i].line);
		entry_words_join(text);
		ck_assert_str_eq(text, joined);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("entry_words");
	TCase *tcase = tcase_create("entry_words");

	tcase_add_loop_test(tcase, one_word_is_the_entry, 0,
		(int)(sizeof(lines) / sizeof(lines[0])));
	tcase_add_loop_test(tcase, words_of_one_entry_are_joined, 0,
		(int)(sizeof(joins) / sizeof(joins[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
