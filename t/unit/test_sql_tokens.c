/*
 * Shows how SQL text is split: names, literals in all their forms, comments and operators, also
 * where the text ends in the middle of one.
 */
#include "milter/pg/sql_tokens.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

/* Each token as its kind's letter and its text: n name, q quoted, s string, o operator, c cast. */
static const struct {
	const char *sql, *want;
} texts[] = {
	{ "", "" },
	{ " \t\n", "" },
	{ "SELECT * FROM users", "n[SELECT] o[*] n[FROM] n[users]" },
	{ "a.b(c)", "n[a] x[.] n[b] x[(] n[c] x[)]" },
	{ "\"profileId\"::text", "q[\"profileId\"] c[::] n[text]" },
	{ "\"a\"\"b\" 'c''d'e", "q[\"a\"\"b\"] s['c''d'] n[e]" },
	{ "'a\\' b", "s['a\\'] n[b]" },
	{ "E'a\\'b' e'\\\\' x", "s[E'a\\'b'] s[e'\\\\'] n[x]" },
	{ "B'01' X'ff' N'n' U&'d' U&\"q\" b",
		"s[B'01'] s[X'ff'] s[N'n'] s[U&'d'] q[U&\"q\"] n[b]" },
	{ "$$now()$$ $a$ ' $b$ $a$ x", "s[$$now()$$] s[$a$ ' $b$ $a$] n[x]" },
	{ "$1 $0a a$1", "x[$1] x[$0a] n[a$1]" },
	{ "1.5e-3+.5", "x[1.5e-3] o[+] x[.5]" },
	{ "a--b\nc /* d /* e */ f */ g", "n[a] n[c] n[g]" },
	{ "a<--b", "n[a] o[<]" },
	{ "a||b~~*c", "n[a] o[||] n[b] o[~~*] n[c]" },
	{ "a:=b", "n[a] x[:] o[=] n[b]" },
	{ "näme ß", "n[näme] n[ß]" },
	{ "'unterminated", "s['unterminated]" },
	{ "E'x\\", "s[E'x\\]" },
	{ "\"unterminated", "q[\"unterminated]" },
	{ "$a$unterminated $a", "s[$a$unterminated $a]" },
	{ "/* unterminated", "" },
	{ "/*", "" },
	{ "$", "x[$]" },
};

START_TEST(text_is_split)
	{
		const char *at = texts[_i].sql;
		struct sql_token token;
		char got[400] = "";
		size_t len = 0;

		while ((token = sql_token_next(&at)).kind != SQL_END)
			len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%c[%.*s]",
				len > 0 ? " " : "", "-nqsocx"[token.kind], (int)token.len,
				token.text);
		ck_assert_str_eq(got, texts[_i].want);
	}
END_TEST

static const struct {
	const char *sql, *want;
} names[] = {
	{ "Users", "users" },
	{ "\"Users\"", "Users" },
	{ "\"a\"\"b\"", "a\"b" },
	{ "\"\"", "" },
	{ "\"open", "open" },
	{ "NÄME", "nÄme" },
};

START_TEST(a_name_is_that_of_the_catalogs)
	{
		const char *at = names[_i].sql;
		struct sql_token token = sql_token_next(&at);
		char name[SQL_NAME_SIZE];

		ck_assert_int_eq(sql_token_name(&token, name), 0);
		ck_assert_str_eq(name, names[_i].want);
	}
END_TEST

START_TEST(a_name_past_its_bound_is_refused)
	{
		char text[SQL_NAME_SIZE + 2], name[SQL_NAME_SIZE];
		const char *at;
		struct sql_token token;

		for (int quoted = 0; quoted < 2; quoted++) {
			memset(text, 'a', sizeof(text));
			text[0] = quoted ? '"' : 'a';
			text[SQL_NAME_SIZE + quoted - 1] = '\0';
			at = text;
			token = sql_token_next(&at);
			ck_assert_int_eq(sql_token_name(&token, name), 0);
			text[SQL_NAME_SIZE + quoted - 1] = 'a';
			text[SQL_NAME_SIZE + quoted] = '\0';
			at = text;
			token = sql_token_next(&at);
			ck_assert_int_eq(sql_token_name(&token, name), -1);
		}
	}
END_TEST

START_TEST(space_before_a_token_is_noted)
	{
		const char *at = "f(a) (b) --\n(";
		bool spaces[9] = { false };
		size_t count = 0;
		struct sql_token token;

		while ((token = sql_token_next(&at)).kind != SQL_END)
			if (sql_token_is(&token, '('))
				spaces[count++] = token.after_space;
		ck_assert_uint_eq(count, 3);
		ck_assert(!spaces[0] && spaces[1] && spaces[2]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("sql_tokens");
	TCase *tcase = tcase_create("sql_tokens");

	tcase_add_loop_test(tcase, text_is_split, 0, sizeof(texts) / sizeof(*texts));
	tcase_add_loop_test(tcase, a_name_is_that_of_the_catalogs, 0,
		sizeof(names) / sizeof(*names));
	tcase_add_test(tcase, a_name_past_its_bound_is_refused);
	tcase_add_test(tcase, space_before_a_token_is_noted);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
