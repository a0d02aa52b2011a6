/*
 * Shows what the scan of a display name notes about it,
 * and that the scan ends before the address.
 */
#include "lib/match/from_words.h"

#include <string.h>

#include "lib/base/text.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *value;
	char end;	  /* the mark that ended the name, or '.' for the end of the value */
	const char *want; /* a letter for each flag that is set; those of describe_words() */
} rows[] = {
	{ "", '.', "p" },
	{ "<", '<', "p" },
	{ "Jane Doe <", '<', "awp" },
	{ "Doe, Jane <", ',', "awp" },
	{ "Friends: a@b;", ':', "awp" },
	{ "a;", ';', "awp" },
	{ "J. R. Doe <", '<', "awd" },
	{ "(Jane) <", '<', "ap" },
	{ "(Jane) Doe <", '<', "awcs" },
	{ "Jane (Doe) <", '<', "awp" },
	{ "a@b <", '<', "aw@p" },
	{ "a>b <", '<', "awtsp" },
	{ ". <", '<', "adtsp" },
	{ "a\\b <", '<', "awtp" },
	{ "b\xc3\xb6rje <", '<', "awp" },
	{ "\xc3\xb6 <", '<', "awup" },
	{ "=a <", '<', "awup" },

	/* quoted strings */
	{ "\"Doe, Jane\" <", '<', "ah" },
	{ "\"a@b <c>\" <", '<', "ah" },
	{ "Jane \"a@b\" <", '<', "awh" },
	{ "Jane \"a,b\" <", '<', "awhk" },
	{ "\"a\" b \"c;d\" <", '<', "awhk" },
	{ "\"a\" (b) \"c;d\" <", '<', "achsk" },
	{ "\"a\" \"c;d\" <", '<', "ah" },
	{ "J. \"a\" <", '<', "awhdu" },
	{ "\"a\". <", '<', "ahdu" },
	{ "\"a\" \"b@c\" <", '<', "ahu" },
	{ "\"a\" \"b\" <", '<', "ah" },
	{ "\"a\"\"b\" <", '<', "ahs" },
	{ "Jane\"a\" <", '<', "awhs" },
	{ "Jane \"<\" <", '<', "awhsk" },
	{ "\"<\" Jane <", '<', "awhs" },
	{ "(c)\"<\" <", '<', "achsk" },

	/* encoded-words */
	{ "=?utf-8?q?a?= b <", '<', "awhp" },
	{ "=?utf-8?q?a=40b?= c <", '<', "awh" },
	{ "=?utf-8?q?a?=. <", '<', "awhdu" },
	{ "=?utf-8?q?a?= . <", '<', "awhd" },
	{ "=?utf-8?q?a?= \"b@c\" <", '<', "awhu" },
	{ "\"a\"=?utf-8?q?b?= <", '<', "awhs" },
};

/* Write a letter for each flag that is set. */
static void describe_words(const struct from_words *w, char *told, size_t size)
{
	(void)text_format(told, size, "%s%s%s%s%s%s%s%s%s%s%s", w->any ? "a" : "",
		w->has_word ? "w" : "", w->has_at ? "@" : "", w->has_comment ? "c" : "",
		w->may_hide ? "h" : "", w->dotted ? "d" : "", w->is_uncommon ? "u" : "",
		w->has_stray ? "t" : "", w->is_sloppy ? "s" : "", w->is_list ? "k" : "",
		w->plain ? "p" : "");
}

START_TEST(notes_what_a_name_contains)
	{
		const size_t len = strlen(rows[_i].value);
		char *copy = malloc(len > 0 ? len : 1), told[16];
		struct from_signs signs = { false };
		struct from_lexer lexer = { .at = copy, .end = copy + len, .signs = &signs };
		struct from_words words;
		struct from_token token;

		memcpy(copy, rows[_i].value, len); /* exactly its length, for ASan */
		token = from_words_scan(&lexer, &words);
		ck_assert_int_eq(token.kind == FROM_END ? '.' : token.mark, rows[_i].end);
		describe_words(&words, told, sizeof(told));
		ck_assert_msg(strcmp(told, rows[_i].want) == 0, "%s: %s, want %s", rows[_i].value,
			told, rows[_i].want);
		free(copy);
	}
END_TEST

static const struct {
	const char *value;
	bool want;
} strange[] = {
	{ "", false },
	{ "Jane Doe <bank.e@x.y>", false },
	{ "J. Doe, Inc. <a@b>", false },
	{ "bank.e@x.y", false },
	{ "a@x.y, \"Jane\" <a@x.y>", false },
	{ "bank.e <a@b>", true },
	{ "a@b, x bank!ceo <a@b>", true },
	{ "\"bank.e\" (c) <a@b>", true },
	{ "=?utf-8?q?bank=2Ee?= <a@b>", true },
	{ "bank.e", true },
	{ "<a@b> bank.e", true },
	{ "bank.e: a@b", true },
};

START_TEST(finds_names_that_may_be_shown_as_addresses)
	{
		const char *value = strange[_i].value;
		const struct from_lexer lexer = { .at = value, .end = value + strlen(value) };

		ck_assert_msg(from_words_are_strange(lexer) == strange[_i].want, "%s", value);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_words");
	TCase *tcase = tcase_create("from_words");

	tcase_add_loop_test(tcase, notes_what_a_name_contains, 0, COUNT(rows));
	tcase_add_loop_test(tcase, finds_names_that_may_be_shown_as_addresses, 0, COUNT(strange));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
