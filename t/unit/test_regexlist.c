/*
 * Shows that regexes match as in JavaScript, and that
 * none exceeds its limits of time and memory.
 */
#include "lib/match/regexlist.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

#define V(text) text, sizeof(text) - 1

static struct regexlist *unprepared_list_of(bool anchored, const char *const *regexes, size_t count)
{
	struct regexlist *list = regexlist_new(anchored);
	struct errmsg err = { "" };
	uint32_t i;

	ck_assert_ptr_nonnull(list);
	for (i = 0; i < count; i++)
		ck_assert_msg(regexlist_add(list, regexes[i], strlen(regexes[i]), i + 1, &err) == 0,
			"%s", err.text);
	ck_assert_int_eq(regexlist_finish(list, NULL, &err), 0);
	ck_assert_uint_eq(regexlist_count(list), count);
	ck_assert_int_eq(regexlist_is_prepared(list), count == 0);
	return list;
}

static struct regexlist *list_of(bool anchored, const char *const *regexes, size_t count)
{
	struct regexlist *list = unprepared_list_of(anchored, regexes, count);

	while (regexlist_prepare(list))
		;
	ck_assert(regexlist_is_prepared(list));
	return list;
}

static enum regex_result match(const struct regexlist *list, const char *subject, size_t len,
	uint32_t *value_r)
{
	struct regex_scratch *scratch = regex_scratch_new(NULL);
	enum regex_result result;

	ck_assert_ptr_nonnull(scratch);
	result = regexlist_match(list, scratch, subject, len, value_r);
	regex_scratch_free(&scratch);
	ck_assert_ptr_null(scratch);
	return result;
}

struct dialect_case {
	const char *regex, *subject;
	size_t len;
	bool want;
};

/* Whether ^(?:regex)$ matches with the flag i in JavaScript (ECMA-262 with Annex B, without the
 * flag u). */
static const struct dialect_case anchored[] = {
	{ "a", V("a"), true },
	{ "a", V("A"), true },
	{ "a", V("ab"), false },
	{ "a", V("ba"), false },
	{ "a|b", V("b"), true },
	{ "a|b", V("ax"), false },
	{ "a|b", V("xb"), false },
	{ "a|ab", V("ab"), true }, /* backtracks for a match of the whole subject */
	{ "a+?", V("aaa"), true },
	{ "", V(""), true },
	{ "", V("a"), false },
	{ "a|", V(""), true },
	{ "^a$", V("a"), true },
	{ "a$", V("a\n"), false },
	{ "a", V("a\n"), false },
	{ ".*\\.example\\.com", V("mail.EXAMPLE.com"), true },
	{ ".*\\.example\\.com", V("example.com"), false },
	{ ".", V("\n"), false },
	{ "[^x]", V("\n"), true },

	/* Escapes. */
	{ "x\\u0040y", V("x@y"), true },
	{ "x\\x40y", V("x@y"), true },
	{ "\\u006Z", V("u006Z"), true },
	{ "\\x6", V("x6"), true },
	{ "\\u{3}", V("uuu"), true },
	{ "\\u", V("u"), true },
	{ "\\U0041", V("U0041"), true },
	{ "\\L", V("l"), true },
	{ "\\Z\\A\\z\\G\\K\\R\\Q\\E\\X\\N\\h\\H\\V\\e\\a", V("ZAzGKRQEXNhHVea"), true },
	{ "\\d", V("7"), true },
	{ "\\d", V("\xd9\xa3"), false }, /* U+0663, a digit of another script */
	{ "\\D", V("\xd9\xa3"), true },
	{ "\\w+", V("a_Z9"), true },
	{ "\\w", V("\xc3\xa9"), false },
	{ "\\W", V("\xc3\xa9"), true },
	{ "\\bfoo\\b", V("foo"), true },
	{ "[\\b]", V("\b"), true },
	{ "\\t\\n\\v\\f\\r", V("\t\n\v\f\r"), true },
	{ "\\cJ", V("\n"), true },
	{ "\\0", V("\0"), true },
	{ "\\/\\-\\@\\#\\!\\\"\\'\\<\\>", V("/-@#!\"'<>"), true },
	{ "\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\^\\$\\|\\\\", V(".*+?()[]{}^$|\\"), true },

	/* Classes. */
	{ "[]", V("a"), false },
	{ "[]", V("]"), false },
	{ "a[]|b", V("b"), true },
	{ "a[]?b", V("ab"), true },
	{ "a[]*b", V("ab"), true },
	{ "a(?:[]+|c)b", V("acb"), true },
	{ "[:a:]", V(":"), true },
	{ "[.a.]+", V(".a"), true },
	{ "[=-?]+", V("=>?"), true },
	{ "[^]", V("a"), true },
	{ "[^]", V("\n"), true },
	{ "[]a]", V("a"), false },
	{ "[^]a]", V("xa]"), true },
	{ "[[]", V("["), true },
	{ "[[:alpha:]]", V("x]"), false },
	{ "[[:alpha:]]", V("p]"), true },
	{ "[a\\]b]", V("]"), true },
	{ "[\\w.-]+", V("a.b-c"), true },
	{ "[\\d-x]+", V("1-x"), true },
	{ "[\\w-.]+", V("a-b.c"), true },
	{ "[\\w-.]", V("/"), false },
	{ "[+-\\w]+", V("a+-"), true },
	{ "[+-\\w]", V(","), false },
	{ "[\\w-\\.]+", V("a-."), true },
	{ "[\\d-a-z]+", V("1-az"), true },
	{ "[\\d-a-z]", V("m"), false },
	{ "[a-c-e]+", V("b-e"), true },
	{ "[a-c-e]", V("d"), false },
	{ "[--/]", V("."), true },
	{ "[\\--/]", V("."), true },
	{ "[^-a]", V("-"), false },
	{ "[-a]", V("-"), true },
	{ "[\xc3\xa4-\xc3\xbc]", V("\xc3\xb6"), true },
	{ "[\\w-\xc3\xbc]+", V("-\xc3\xbc"), true },
	{ "[\\x41-\\x43]", V("b"), true },
	{ "[a-]", V("-"), true },
	{ "[(){}|.*+?$]+", V("(){}|.*+?$"), true },
	{ "[A-Z]", V("q"), true },
	{ "[^a-z]", V("Q"), false },

	/* Braces that are not a quantifier are text. */
	{ "a{2}", V("aa"), true },
	{ "a{2,}", V("aaaa"), true },
	{ "a{2,3}", V("aaaa"), false },
	{ "a{,3}", V("a{,3}"), true },
	{ "a{,3}", V("aaa"), false },
	{ "a{", V("a{"), true },
	{ "a{x}", V("a{x}"), true },
	{ "a{1", V("a{1"), true },
	{ "a{1,x}", V("a{1,x}"), true },
	{ "a}", V("a}"), true },
	{ "a]", V("a]"), true },
	{ "[{,3}]+", V("{,3}"), true },
	{ "\\{,3}", V("{,3}"), true },

	/* Groups and back references. */
	{ "(a)\\1", V("aa"), true },
	{ "(a)|b\\1", V("b"), true }, /* unset: matches the empty string */
	{ "\\1(a)", V("a"), true },
	/* The same, repeated: PCRE2's machine code lets these fail. */
	{ "(?:(x)|a)\\1+b", V("ab"), true },
	{ "(?:(x)|a)\\1+b", V("xxxb"), true },
	{ "(?:(x)|a)\\1+b", V("xb"), false },
	{ "(?:(x)|a)\\1{2}b", V("ab"), true },
	{ "(?:(x)|a)\\1{2}b", V("xxb"), false },
	{ "(?:(x)|a)\\1{2,5}?b", V("ab"), true },
	{ "(?:(?<n>x)|a)\\k<n>+?b", V("ab"), true },
	{ "(?:(x)|a)\\1*b", V("ab"), true },
	{ "(?:(x)|a)\\1{b", V("a{b"), true },
	{ "(?<n>a)\\k<n>", V("aA"), true },
	{ "(?<n>a)|b\\k<n>", V("b"), true },
	{ "(?=a)a", V("a"), true },
	{ "(?=(a))?\\1a", V("a"), true },
	{ "(?=(a))?\\1a", V("aa"), false },
	{ "(?=(a))+\\1a", V("aa"), true },
	{ "(?!a).", V("a"), false },
	{ "(?<=a)b", V("b"), false },
	{ "a(?<=a)b", V("ab"), true },
	{ "(a(?<=\\1a)b)", V("ab"), true },
	{ "a(?<=(?=\\1(a))a)b", V("ab"), true },
	{ "a(?<=(a))\\1b", V("aab"), true },
	{ "a(?<!b)b", V("ab"), true },
	{ "(?:a)(b)(c)\\2\\1", V("abccb"), true },

	/* Text that is not ASCII. */
	{ "b\xc3\xbc.her",
		V("b\xc3\xbc"
		  "cher"),
		true },
	{ "b.cher",
		V("b\xc3\xbc"
		  "cher"),
		true },
	{ "b..cher",
		V("b\xc3\xbc"
		  "cher"),
		false },
	{ "[\xc3\xa4\xc3\xb6\xc3\xbc]+", V("\xc3\xb6\xc3\xa4"), true },
	{ "\\u00fc", V("\xc3\xbc"), true },
	{ "\\xfc", V("\xc3\xbc"), true },
	{ "\xc3\x9c", V("\xc3\xbc"), true },

	/* NUL, and bytes that are not UTF-8, are ordinary characters: they hide nothing. */
	{ "a.b", V("a\0b"), true },
	{ ".*\\.example\\.com", V("\xff.example.com"), true },
	{ ".*\\.example\\.com", V("a\xc3.example.com"), true },
	{ "a.*b",
		V("a\xed\xa0\x80\xc0\xaf\xf5\x80\x80\x80\xe2\x82"
		  "b"),
		true },
	{ "a[^x]b",
		V("a\xff"
		  "b"),
		true },
	{ "a\\Wb",
		V("a\xff"
		  "b"),
		true },
	{ "a..b",
		V("a\xff\xfe"
		  "b"),
		true },
	{ "a", V("\xff"), false },
	{ "ab",
		V("a\xff"
		  "b"),
		false },
};

