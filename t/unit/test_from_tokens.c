/*
 * Shows the tokens of address fields, and that
 * reading them takes linear time.
 */
#include "lib/match/from_tokens.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define TEXT(literal) literal, sizeof(literal) - 1

static struct from_lexer lexer_of(const char *value, size_t len, struct from_signs *signs)
{
	return (struct from_lexer){ .at = value, .end = value + len, .signs = signs };
}

/* A word as it is, "quoted", [literal], a special character as 'c'; '_' before it for white space.
 */
static void describe_token(const struct from_token *t, struct strbuf *told)
{
	strbuf_add_str(told, told->len > 0 ? " " : "");
	strbuf_add_str(told, t->spaced ? "_" : "");
	switch (t->kind) {
	case FROM_END:
		strbuf_add_str(told, "end");
		break;
	case FROM_QUOTED:
		strbuf_add_char(told, '"');
		strbuf_add(told, t->text, t->len);
		strbuf_add_char(told, '"');
		break;
	case FROM_WORD:
	case FROM_LITERAL:
		strbuf_add(told, t->text, t->len);
		break;
	case FROM_MARK:
		strbuf_add_char(told, '\'');
		strbuf_add_char(told, t->mark != '\0' ? t->mark : '0');
		strbuf_add_char(told, '\'');
		break;
	}
}

