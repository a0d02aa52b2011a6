/*
 * Shows the tokens of address fields, and that
 * reading them takes linear time.
 */
#include "lib/match/from_tokens.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define TEXT(literal) literal, sizeof(literal) - 1

static struct from_lexer lexer_of(const char *value, size_t len)
{
	return (struct from_lexer){ .at = value, .end = value + len };
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
	case FROM_COMMENT:
		strbuf_add_char(told, '(');
		strbuf_add(told, t->text, t->len);
		strbuf_add_char(told, ')');
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
} rows[] = {
	{ TEXT(""), "end" },
	{ TEXT("bob"), "bob end" },
	{ TEXT(" bob\t"), "_bob _end" },
	{ TEXT(" bob\r\n\t"), "_bob _end" },
	{ TEXT("Bob <b@c.d>"), "Bob _'<' b '@' c '.' d '>' end" },
	{ TEXT("a,b;c:d"), "a ',' b ';' c ':' d end" },
	{ TEXT("b\xc3\xb6rje\x7f\x01"), "b\xc3\xb6rje\x7f\x01 end" },
	{ TEXT("a\0b"), "a '0' b end" },
	{ TEXT(">)]"), "'>' ')' ']' end" },

	/* folds */
	{ TEXT("a\r\n b"), "a _b end" },
	{ TEXT("a\n\tb"), "a _b end" },
	{ TEXT("a \r\n \r\n b"), "a _b end" },
	{ TEXT("a\r\nb"), "a '\r' '\n' b end" },
	{ TEXT("a\r b"), "a '\r' _b end" },
	{ TEXT("a\r\n"), "a '\r' '\n' end" },
	{ TEXT("a\n"), "a '\n' end" },

	/* comments */
	{ TEXT("a(c)b"), "a (c) b end" },
	{ TEXT("a (c) b"), "a _(c) _b end" },
	{ TEXT("a(c) b"), "a (c) _b end" },
	{ TEXT("(a(b)(c(d))e)f"), "(a(b)(c(d))e) f end" },
	{ TEXT("(a(b)@)c"), "(a(b)@) c end" },
	{ TEXT("(a\\)<)b"), "(a\\)<) b end" },
	{ TEXT("(@(b))c"), "(@(b)) c end" },
	{ TEXT("(\"a\" [b] =?c?q?d?=)e"), "(\"a\" [b] =?c?q?d?=) e end" },
	{ TEXT("(\")a"), "(\") a end" },
	{ TEXT("([)a"), "([) a end" },
	{ TEXT("(=?)a"), "(=?) a end" },
	{ TEXT("(\\\")a"), "(\\\") a end" },
	{ TEXT("(\"(\"))a"), "(\"(\")) a end" },
	{ TEXT("(=?c?q?(?=))a"), "(=?c?q?(?=)) a end" },
	{ TEXT("(a\\)b)c"), "(a\\)b) c end" },
	{ TEXT("(a\\\\)b"), "(a\\\\) b end" },
	{ TEXT("(\")b\""), "(\") b '\"' end" },
	{ TEXT("()()a"), "() () a end" },
	{ TEXT("(a"), "'(' a end" },
	{ TEXT("(a\\)"), "'(' a\\ ')' end" },
	{ TEXT("((a) b"), "'(' '(' a ')' _b end" },
	{ TEXT("(a) (b"), "(a) _'(' b end" },
	{ TEXT("("), "'(' end" },
	{ TEXT("(\\"), "'(' \\ end" },

	/* quotes */
	{ TEXT("\"a b\" c"), "\"a b\" _c end" },
	{ TEXT("\"\""), "\"\" end" },
	{ TEXT("\"a@b, (c)<d>\"e"), "\"a@b, (c)<d>\" e end" },
	{ TEXT("\"a@b (c)<d>\"e"), "\"a@b (c)<d>\" e end" },
	{ TEXT("\"a\\\"b\"c"), "\"a\\\"b\" c end" },
	{ TEXT("\"a\\\\\"c"), "\"a\\\\\" c end" },
	{ TEXT("\"\\\"a\\\"\""), "\"\\\"a\\\"\" end" },
	{ TEXT("\"\\\"a@\\\"\""), "\"\\\"a@\\\"\" end" },
	{ TEXT("\"\\\"a@,\\\"\""), "\"\\\"a@,\\\"\" end" },
	{ TEXT("\"\\\"a,\\\"\""), "\"\\\"a,\\\"\" end" },
	{ TEXT("\"a"), "'\"' a end" },
	{ TEXT("\"a\\\""), "'\"' a\\ '\"' end" },
	{ TEXT("\""), "'\"' end" },
	{ TEXT("\"\\"), "'\"' \\ end" },
	{ TEXT("\"a\" \"b"), "\"a\" _'\"' b end" },

	/* literals */
	{ TEXT("a@[192.0.2.1]"), "a '@' [192.0.2.1] end" },
	{ TEXT("a@[IPv6:2001:db8::1]b"), "a '@' [IPv6:2001:db8::1] b end" },
	{ TEXT("a@ [192.0.2.1]"), "a '@' _[192.0.2.1] end" },
	{ TEXT("a@(c)[1 2]"), "a '@' (c) [1 2] end" },
	{ TEXT("a@[1\r\n 2]"), "a '@' [1\r\n 2] end" },
	{ TEXT("a@[]"), "a '@' [] end" },
	{ TEXT("[192.0.2.1]"), "'[' 192 '.' 0 '.' 2 '.' 1 ']' end" },
	{ TEXT("a@b[c]"), "a '@' b '[' c ']' end" },
	{ TEXT("a@[1"), "a '@' '[' 1 end" },
	{ TEXT("a@[1,2]"), "a '@' '[' 1 ',' 2 ']' end" },
	{ TEXT("a@[<b@c>]"), "a '@' '[' '<' b '@' c '>' ']' end" },
	{ TEXT("a@[1\n2]"), "a '@' '[' 1 '\n' 2 ']' end" },
	{ TEXT("a@["), "a '@' '[' end" },

	/* a backslash */
	{ TEXT("a\\b"), "a\\b end" },
	{ TEXT("a\\"), "a\\ end" },
	{ TEXT("a\\@b"), "a\\ '@' b end" },
	{ TEXT("a\\ b"), "a\\ _b end" },

	/* encoded-words */
	{ TEXT("=?utf-8?q?a<?= b"), "=?utf-8?q?a '<' ?= _b end" },
	{ TEXT("=?utf-8?q?a@?= b"), "=?utf-8?q?a '@' ?= _b end" },
	{ TEXT("=?utf-8?q?a=40?= b<"), "=?utf-8?q?a=40?= _b '<' end" },
	{ TEXT("=?utf-8?q?a < b"), "=?utf-8?q?a _'<' _b end" },
	{ TEXT("=?x?q?a?b < ?= c <"), "=?x?q?a?b _'<' _?= _c _'<' end" },
	{ TEXT("(=?utf-8?q?a)b<?="), "(=?utf-8?q?a) b '<' ?= end" },
	{ TEXT("\"=?utf-8?q?a\"<?="), "\"=?utf-8?q?a\" '<' ?= end" },
	{ TEXT("[<] a <"), "'[' '<' ']' _a _'<' end" },
	{ TEXT("[ a <"), "'[' _a _'<' end" },
	{ TEXT("(a@b)c"), "(a@b) c end" },
	{ TEXT("(a<b)c"), "(a<b) c end" },
	{ TEXT("(a, b@c)d"), "(a, b@c) d end" },
	{ TEXT("=?utf-8?q?a?= (c) \"d\""), "=?utf-8?q?a?= _(c) _\"d\" end" },
	{ TEXT("=?utf-8?q?(c)?= b"), "=?utf-8?q? (c) ?= _b end" },
	{ TEXT("=?utf-8?q?\"d\"?= b"), "=?utf-8?q? \"d\" ?= _b end" },
	{ TEXT("=?a b?B? c ?= (d)"), "=?a _b?B? _c _?= _(d) end" },
	{ TEXT("=? a ?= (c)"), "=? _a _?= _(c) end" },
	{ TEXT("=?a?= \"c\""), "=?a?= _\"c\" end" },
	{ TEXT("[a] (c) \"d\""), "'[' a ']' _(c) _\"d\" end" },
	{ TEXT("[a (c)]"), "'[' a _(c) ']' end" },
	{ TEXT("[a \"c\""), "'[' a _\"c\" end" },
	{ TEXT("=?=(c)"), "=?= (c) end" },
	{ TEXT("?=(c)"), "?= (c) end" },
};