/*
 * The dialect's characters, with what JavaScript answers: half of these are ordinary regexes that
 * must match as written, the others matched too much or too little under PCRE2's own rules.
 */
static const struct dialect_case characters[] = {
	{ ".*[\\u0080-\\uffff].*", V("sales@example.com"), false },
	{ ".*[\\u0080-\\uffff].*", V("kiosk@example.com"), false },
	{ ".*[\\u0080-\\uffff].*",
		V("s\xc3\xbc"
		  "d@example.com"),
		true },
	{ ".*[^\\x00-\\x7f].*", V("sales@example.com"), false },
	{ ".*[^\\x00-\\x7f].*",
		V("\xc5\xbf"
		  "ales@example.com"),
		true },
	{ ".*[^\\x00-\\x7f].*", V("\xe2\x84\xaaiosk@example.com"), true },
	{ "k", V("\xe2\x84\xaa"), false },
	{ "k", V("K"), true },
	{ "\xe2\x84\xaa", V("\xe2\x84\xaa"), true },
	{ "\xe2\x84\xaa", V("k"), false },
	{ "[\\u212a]", V("K"), false },
	{ "[k]", V("\xe2\x84\xaa"), false },
	{ "[^k]", V("\xe2\x84\xaa"), true },
	{ "[a-z]", V("\xe2\x84\xaa"), false },
	{ "[a-z]", V("\xc5\xbf"), false },
	{ "s", V("\xc5\xbf"), false },
	{ "S", V("s"), true },
	{ "\xc5\xbf", V("s"), false },
	{ "[^s]", V("\xc5\xbf"), true },
	{ "\\w", V("\xc5\xbf"), false },
	{ "\\W", V("\xe2\x84\xaa"), true },
	{ "\\ba\\b", V("a"), true },
	{ "\xe2\x84\xa6", V("\xcf\x89"), false },
	{ "\xe2\x84\xa6", V("\xe2\x84\xa6"), true },
	{ "\xe2\x84\xab", V("\xc3\xa5"), false },
	{ "\xc3\xa5", V("\xc3\x85"), true },
	{ "\xe1\xba\x9e", V("\xc3\x9f"), false },
	{ "\xe1\xba\x9e", V("\xe1\xba\x9e"), true },
	{ "\xc3\x9f", V("ss"), false },
	{ "\xc4\xb1", V("i"), false },
	{ "\xc4\xb0", V("i"), false },
	{ "\xcf\x83", V("\xcf\x82"), true },
	{ "\xc2\xb5", V("\xce\xbc"), true },
	{ "\xc7\x85", V("\xc7\x86"), true },
	{ "\xd0\xb6", V("\xd0\x96"), true },
	{ "[\xd0\xb0-\xd1\x8f]+", V("\xd0\x9f\xd1\x80\xd0\xb8"), true },
	{ "[\xc3\xa0-\xc3\xb6]", V("\xc3\x89"), true },
	{ "[^\xc3\xa0-\xc3\xb6]", V("\xc3\x89"), false },
	{ "(\xc3\xa9)\\1", V("\xc3\xa9\xc3\x89"), true },
	{ "(k)\\1", V("k\xe2\x84\xaa"), false },
	{ "[Z-a]", V("z"), true },
	{ "[Z-a]", V("b"), false },
	{ "[^A-Z]", V("q"), false },
	{ "[\\c1]", V("\x11"), true },
	{ "[\\c1]", V("c"), false },
	{ "[\\c_]", V("\x1f"), true },
	{ "[\\c*]", V("\\"), true },
	{ "[\\c*]", V("c"), true },
	{ "\\c1", V("\\c1"), true },
	{ "\\cj", V("\x0a"), true },
	{ "\\v", V("\x0b"), true },
	{ "\\v", V("\x0a"), false },
	{ "[\\v]", V("\x0b"), true },
	{ "[\\v]", V("\xc2\x85"), false },
	{ "\\s", V("\xc2\xa0"), true },
	{ "\\s", V("\xef\xbb\xbf"), true },
	{ "\\s", V("\xe3\x80\x80"), true },
	{ "\\s", V("\xe2\x80\x8b"), false },
	{ "\\S", V("\xc2\xa0"), false },
	{ "\\S", V("\xc3\xa9"), true },
	{ "[\\s]", V("\xef\xbb\xbf"), true },
	{ "[^\\s@]+",
		V("a\xc2\xa0"
		  "b"),
		false },
	{ "[^\\s@]+@evil\\.example", V("bob@evil.example"), true },
	{ "\\s*", V("\x09 \x0d\x0a"), true },
	{ ".", V("\xe2\x80\xa8"), false },
	{ ".", V("\xe2\x80\xa9"), false },
	{ ".", V("\x0d"), false },
	{ ".", V("\xc2\x85"), true },
	{ ".*",
		V("a\xe2\x80\xa8"
		  "b"),
		false },
	{ "[^]", V("\xe2\x80\xa8"), true },
	{ "[^a]", V("\xe2\x80\xa9"), true },
	{ "a.b", V("a-b"), true },
	{ "\\.", V("\x0d"), false },
	{ "\\1", V("\x01"), true },
	{ "\\1", V(""), false },
	{ "\\8", V("8"), true },
	{ "\\101", V("A"), true },
	{ "\\18",
		V("\x01"
		  "8"),
		true },
	{ "\\400", V(" 0"), true },
	{ "[\\1]", V("\x01"), true },
	{ "[\\101]", V("a"), true },
	{ "\\2(a)",
		V("\x02"
		  "a"),
		true },
	{ "(a)\\2", V("a\x02"), true },
	{ "(a)\\1", V("aa"), true },
	{ "(a\\1)+", V("aa"), true },
	{ "(\?:\\1(a))+", V("aaa"), true },
	{ "[\\B]", V("B"), true },
	{ "[\\B]", V("\\"), false },
	{ "[\\b]", V("\x08"), true },
	{ "(\?<$x>a)b", V("ab"), true },
	{ "(\?<$x>a)\\k<$x>", V("aA"), true },
	{ "(\?<\xc3\xbc>a)\\k<\xc3\xbc>", V("aa"), true },
	{ "(\?<a\\u0062>x)\\k<ab>", V("xx"), true },
	{ "\\k<n>", V("k<n>"), true },
	{ "\\k", V("k"), true },
	{ "(\?<n>a)|\\k<n>b", V("b"), true },
	{ "\\uD83D\\uDE00", V("\xf0\x9f\x98\x80"), true },
	{ "[\\uD83D\\uDE00]", V("\xf0\x9f\x98\x80"), true },
	{ "\\uD83D", V("\xf0\x9f\x98\x80"), false },
};