static const struct {
	const char *value;
	size_t len;
	const char *want;
	const char *signs; /* o: odd, s: sloppy, h: hides, n: hides_name */
} rows[] = {
	{ TEXT(""), "end", "" },
	{ TEXT("bob"), "bob end", "" },
	{ TEXT(" bob\t"), "_bob _end", "s" },
	{ TEXT(" bob\r\n\t"), "_bob _end", "" },
	{ TEXT("Bob <b@c.d>"), "Bob _'<' b '@' c '.' d '>' end", "" },
	{ TEXT("a,b;c:d"), "a ',' b ';' c ':' d end", "" },
	{ TEXT("b\xc3\xb6rje\x7f\x01"), "b\xc3\xb6rje\x7f\x01 end", "o" },
	{ TEXT("a\0b"), "a '0' b end", "" },
	{ TEXT(">)]"), "'>' ')' ']' end", "" },

	/* folds */
	{ TEXT("a\r\n b"), "a _b end", "" },
	{ TEXT("a\n\tb"), "a _b end", "" },
	{ TEXT("a \r\n \r\n b"), "a _b end", "" },
	{ TEXT("a\r\nb"), "a '\r' '\n' b end", "" },
	{ TEXT("a\r b"), "a '\r' _b end", "" },
	{ TEXT("a\r\n"), "a '\r' '\n' end", "" },
	{ TEXT("a\n"), "a '\n' end", "" },

	/* comments */
	{ TEXT("a(c)b"), "a b end", "" },
	{ TEXT("a (c) b"), "a _b end", "" },
	{ TEXT("a(c) b"), "a _b end", "" },
	{ TEXT("(a(b)(c(d))e)f"), "f end", "s" },
	{ TEXT("(a(b)@)c"), "c end", "osh" },
	{ TEXT("(a\\)<)b"), "b end", "os" },
	{ TEXT("(@(b))c"), "c end", "osh" },
	{ TEXT("(\"a\" [b] =?c?q?d?=)e"), "e end", "hn" },
	{ TEXT("(\")a"), "a end", "s" },
	{ TEXT("([)a"), "a end", "s" },
	{ TEXT("(=?)a"), "a end", "s" },
	{ TEXT("(\\\")a"), "a end", "" },
	{ TEXT("(\"(\"))a"), "a end", "os" },
	{ TEXT("(=?c?q?(?=))a"), "a end", "oshn" },
	{ TEXT("(a\\)b)c"), "c end", "s" },
	{ TEXT("(a\\\\)b"), "b end", "" },
	{ TEXT("(\")b\""), "b '\"' end", "os" },
	{ TEXT("()()a"), "a end", "s" },
	{ TEXT("(a"), "'(' a end", "o" },
	{ TEXT("(a\\)"), "'(' a\\ ')' end", "os" },
	{ TEXT("((a) b"), "'(' '(' a ')' _b end", "o" },
	{ TEXT("(a) (b"), "_'(' b end", "o" },
	{ TEXT("("), "'(' end", "o" },
	{ TEXT("(\\"), "'(' \\ end", "os" },

	/* quotes */
	{ TEXT("\"a b\" c"), "\"a b\" _c end", "" },
	{ TEXT("\"\""), "\"\" end", "s" },
	{ TEXT("\"a@b, (c)<d>\"e"), "\"a@b, (c)<d>\" e end", "hmn" },
	{ TEXT("\"a@b (c)<d>\"e"), "\"a@b (c)<d>\" e end", "hn" },
	{ TEXT("\"a\\\"b\"c"), "\"a\\\"b\" c end", "sm" },
	{ TEXT("\"a\\\\\"c"), "\"a\\\\\" c end", "s" },
	{ TEXT("\"\\\"a\\\"\""), "\"\\\"a\\\"\" end", "" },
	{ TEXT("\"\\\"a@\\\"\""), "\"\\\"a@\\\"\" end", "hn" },
	{ TEXT("\"\\\"a@,\\\"\""), "\"\\\"a@,\\\"\" end", "ohn" },
	{ TEXT("\"\\\"a,\\\"\""), "\"\\\"a,\\\"\" end", "" },
	{ TEXT("\"a"), "'\"' a end", "o" },
	{ TEXT("\"a\\\""), "'\"' a\\ '\"' end", "os" },
	{ TEXT("\""), "'\"' end", "o" },
	{ TEXT("\"\\"), "'\"' \\ end", "os" },
	{ TEXT("\"a\" \"b"), "\"a\" _'\"' b end", "o" },

	/* literals */
	{ TEXT("a@[192.0.2.1]"), "a '@' [192.0.2.1] end", "" },
	{ TEXT("a@[IPv6:2001:db8::1]b"), "a '@' [IPv6:2001:db8::1] b end", "" },
	{ TEXT("a@ [192.0.2.1]"), "a '@' _[192.0.2.1] end", "" },
	{ TEXT("a@(c)[1 2]"), "a '@' [1 2] end", "" },
	{ TEXT("a@[1\r\n 2]"), "a '@' [1\r\n 2] end", "" },
	{ TEXT("a@[]"), "a '@' [] end", "" },
	{ TEXT("[192.0.2.1]"), "'[' 192 '.' 0 '.' 2 '.' 1 ']' end", "" },
	{ TEXT("a@b[c]"), "a '@' b '[' c ']' end", "" },
	{ TEXT("a@[1"), "a '@' '[' 1 end", "o" },
	{ TEXT("a@[1,2]"), "a '@' '[' 1 ',' 2 ']' end", "o" },
	{ TEXT("a@[<b@c>]"), "a '@' '[' '<' b '@' c '>' ']' end", "o" },
	{ TEXT("a@[1\n2]"), "a '@' '[' 1 '\n' 2 ']' end", "o" },
	{ TEXT("a@["), "a '@' '[' end", "o" },

	/* a backslash */
	{ TEXT("a\\b"), "a\\b end", "s" },
	{ TEXT("a\\"), "a\\ end", "os" },
	{ TEXT("a\\@b"), "a\\ '@' b end", "os" },
	{ TEXT("a\\ b"), "a\\ _b end", "os" },

	/* encoded-words */
	{ TEXT("=?utf-8?q?a<?= b"), "=?utf-8?q?a '<' ?= _b end", "o" },
	{ TEXT("=?utf-8?q?a@?= b"), "=?utf-8?q?a '@' ?= _b end", "ohn" },
	{ TEXT("=?utf-8?q?a=40?= b<"), "=?utf-8?q?a=40?= _b '<' end", "hn" },
	{ TEXT("=?utf-8?q?a < b"), "=?utf-8?q?a _'<' _b end", "" },
	{ TEXT("=?x?q?a?b < ?= c <"), "=?x?q?a?b _'<' _?= _c _'<' end", "ohn" },
	{ TEXT("(=?utf-8?q?a)b<?="), "b '<' ?= end", "os" },
	{ TEXT("\"=?utf-8?q?a\"<?="), "\"=?utf-8?q?a\" '<' ?= end", "o" },
	{ TEXT("[<] a <"), "'[' '<' ']' _a _'<' end", "o" },
	{ TEXT("[ a <"), "'[' _a _'<' end", "" },
	{ TEXT("(a@b)c"), "c end", "h" },
	{ TEXT("(a<b)c"), "c end", "s" },
	{ TEXT("(a, b@c)d"), "d end", "osh" },
	{ TEXT("=?utf-8?q?a?= (c) \"d\""), "=?utf-8?q?a?= _\"d\" end", "" },
	{ TEXT("=?utf-8?q?(c)?= b"), "=?utf-8?q? ?= _b end", "s" },
	{ TEXT("=?utf-8?q?\"d\"?= b"), "=?utf-8?q? \"d\" ?= _b end", "s" },
	{ TEXT("=?a b?B? c ?= (d)"), "=?a _b?B? _c _?= _end", "hn" },
	{ TEXT("=? a ?= (c)"), "=? _a _?= _end", "hn" },
	{ TEXT("=?a?= \"c\""), "=?a?= _\"c\" end", "hn" },
	{ TEXT("[a] (c) \"d\""), "'[' a ']' _\"d\" end", "" },
	{ TEXT("[a (c)]"), "'[' a _']' end", "s" },
	{ TEXT("[a \"c\""), "'[' a _\"c\" end", "s" },
	{ TEXT("=?=(c)"), "=?= end", "s" },
	{ TEXT("?=(c)"), "?= end", "" },
};