START_TEST(tells_words_from_marks)
	{
		struct strbuf told = STRBUF_INIT;
		struct from_token token;
		char *copy = malloc(rows[_i].len > 0 ? rows[_i].len : 1);
		struct from_lexer lexer;

		memcpy(copy, rows[_i].value, rows[_i].len); /* exactly its length, for ASan */
		lexer = lexer_of(copy, rows[_i].len);
		do {
			token = from_token_next(&lexer);
			describe_token(&token, &told);
		} while (token.kind != FROM_END);
		ck_assert_str_eq(told.text, rows[_i].want);
		token = from_token_next(&lexer);
		ck_assert_int_eq(token.kind, FROM_END);
		strbuf_free(&told);
		free(copy);
	}
END_TEST

START_TEST(a_copy_reads_the_same_again)
	{
		static const char value[] = "a@[1] (b) \"c\" =?d (e)";
		struct from_lexer lexer = lexer_of(value, strlen(value)), again;
		struct from_token token, same;

		do {
			again = lexer;
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
		struct from_lexer lexer = lexer_of(value, len);

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

START_TEST(knows_folds)
	{
		static const struct {
			const char *text;
			size_t len;
		} folds[] = { { "\r\n x", 2 }, { "\n\tx", 1 }, { "\r\nx", 0 }, { "\r x", 0 },
			{ " x", 0 }, { "\n", 0 }, { "\r\n", 0 }, { "\r", 0 }, { "", 0 } };

		for (int i = 0; i < COUNT(folds); i++)
			ck_assert_uint_eq(from_fold_len(folds[i].text,
						  folds[i].text + strlen(folds[i].text)),
				folds[i].len);
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
	tcase_add_test(tcase, knows_folds);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