START_TEST(knows_the_characters_of_javascript)
	{
		const struct dialect_case *c = &characters[_i];
		struct regexlist *list = list_of(true, &c->regex, 1);
		uint32_t value = 0;

		ck_assert_msg(match(list, c->subject, c->len, &value) ==
				(c->want ? REGEX_YES : REGEX_NO),
			"/%s/ on \"%s\"", c->regex, c->subject);
		regexlist_unref(&list);
	}
END_TEST

START_TEST(reads_javascript)
	{
		const struct dialect_case *c = &anchored[_i];
		struct regexlist *list = list_of(true, &c->regex, 1);
		uint32_t value = 0;

		ck_assert_msg(match(list, c->subject, c->len, &value) ==
				(c->want ? REGEX_YES : REGEX_NO),
			"/%s/ on \"%s\"", c->regex, c->subject);
		ck_assert_uint_eq(value, c->want ? 1 : 0);
		regexlist_unref(&list);
		ck_assert_ptr_null(list);
	}
END_TEST

static const struct dialect_case unanchored[] = {
	{ "b", V("abc"), true },
	{ "a|b", V("xxb"), true },
	{ "^b", V("abc"), false },
	{ "b$", V("abc"), false },
	{ "c$", V("abc"), true },
	{ "c$", V("abc\n"), false },
	{ "^$", V(""), true },
	{ "(?=@)x?@", V("a@b"), true },
	{ "(?=@)x?@", V("ab"), false },
	{ "x{0}(?=b)b", V("abc"), true },
	{ "", V("abc"), true },
	{ "@example\\.com$", V("X@EXAMPLE.COM"), true },
	{ "@example\\.com$", V("x@example.com.evil"), false },
	{ "example",
		V("\xff"
		  "example\xff"),
		true },
};

START_TEST(finds_within)
	{
		const struct dialect_case *c = &unanchored[_i];
		struct regexlist *list = list_of(false, &c->regex, 1);
		uint32_t value;

		ck_assert_msg(match(list, c->subject, c->len, &value) ==
				(c->want ? REGEX_YES : REGEX_NO),
			"/%s/ on \"%s\"", c->regex, c->subject);
		regexlist_unref(&list);
	}