START_TEST(tells_words_from_marks)
	{
		struct strbuf told = STRBUF_INIT;
		struct from_token token;
		struct from_signs signs = { false };
		char seen[8];
		char *copy = malloc(rows[_i].len > 0 ? rows[_i].len : 1);
		struct from_lexer lexer;

		memcpy(copy, rows[_i].value, rows[_i].len); /* exactly its length, for ASan */
		lexer = lexer_of(copy, rows[_i].len, &signs);
		do {
			token = from_token_next(&lexer);
			describe_token(&token, &told);
		} while (token.kind != FROM_END);
		ck_assert_str_eq(told.text, rows[_i].want);
		(void)text_format(seen, sizeof(seen), "%s%s%s%s%s", signs.odd ? "o" : "",
			signs.sloppy ? "s" : "", signs.hides ? "h" : "", signs.names ? "m" : "",
			signs.hides_name ? "n" : "");
		ck_assert_msg(strcmp(seen, rows[_i].signs) == 0, "%s: %s, want %s", rows[_i].value,
			seen, rows[_i].signs);
		token = from_token_next(&lexer);
		ck_assert_int_eq(token.kind, FROM_END);
		strbuf_free(&told);
		free(copy);
	}
END_TEST

START_TEST(a_copy_reads_the_same_again)
	{
		static const char value[] = "a@[1] (b) \"c\" =?d (e)";
		struct from_signs signs = { false }, again_signs = { false };
		struct from_lexer lexer = lexer_of(value, strlen(value), &signs), again;
		struct from_token token, same;

		do {
			again = lexer;
			again.signs = &again_signs;
			token = from_token_next(&lexer);
			same = from_token_next(&again);
			ck_assert_int_eq(same.kind, token.kind);
			ck_assert_ptr_eq(same.text, token.text);
			ck_assert_uint_eq(same.len, token.len);
			ck_assert_ptr_eq(again.at, lexer.at);
		} while (token.kind != FROM_END);
	}
END_TEST

static const char *const nested[] = { "(", "\"", "((a)", "\"\\", "a@[", "@[(", "=?(", "(\\", "\\\"",
	"=?", "[", "(=?[\")", "()", "\r\n ", "\"(" };

/* A mebibyte of openings that are never closed: a quadratic reader would take hours. */
START_TEST(takes_linear_time_whatever_the_nesting)
	{
		size_t len = unit_times(1 << 20), unit = strlen(nested[_i]), tokens = 0;
		char *value = malloc(len);
		struct from_signs signs = { false };
		struct from_lexer lexer = lexer_of(value, len, &signs);

		for (size_t i = 0; i < len; i++)
			value[i] = nested[_i][i % unit];
		while (from_token_next(&lexer).kind != FROM_END)
			tokens++;
		ck_assert_uint_le(tokens, len);
		free(value);
	}
END_TEST

START_TEST(recognizes_a_mark_by_its_character)
	{
		const struct from_token comma = { .kind = FROM_MARK, .mark = ',' };
		const struct from_token nul = { .kind = FROM_MARK, .mark = '\0' };
		const struct from_token word = { .kind = FROM_WORD, .text = ",", .len = 1 };

		ck_assert(from_token_is(&comma, ",;:"));
		ck_assert(from_token_is(&comma, ";,"));
		ck_assert(!from_token_is(&comma, "<>"));
		ck_assert(!from_token_is(&comma, ""));
		ck_assert(!from_token_is(&nul, ",;:"));
		ck_assert(!from_token_is(&word, ",;:"));
	}
END_TEST

static const struct {
	const char *value;
	size_t len;
	bool stray;
} controls[] = {
	{ TEXT(""), false },
	{ TEXT("bob \t\x01\x7f\xff"), false },
	{ TEXT("a\r\n b"), false },
	{ TEXT("a\r\n\tb\n c"), false },
	{ TEXT("\n "), false },
	{ TEXT("a\n \n b"), false },
	{ TEXT("\0"), true },
	{ TEXT("a\0"), true },
	{ TEXT("a\r\nb"), true },
	{ TEXT("a\nb"), true },
	{ TEXT("a\r"), true },
	{ TEXT("a\n"), true },
	{ TEXT("a\r\n"), true },
	{ TEXT("a\r b"), true },
	{ TEXT("a\r\r\n b"), true },
	{ TEXT("a\n\n b"), true },
	{ TEXT("a\r\n \0"), true },
};
START_TEST(a_control_is_stray_unless_it_is_of_a_fold)
	{
		char *copy = malloc(controls[_i].len + 1);

		memcpy(copy, controls[_i].value, controls[_i].len);
		copy[controls[_i].len] = ' '; /* after the end: not part of a fold */
		ck_assert(from_has_stray_control(copy, copy + controls[_i].len) ==
			controls[_i].stray);
		free(copy);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_tokens");
	TCase *tcase = tcase_create("from_tokens");

	tcase_add_loop_test(tcase, tells_words_from_marks, 0, COUNT(rows));
	tcase_add_test(tcase, a_copy_reads_the_same_again);
	tcase_add_loop_test(tcase, takes_linear_time_whatever_the_nesting, 0, COUNT(nested));
	tcase_add_test(tcase, recognizes_a_mark_by_its_character);
	tcase_add_loop_test(tcase, a_control_is_stray_unless_it_is_of_a_fold, 0, COUNT(controls));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