END_TEST

/* A list answers the same before, during and after its preparation, also to the first subjects with
 * a line terminator. */
START_TEST(answers_the_same_while_it_is_prepared)
	{
		enum { COUNT = sizeof(anchored) / sizeof(anchored[0]) };
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct regexlist *list;
		const char *regexes[COUNT];
		uint32_t i, first[COUNT], value;
		enum regex_result result[COUNT];
		bool more;

		for (i = 0; i < COUNT; i++)
			regexes[i] = anchored[i].regex;
		list = unprepared_list_of(true, regexes, COUNT);
		for (i = 0; i < COUNT; i++) {
			first[i] = 0;
			result[i] = regexlist_match(list, scratch, anchored[i].subject,
				anchored[i].len, &first[i]);
		}
		do {
			more = regexlist_prepare(list);
			for (i = 0; i < COUNT; i++) {
				value = 0;
				ck_assert_int_eq(regexlist_match(list, scratch, anchored[i].subject,
							 anchored[i].len, &value),
					result[i]);
				ck_assert_uint_eq(value, first[i]);
			}
		} while (more);
		ck_assert(!regexlist_prepare(list));
		regexlist_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

START_TEST(is_interpreted_until_it_is_prepared)
	{
		const struct dialect_case *c = &anchored[_i];
		struct regexlist *list = unprepared_list_of(true, &c->regex, 1);
		uint32_t value;

		ck_assert_msg(match(list, c->subject, c->len, &value) ==
				(c->want ? REGEX_YES : REGEX_NO),
			"/%s/ on \"%s\"", c->regex, c->subject);
		regexlist_unref(&list);
	}
END_TEST

/* A regex that cannot be compiled is refused with a reason, and the list is unchanged. */
static const char *const bad[] = { "(", ")", "a)", "(?", "[a", "[", "*", "+a", "?", "a**",
	"a{2}{3}(", "(?<n", "(?<n>a)(?<n>b)", "(?<n>a)\\k<m>", "(?<n>a)\\k", "(?<=a+)b", "(?i)a",
	"(?<=\\1(a))b", "(?<!(?:\\1(a)))b", "(?<=\\k<n>(?<n>a))b", "(?<=(a)\\1)b", "(a)(?<=\\1)b",
	"(?#a)b", "(*F)a", "[\xc3]", "a\\", "{1}", "[b-a]", "a{3,2}", "a{99999}", "(?<1>a)",
	"(?<a-b>a)", "(?<>a)", "[\\", "[a-", "[a-\\", "[\\w-",
	/* PCRE2 has possessive quantifiers, and repeats lookbehinds. */
	"a++", "a*+", "a?+", "a{2}+", "(a)++b", "[a]{1,2}+", "(?=a)++", "a+?+", "(?<=a)*",
	"(?<!a)?b", "x(?<=(?:a)){0}", "(?<=a)+",
	/* PCRE2 reads these classes, but differently. */
	"[ -\\c0]", "[\\e-\\-]", "[^a\\E-\\81]", "[!\\x-\\100]", "(?<n>a)[\\k]", "[b\\k<n>](?<n>a)",
	"(?<n>a)[z-\\k]" };

/* The reason is that of the dialect, also where PCRE2 objects to an earlier part of the text. */
static const struct {
	const char *regex, *reason;
} reasons[] = {
	{ "[\\ud800](?<=a*)b", ": lookbehind assertion is not fixed length" },
	{ "[\\N]\\k<(?<=a|b*)b", ": lookbehind assertion is not fixed length" },
	{ "(?<=a*)b", ": lookbehind assertion is not fixed length" },
	{ "[\\N]a{99999}", ": number too big in {} quantifier" },
	{ "a{99999}", ": number too big in {} quantifier at character 8" },
	{ "[\\e-\\-]", ": it is not in JavaScript's dialect" },
};

START_TEST(gives_the_reason_of_the_dialect)
	{
		struct regexlist *list = regexlist_new(true);
		struct errmsg err = { "" };
		const char *regex = reasons[_i].regex;

		ck_assert_int_eq(regexlist_add(list, regex, strlen(regex), 1, &err), REGEX_REFUSED);
		ck_assert_msg(strstr(err.text, reasons[_i].reason) != NULL, "%s: %s", regex,
			err.text);
		regexlist_unref(&list);
	}
END_TEST

START_TEST(refuses_regexes_that_cannot_be_compiled)
	{
		struct regexlist *list = regexlist_new(true);
		struct errmsg err = { "" };
		uint32_t value;

		ck_assert_int_eq(regexlist_add(list, V("good"), 1, &err), 0);
		ck_assert_msg(regexlist_add(list, bad[_i], strlen(bad[_i]), 2, &err) ==
				REGEX_REFUSED,
			"%s", bad[_i]);
		ck_assert_msg(strstr(err.text, bad[_i]) != NULL, "%s: %s", bad[_i], err.text);
		ck_assert_ptr_nonnull(strstr(err.text, "cannot be compiled: "));
		ck_assert_int_eq(regexlist_add(list, bad[_i], strlen(bad[_i]), 2, NULL),
			REGEX_REFUSED);
		ck_assert_uint_eq(regexlist_count(list), 1);
		ck_assert_int_eq(regexlist_add(list, V("fine"), 3, &err), 0);
		ck_assert_int_eq(regexlist_finish(list, NULL, &err), 0);
		ck_assert_int_eq(match(list, V("good"), &value), REGEX_YES);
		ck_assert_int_eq(match(list, V("fine"), &value), REGEX_YES);
		ck_assert_uint_eq(value, 3);
		regexlist_unref(&list);
	}
END_TEST

START_TEST(is_empty)
	{
		struct regexlist *list = list_of(true, NULL, 0), *none = NULL;
		struct regex_scratch *scratch = NULL;
		uint32_t value = 7;

		ck_assert_int_eq(match(list, V("a"), &value), REGEX_NO);
		ck_assert_uint_eq(value, 7);
		ck_assert_uint_eq(regexlist_untested(list), 0);
		regexlist_unref(&list);
		regexlist_unref(&none);
		regex_scratch_free(&scratch);
	}
END_TEST

/* The first match in the order of adding wins, whichever regex runs first. */
START_TEST(names_the_first)
	{
		static const char *const regexes[] = { "zzz", "(a)\\1.*", "aab.*", "aa.*", "aabc",
			"x", "aabc", "(?=a)aabc" };
		struct regexlist *list = list_of(true, regexes, 8);
		uint32_t value = 0;

		ck_assert_int_eq(match(list, V("aabc"), &value), REGEX_YES);
		ck_assert_uint_eq(value, 2);
		ck_assert_int_eq(match(list, V("x"), &value), REGEX_YES);
		ck_assert_uint_eq(value, 6);
		ck_assert_int_eq(match(list, V("zzz\xff"), &value), REGEX_NO);
		ck_assert_int_eq(match(list, V("zzzz"), &value), REGEX_NO);
		regexlist_unref(&list);
	}
END_TEST

/* All regexes of the table above in one list: the prefilter must not change the results. */
START_TEST(is_the_same_in_a_crowd)
	{
		enum { COUNT = sizeof(anchored) / sizeof(anchored[0]) };
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct regexlist *crowd, *alone[COUNT];
		const char *regexes[COUNT];
		uint32_t value, ignored, i, k;

		ck_assert_ptr_nonnull(scratch);
		for (i = 0; i < COUNT; i++) {
			regexes[i] = anchored[i].regex;
			alone[i] = list_of(true, &regexes[i], 1);
		}
		crowd = list_of(true, regexes, COUNT);
		ck_assert_uint_le(regexlist_untested(crowd), COUNT);
		for (i = 0; i < COUNT; i++) {
			const struct dialect_case *c = &anchored[i];

			for (k = 0; k < COUNT; k++) {
				if (regexlist_match(alone[k], scratch, c->subject, c->len,
					    &ignored) == REGEX_YES)
					break;
			}
			value = COUNT + 1;
			ck_assert_int_eq(regexlist_match(crowd, scratch, c->subject, c->len,
						 &value),
				k < COUNT ? REGEX_YES : REGEX_NO);
			ck_assert_uint_eq(value, k + 1);
		}
		for (i = 0; i < COUNT; i++)
			regexlist_unref(&alone[i]);
		regexlist_unref(&crowd);
		regex_scratch_free(&scratch);
	}
END_TEST

/* Regexes with exponential time on these subjects. */
static const struct {
	const char *regex;
	char brick;
} slow[] = {
	{ "(a+)+$", 'a' },
	{ "(a+)+b", 'a' },
	{ "(a|aa)+b", 'a' },
	{ "(.*a){20}b", 'a' },
	{ "(a*)*b", 'a' },
	{ "(?:(?:a+)+)+b", 'a' },
	{ "([a-zA-Z]+)*b", 'a' },
	{ "^(([a-z])+.)+[A-Z]([a-z])+$", 'a' },
	{ "(a?){30}a{30}b", 'a' },
	{ "(x+x+)+y", 'x' },
	{ "(.*)*@(.*)*@(.*)*y", '@' },
	{ "((a)|b|(a))*\\3c", 'a' },
};

static double seconds_since(const struct timespec *from)
{
	struct timespec to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from->tv_sec) + (double)(to.tv_nsec - from->tv_nsec) / 1e9;
}

/* Either result is acceptable; minutes without one are not. */
START_TEST(is_bounded)
	{
		enum { ROWS = sizeof(slow) / sizeof(slow[0]) };
		struct regexlist *list = _i < ROWS ?
			list_of(true, &slow[_i].regex, 1) :
			unprepared_list_of(true, &slow[_i - ROWS].regex, 1);
		char subject[1001];
		struct timespec from;
		uint32_t value = 0;
		enum regex_result result;
		double seconds;

		memset(subject, slow[_i % ROWS].brick, sizeof(subject));
		subject[sizeof(subject) - 1] = '!';
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		result = match(list, subject, sizeof(subject), &value);
		seconds = seconds_since(&from);
		ck_assert_int_ne(result, REGEX_YES);
		if (result == REGEX_FAILED)
			ck_assert_uint_eq(value, 1);
		ck_assert_msg(seconds < 20, "/%s/ took %.1f s", slow[_i % ROWS].regex, seconds);
		regexlist_unref(&list);
	}
END_TEST

/* A regex that exceeds its limits is a failure, not "no match", unless another regex matches. */
START_TEST(reports_a_failure_unless_another_regex_matches)
	{
		static const char *const regexes[] = { "zzz", "(a+)+$", "(a|a)+$", "a+!" };
		struct regexlist *list = list_of(true, regexes, _i == 0 ? 3 : 4);
		char subject[101];
		uint32_t value = 0;

		memset(subject, 'a', sizeof(subject));
		subject[sizeof(subject) - 1] = '!';
		ck_assert_int_eq(match(list, subject, sizeof(subject), &value),
			_i == 0 ? REGEX_FAILED : REGEX_YES);
		ck_assert_uint_eq(value, _i == 0 ? 2 : 4);
		regexlist_unref(&list);
	}
END_TEST

/* A clock of which each look takes fake_step; fake_used_percent of it is processor time. */
static uint64_t fake_now, fake_step, fake_used_percent;
static unsigned fake_looks, fake_used_looks;

static uint64_t fake_passed(void)
{
	fake_looks++;
	return fake_now += fake_step;
}

static uint64_t fake_used(void)
{
	fake_used_looks++;
	return fake_now * fake_used_percent / 100;
}

static const struct regex_clock fake_clock = { fake_passed, fake_used };

static struct regex_scratch *fake_scratch(uint64_t step, uint64_t used_percent)
{
	struct regex_scratch *scratch = regex_scratch_new(&fake_clock);

	ck_assert_ptr_nonnull(scratch);
	fake_now = 1;
	fake_step = step;
	fake_used_percent = used_percent;
	fake_looks = fake_used_looks = 0;
	return scratch;
}

/* Make a prepared list of regexes that are tried on each subject. Only the last one matches "q". */
static struct regexlist *tried_list(int count)
{
	struct regexlist *list = regexlist_new(true);

	for (int i = 0; i < count; i++) {
		const char *regex = i + 1 < count ? "[^qr]" : "q";

		ck_assert_int_eq(regexlist_add(list, regex, strlen(regex), (uint32_t)(i + 1), NULL),
			REGEX_ADDED);
	}
	ck_assert_int_eq(regexlist_finish(list, NULL, NULL), 0);
	while (regexlist_prepare(list))
		;
	return list;
}

/* The time budget covers all lists of one decision; the next decision has a full one. */
START_TEST(keeps_to_the_budget)
	{
		struct regexlist *list = tried_list(10 * REGEX_BUDGET_STEPS);
		struct regex_scratch *scratch = fake_scratch(REGEX_BUDGET_NS / 15, 100);
		uint32_t value = 0;

		ck_assert_int_eq(regexlist_match(list, scratch, V("r"), &value), REGEX_NO);
		ck_assert_int_eq(regexlist_match(list, scratch, V("r"), &value), REGEX_FAILED);
		ck_assert_uint_gt(value, 1);
		ck_assert_int_eq(regexlist_match(list, scratch, V("r"), &value), REGEX_FAILED);
		ck_assert_uint_eq(value, 1);
		regex_scratch_begin(scratch);
		ck_assert_int_eq(regexlist_match(list, scratch, V("r"), &value), REGEX_NO);
		regex_scratch_free(&scratch);
		regexlist_unref(&list);
	}
END_TEST

/* Regexes that are not tried do not add to the budget: the last one, which matches, is not. */
START_TEST(a_spent_budget_stays_spent)
	{
		struct regexlist *list = tried_list(3000);
		struct regex_scratch *scratch = fake_scratch(REGEX_BUDGET_NS / 4, 100);
		uint32_t value = 0;

		ck_assert_int_eq(regexlist_match(list, scratch, V("q"), &value), REGEX_FAILED);
		ck_assert_uint_lt(value, 10 * REGEX_BUDGET_STEPS);
		ck_assert_uint_lt(fake_looks, 10);
		regex_scratch_free(&scratch);
		regexlist_unref(&list);
	}
END_TEST

/* A long list gets more time for each of its regexes that is tried. */
START_TEST(grants_each_regex_some_time)
	{
		struct regexlist *list = tried_list(10000);
		struct regex_scratch *scratch =
			fake_scratch(REGEX_BUDGET_STEPS * REGEX_BUDGET_EACH_NS, 100);
		uint32_t value = 0;

		ck_assert_int_eq(regexlist_match(list, scratch, V("q"), &value), REGEX_YES);
		regex_scratch_begin(scratch);
		fake_step *= 2;
		ck_assert_int_eq(regexlist_match(list, scratch, V("q"), &value), REGEX_FAILED);
		regex_scratch_free(&scratch);
		regexlist_unref(&list);
	}
END_TEST

/* The clocks cost little: one look for sixteen regexes, and none at the processor time as long as
 * little time passes. */
START_TEST(looks_seldom_at_the_clock)
	{
		enum { COUNT = 1000 };
		struct regexlist *list = tried_list(COUNT);
		struct regex_scratch *scratch = fake_scratch(1, 100);
		uint32_t value = 0;

		ck_assert_int_eq(regexlist_match(list, scratch, V("q"), &value), REGEX_YES);
		ck_assert_uint_eq(value, COUNT);
		ck_assert_uint_le(fake_looks, COUNT / REGEX_BUDGET_STEPS + 1);
		ck_assert_uint_eq(fake_used_looks, 0);
		regex_scratch_free(&scratch);
		regexlist_unref(&list);
	}
END_TEST

/* Time in which the thread waits for a processor is not charged to the budget. */
START_TEST(charges_no_pause)
	{
		struct regexlist *list = tried_list(3 * REGEX_BUDGET_STEPS);
		struct regex_scratch *scratch = fake_scratch(100 * REGEX_BUDGET_NS, 0);
		uint32_t value = 0;

		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(regexlist_match(list, scratch, V("r"), &value), REGEX_NO);
		fake_used_percent = 1; /* of each half second */
		ck_assert_int_eq(regexlist_match(list, scratch, V("r"), &value), REGEX_FAILED);
		regex_scratch_free(&scratch);
		regexlist_unref(&list);
	}
END_TEST

/* Regexes that take long on these subjects: part of each is repeated. */
static const struct {
	const char *before, *repeated;
	unsigned times;
	const char *after;
	char brick;
} costly[] = {
	{ "", "\\w+?", 4, "!", 'a' },
	{ "(a+)+", "", 0, "!", 'a' },
	{ "a*a*a*a*", "", 0, "!", 'a' },
	{ "(?:a|aa)*?(?:b", "|bx|cx|dx|ex", 300, ")!", 'a' },
	{ "a*?a*?", "\\B", 1500, "b!", 'a' },
	{ "a*?a*?", "()", 50, "b!", 'a' },
	{ "a*?a*?(?:[^\\u0100-\\u1000b]{300})b!", "", 0, "", 'a' },
	{ "a*?a*?", "(?=[^b]*)", 200, "b!", 'a' },
	{ "(?=(a{480}))a*?a*?", "(?=\\1)", 300, "!", 'a' },
	{ "a*?a*?", "(?=a{400})", 300, "!", 'a' },
	{ "a*?", "(?:a|a)", 500, "!", 'a' },
	{ "(?:a*?a*?a*?){50}!", "", 0, "", 'a' },
	{ "a*?(?:a(?=", "a", 500, "))*!", 'a' },
};

/* The looks at the clock end a regex within its match, although it is far from its limits. */
START_TEST(stops_within_a_match)
	{
		enum { ROWS = sizeof(costly) / sizeof(costly[0]) };
		const bool is_prepared = _i < 2 * ROWS, is_anchored = _i % 2 == 0;
		const size_t row = (size_t)_i / 2 % ROWS;
		struct strbuf text = STRBUF_INIT;
		struct regexlist *list;
		struct regex_scratch *scratch;
		const char *regex;
		char subject[1000];
		uint32_t value = 0;
		enum regex_result result;

		strbuf_add_str(&text, costly[row].before);
		for (unsigned i = 0; i < costly[row].times; i++)
			strbuf_add_str(&text, costly[row].repeated);
		strbuf_add_str(&text, costly[row].after);
		strbuf_add_str(&text, "x"); /* the required character occurs, too late */
		regex = text.text;
		list = is_prepared ? list_of(is_anchored, &regex, 1) :
				     unprepared_list_of(is_anchored, &regex, 1);
		memset(subject, costly[row].brick, sizeof(subject));
		memcpy(subject + sizeof(subject) - 4, "!zx", 3);
		scratch = fake_scratch(REGEX_MATCH_NS / 10, 100);
		result = regexlist_match(list, scratch, subject, sizeof(subject), &value);
		ck_assert_msg(result == REGEX_FAILED, "%s: %d", costly[row].before, result);
		ck_assert_msg(fake_looks >= 10 && fake_looks < 15, "%s: %u looks",
			costly[row].before, fake_looks);
		regex_scratch_free(&scratch);
		regexlist_unref(&list);
		strbuf_free(&text);
	}
END_TEST

/* After each alternative that matches, PCRE2's interpreter passes over all later ones. */
START_TEST(stops_among_many_alternatives)
	{
		char regex[4001];
		const char *regexes[] = { regex };
		struct regex_scratch *scratch = fake_scratch(REGEX_MATCH_NS / 10, 100);
		struct regexlist *list;
		uint32_t value = 0;

		memset(regex, '|', sizeof(regex) - 1);
		regex[sizeof(regex) - 1] = '\0';
		list = unprepared_list_of(true, regexes, 1);
		ck_assert_int_eq(regexlist_match(list, scratch, V("a@b.example"), &value),
			REGEX_FAILED);
		ck_assert_msg(fake_looks >= 10 && fake_looks < 15, "%u looks", fake_looks);
		regex_scratch_free(&scratch);
		regexlist_unref(&list);
	}
END_TEST

/* A regex that uses up the time of a match leaves the others theirs. */
START_TEST(a_slow_match_fails_alone)
	{
		static const char *const regexes[] = { "(a+)+!x", "(a|a)+!x", "a+!" };
		const bool is_prepared = _i == 0;
		struct regexlist *list = is_prepared ? list_of(true, regexes, 3) :
						       unprepared_list_of(true, regexes, 3);
		struct regex_scratch *scratch = fake_scratch(REGEX_MATCH_NS / 4, 100);
		char subject[101];
		uint32_t value = 0;

		memset(subject, 'a', sizeof(subject));
		subject[sizeof(subject) - 1] = '!';
		ck_assert_int_eq(regexlist_match(list, scratch, subject, sizeof(subject), &value),
			REGEX_YES);
		ck_assert_uint_eq(value, 3);
		regex_scratch_free(&scratch);
		regexlist_unref(&list);
	}
END_TEST

/* One scratch works for lists of all sizes, one after another. */
START_TEST(shares_a_scratch)
	{
		static const char *const small[] = { "a" };
		const uint32_t count = unit_times(300);
		const char *many[300];
		char texts[300][16], last[16];
		struct regexlist *lists[2];
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		uint32_t value, i;

		for (i = 0; i < count; i++) {
			(void)snprintf(texts[i], sizeof(texts[i]), "host%u\\..*", i);
			many[i] = texts[i];
		}
		lists[0] = list_of(true, small, 1);
		lists[1] = list_of(true, many, count);
		(void)snprintf(last, sizeof(last), "HOST%u.x", count - 1);
		for (i = 0; i < 10; i++) {
			ck_assert_int_eq(regexlist_match(lists[0], scratch, V("a"), &value),
				REGEX_YES);
			ck_assert_uint_eq(value, 1);
			ck_assert_int_eq(regexlist_match(lists[1], scratch, last, strlen(last),
						 &value),
				REGEX_YES);
			ck_assert_uint_eq(value, count);
			ck_assert_int_eq(regexlist_match(lists[1], scratch, V("a"), &value),
				REGEX_NO);
		}
		regexlist_unref(&lists[0]);
		regexlist_unref(&lists[1]);
		regex_scratch_free(&scratch);
	}
END_TEST

/* The texts of a list are bounded. Regexes past the bound still match. */
START_TEST(bounds_the_texts_of_a_list)
	{
		static const char regex[] = "(aaa|bbb|ccc|ddd|eee|fff|ggg|hhh).*",
				  last[] = "(xyz|abc)";
		struct regexlist *list = regexlist_new(true);
		struct regex_pool *pool = regex_pool_new();
		struct regexlist_size size;
		uint32_t value = 0;

		regexlist_use_pool(list, pool);
		for (uint32_t i = 0; i < REGEX_TEXTS_MAX / 8; i++) {
			ck_assert_uint_eq(regexlist_past_texts(list), 0);
			ck_assert_int_eq(regexlist_add(list, regex, strlen(regex), i, NULL),
				REGEX_ADDED);
		}
		for (uint32_t i = 1; i <= 2; i++) {
			ck_assert_int_eq(regexlist_add(list, last, strlen(last), i, NULL),
				REGEX_ADDED);
			ck_assert_uint_eq(regexlist_past_texts(list), i);
		}
		ck_assert_int_eq(regexlist_add(list, "a.", 2, 3, NULL), REGEX_ADDED);
		ck_assert_uint_eq(regexlist_past_texts(list), 2);
		ck_assert_int_eq(regexlist_finish(list, NULL, NULL), 0);
		regex_pool_free(&pool);
		while (regexlist_prepare(list))
			;
		regexlist_measure(list, &size);
#ifdef HAVE_HYPERSCAN
		ck_assert_uint_eq(size.untested, 3);
#endif
		ck_assert_int_eq(match(list, V("abc"), &value), REGEX_YES);
		ck_assert_uint_eq(value, 1);
		ck_assert_int_eq(match(list, V("hhhh"), &value), REGEX_YES);
		ck_assert_uint_eq(value, 0);
		regexlist_unref(&list);
	}
END_TEST

/* Regexes of 4096 bytes are accepted, longer ones refused. */
START_TEST(bounds_a_regex)
	{
		struct regexlist *list = regexlist_new(true);
		struct errmsg err = { "" };
		char regex[4097];
		uint32_t value;

		memset(regex, 'a', sizeof(regex));
		ck_assert_int_eq(regexlist_add(list, regex, 4097, 1, &err), REGEX_REFUSED);
		ck_assert_ptr_nonnull(strstr(err.text, "4097"));
		ck_assert_int_eq(regexlist_add(list, regex, 4096, 1, &err), 0);
		ck_assert_int_eq(regexlist_finish(list, NULL, &err), 0);
		ck_assert_int_eq(match(list, regex, 4096, &value), REGEX_YES);
		regexlist_unref(&list);
		memset(regex, '(', sizeof(regex));
		list = regexlist_new(true);
		ck_assert_int_eq(regexlist_add(list, regex, 4096, 1, &err), REGEX_REFUSED);
		regexlist_unref(&list);
	}
END_TEST

/* What PCRE2 refuses counts in the size of the list, but no more than it can cost. */
START_TEST(counts_refused_regexes)
	{
		static const char *const refused[] = { "(", "a{99999}",
			"((((a{1,999}){1,999}){1,999}){1,999})", "(a*|b" };
		struct regexlist *list = regexlist_new(true);
		uint64_t before = 0;

		for (size_t i = 0; i < 4; i++) {
			ck_assert_int_eq(regexlist_add(list, refused[i], strlen(refused[i]), 1,
						 NULL),
				REGEX_REFUSED);
			ck_assert_uint_gt(regexlist_bytes(list), before);
			ck_assert_uint_lt(regexlist_bytes(list), before + 200000);
			before = regexlist_bytes(list);
		}
		ck_assert_int_eq(regexlist_add(list, V("a.*b"), 1, NULL), REGEX_ADDED);
		ck_assert_uint_eq(regexlist_bytes(list) - before,
			regexlist_bytes_of(V("a.*b"), true, UINT64_MAX));
		regexlist_unref(&list);
	}
END_TEST

START_TEST(tells_why_a_regex_is_costly)
	{
		static char large[4000];
		struct regexlist *list = regexlist_new(true);
		struct errmsg why = { "" };

		memset(large, 'x', sizeof(large));
		ck_assert_int_eq(regexlist_add(list, V("ab*"), 1, NULL), REGEX_ADDED);
		ck_assert(!regexlist_is_costly(list, &why));
		ck_assert_int_eq(regexlist_add(list, large, sizeof(large), 2, NULL), REGEX_ADDED);
		ck_assert(regexlist_is_costly(list, &why));
		ck_assert_ptr_nonnull(strstr(why.text, "above 16384, it is interpreted"));
		regexlist_unref(&list);
	}
END_TEST

/* Finding out whether a regex fits within a bound stops early, and never stops too early. */
START_TEST(finds_whether_a_regex_fits)
	{
		static const char *const regexes[] = { "", "a", "[\\S][\\S][\\S][\\S][\\S]",
			"\\uDBFF\\uDFFF\\uDBFF\\uDFFF\\uDBFF\\uDFFF\\uDBFF\\uDFFF",
			"(a)\\1\\1+\\1*\\1", "(?<n>[^\\x00-\\x7f])\\k<n>",
			"[]|[^]|()|(?=)*|\\ud800", "\\u0100\\xdf\\v\\f{0,65535}?",
			"((a{1,9}|\\s){1,20}\\W){1,20}" };

		for (size_t i = 0; i < sizeof(regexes) / sizeof(regexes[0]); i++) {
			const size_t len = strlen(regexes[i]);
			const uint64_t bytes =
				regexlist_bytes_of(regexes[i], len, false, UINT64_MAX);

			for (uint64_t max = bytes % 16; max < 3000; max += 16)
				ck_assert_msg(max < bytes ? regexlist_bytes_of(regexes[i], len,
								    false, max) > max :
							    regexlist_bytes_of(regexes[i], len,
								    false, max) == bytes,
					"%s: %u", regexes[i], (unsigned)max);
		}
	}
END_TEST

/* A subject far longer than any name or address. */
START_TEST(accepts_long_subjects)
	{
		static const char *const regexes[] = { ".*x", "[^@]*", "a*", "(?=a)a*" };
		struct regexlist *list = list_of(true, regexes, 4);
		char *subject = malloc(1 << 20);
		uint32_t value = 0;

		ck_assert_ptr_nonnull(subject);
		memset(subject, 'a', 1 << 20);
		ck_assert_int_eq(match(list, subject, 1 << 20, &value), REGEX_YES);
		ck_assert_uint_eq(value, 2);
		memset(subject, 0xff, 1 << 20);
		ck_assert_int_eq(match(list, subject, 1 << 20, &value), REGEX_YES);
		ck_assert_uint_eq(value, 2);
		free(subject);
		regexlist_unref(&list);
	}
END_TEST

#define LOOP(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regexlist");
	TCase *tcase = tcase_create("regexlist");

	LOOP(tcase, knows_the_characters_of_javascript, characters);
	LOOP(tcase, reads_javascript, anchored);
	LOOP(tcase, is_interpreted_until_it_is_prepared, anchored);
	tcase_add_test(tcase, answers_the_same_while_it_is_prepared);
	LOOP(tcase, finds_within, unanchored);
	LOOP(tcase, refuses_regexes_that_cannot_be_compiled, bad);
	tcase_add_loop_test(tcase, gives_the_reason_of_the_dialect, 0,
		sizeof(reasons) / sizeof(reasons[0]));
	tcase_add_test(tcase, is_empty);
	tcase_add_test(tcase, names_the_first);
	tcase_add_test(tcase, is_the_same_in_a_crowd);
	tcase_add_loop_test(tcase, is_bounded, 0, 2 * sizeof(slow) / sizeof(slow[0]));
	tcase_add_loop_test(tcase, reports_a_failure_unless_another_regex_matches, 0, 2);
	tcase_add_test(tcase, keeps_to_the_budget);
	tcase_add_test(tcase, a_spent_budget_stays_spent);
	tcase_add_test(tcase, grants_each_regex_some_time);
	tcase_add_test(tcase, looks_seldom_at_the_clock);
	tcase_add_test(tcase, stops_among_many_alternatives);
	tcase_add_test(tcase, charges_no_pause);
	tcase_add_loop_test(tcase, stops_within_a_match, 0, 4 * sizeof(costly) / sizeof(costly[0]));
	tcase_add_loop_test(tcase, a_slow_match_fails_alone, 0, 2);
	tcase_add_test(tcase, shares_a_scratch);
	tcase_add_test(tcase, bounds_a_regex);
	tcase_add_test(tcase, bounds_the_texts_of_a_list);
	tcase_add_test(tcase, counts_refused_regexes);
	tcase_add_test(tcase, tells_why_a_regex_is_costly);
	tcase_add_test(tcase, finds_whether_a_regex_fits);
	tcase_add_test(tcase, accepts_long_subjects);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
