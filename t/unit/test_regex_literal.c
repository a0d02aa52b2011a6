/*
 * Shows which texts a regex requires, and which marks, and that no match lacks all texts of a set,
 * or a mark.
 */
#include "lib/match/regex_literal.h"

#include <stdio.h>
#include <string.h>

#include "lib/match/regex_compile.h"
#include "lib/match/regex_subject.h"
#include "t/unit/unit.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Translated regexes, and their sets of literals with a space between them, as in "a/b c". */
static const struct {
	const char *regex, *literals;
} rows[] = {
	{ "", "" },
	{ "ab", "" },
	{ "abc", "abc" },
	{ "abc|def", "abc/def" },
	{ ".*@(.*\\.)?spam\\.example", "spam.exa mple" },
	{ ".*@.*spam.*\\.(?:com|net)", "spam com/net" },
	{ "bob@(com|net)corp\\.example", "bob@ com/net corp.exa mple" },
	{ "(abc)", "abc" },
	{ "(?:abc)+", "abc" },
	{ "(abc){2}", "abc" },
	{ "(abc)?", "" },
	{ "(abc)*?def", "def" },
	{ "(abc){0}def", "def" },
	{ "(abc){00,3}def", "def" },
	{ "(abc){10,3}def", "abc def" },
	{ "(abc(def|ghi)jkl)", "abc def/ghi jkl" },
	{ "(abc(def|ghi)?jkl|x)", "" },
	{ "((abc)?def)", "def" },
	{ "((abc)def)?ghi", "ghi" },
	{ "(x|y)abc", "abc" },
	{ "(?=abc)def", "def" },
	{ "(?!abc)def(?<=ghi)(?<!jkl)mno", "def mno" },
	{ "(?=abc){0}def", "def" },
	{ "abcd?e", "abc" },
	{ "abc?", "" },
	{ "abcd*", "abc" },
	{ "abcd{0,2}", "abc" },
	{ "abcd{1,2}efg", "abcd efg" },
	{ "abcd+?efg", "abcd efg" },
	{ "abc?def??", "" },
	{ "abc.def", "abc def" },
	{ "abc\\.d\\-e\\/f", "abc.d-e/" },
	{ "abc\\ddef\\Wghi\\bjkl", "abc def ghi jkl" },
	{ "abc[def]ghi", "abc ghi" },
	{ "abc[^]def[^\\]x]ghi[]jkl", "abc def ghi jkl" },
	{ "abc[\\\\]def", "abc def" },
	{ "abc\\x{e4}def\\g{1}ghi", "abc def ghi" },
	{ "abc\xc3\xa4"
	  "def",
		"abc def" },
	{ "^abc$def", "abc def" },
	{ "a{2}bcd", "bcd" },
	{ "(a(b(c(def)?ghi)+jkl)?mno)", "mno" },
	{ "abcdefgh", "abcdefgh" },
	{ "abcdefgh?", "abcdefg" },
	{ "abcdefghi", "abcdefgh" },
	{ "abcdefghi?jkl", "abcdefgh jkl" },
	{ "abcdefghijklmnopqrs", "abcdefgh ijklmnop qrs" },
	{ "(abcdefghijklmnop|x)qrst", "qrst" },
	{ "(mail|smtp)[0-9]+\\.", "mail/smtp" },
	{ "abc|de", "" },
	{ "abc|", "" },
	{ "|abc", "" },
	{ "(abc||def)", "" },
	{ "(a.*bcd|efgh.ijk|lmn)", "bcd/efgh/lmn" }, /* of each the longest */
	{ "(abc|def)+", "abc/def" },
	{ "(abc|def)?ghi", "ghi" },
	{ "(abc|def){0,2}|ghi", "" },
	{ "(?=abc|def)ghi", "ghi" },
	{ "(?!abc|def)ghi|jkl", "ghi/jkl" },
	{ "((abc|def)ghi|jkl)", "ghi/jkl" }, /* of each the smallest set */
	{ "((abc|def).|jkl|mno)|pqr", "abc/def/jkl/mno/pqr" },
	{ "(abc|def(?=x))|(ghi|jkl)+.(mno)", "abc/def/mno" },
	{ "abcdefghi|(jklmnopqrst)u", "abcdefgh/jklmnopq" },
	{ "(aaa|bbb|ccc|ddd|eee|fff|ggg|hhh|iii|jjj|kkk|lll|mmm|nnn|ooo|ppp)",
		"aaa/bbb/ccc/ddd/eee/fff/ggg/hhh/iii/jjj/kkk/lll/mmm/nnn/ooo/ppp" },
	{ "(aaa|bbb|ccc|ddd|eee|fff|ggg|hhh|iii|jjj|kkk|lll|mmm|nnn|ooo|ppp|qqq)rst", "rst" },
	{ "abc(?@def", "" },
	{ "(*VERB)abc", "" },
	{ "abc)", "" },
};

static struct regex_literals *find(const char *regex)
{
	struct regex_literals *literals;
	struct regex_marks marks;

	ck_assert_int_eq(regex_literals_find(regex, &literals, &marks), 0);
	return literals;
}

START_TEST(a_regex_requires_these_texts)
	{
		struct regex_literals *literals = find(rows[_i].regex);
		char text[1024] = "";
		size_t len = 0, begun = 0;

		for (size_t i = 0; literals != NULL && i < literals->count; i++) {
			const struct regex_literal *literal = &literals->at[i];
			const bool begins = i == begun;

			begun += begins ? literal->together : 0;
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s",
				i == 0	       ? "" :
					begins ? " " :
						 "/",
				(int)literal->len, literal->text);
		}
		ck_assert_msg(strcmp(text, rows[_i].literals) == 0, "%s: '%s', not '%s'",
			rows[_i].regex, text, rows[_i].literals);
		ck_assert_int_eq(regex_literals_bytes(literals) > 0, text[0] != '\0');
		free(literals);
	}
END_TEST

/* Translated regexes, and texts whose marks each subject has that they match. */
static const struct {
	const char *regex;
	const char *const texts[4];
} marked[] = {
	{ "", { "" } },
	{ "[a-z]+xy[0-9]+[a-z].*", { "xy" } },
	{ "a.b", { "a", "b" } },
	{ "abc?d", { "ab", "d" } },
	{ "ab{0,2}c+de*", { "a", "c", "d" } },
	{ "ab\\.c\\d\\-", { "ab.c", "-" } },
	{ "(ab)?c", { "c" } },
	{ "(ab)+c", { "ab", "c" } },
	{ "(a(b)?c)?d", { "d" } },
	{ "a(b(c)?d)e", { "a", "b", "d", "e" } },
	{ "(a|b)c", { "c" } },
	{ "(ab|.b)c", { "b", "c" } },
	{ "ab|cab|.*ab.", { "ab" } },
	{ "ab|", { "" } },
	{ "(ab|cb){0}d", { "d" } },
	{ "(?=a)b(?!c)(?<=d)(?<!e)", { "b" } },
	{ "(?:a(?:b|c)|a)", { "a" } },
	{ "abcdefgh", { "abcdefgh" } },
	{ "abcdefghijk", { "abcdefgh", "ijk" } },
	{ "[a]b[^c]d", { "b", "d" } },
	{ "ab(?@c", { "" } },
	{ "(*VERB)ab", { "" } },
	{ "ab)", { "" } },
};

START_TEST(a_regex_requires_these_marks)
	{
		struct regex_marks wanted = { 0 }, marks;
		struct regex_literals *literals;

		for (size_t i = 0; i < COUNT(marked[_i].texts) && marked[_i].texts[i] != NULL; i++)
			regex_marks_add(&wanted, marked[_i].texts[i], strlen(marked[_i].texts[i]));
		ck_assert_int_eq(regex_literals_find(marked[_i].regex, &literals, &marks), 0);
		ck_assert_msg(memcmp(&marks, &wanted, sizeof(marks)) == 0, "%s", marked[_i].regex);
		free(literals);
	}
END_TEST

/* Also if an alternative that comes last has no room. */
START_TEST(the_number_of_texts_is_bounded)
	{
		struct regex_literals *literals;
		char regex[8 * REGEX_LITERALS_FOUND] = "";

		for (int i = 0; i < REGEX_LITERALS_FOUND + 1; i++)
			strcat(regex, ".abcd");
		literals = find(regex);
		ck_assert_uint_eq(literals->count, REGEX_LITERALS_FOUND);
		free(literals);
		strcat(regex, "(?:efgh|ijkl)");
		literals = find(regex);
		ck_assert_uint_eq(literals->count, REGEX_LITERALS_FOUND);
		ck_assert_uint_eq(literals->at[REGEX_LITERALS_FOUND - 1].together, 1);
		free(literals);
	}
END_TEST

/* Deeply nested groups, which PCRE2 would refuse. */
START_TEST(no_depth_is_too_much)
	{
		char regex[1024];

		memset(regex, '(', sizeof(regex));
		memcpy(regex + sizeof(regex) - 4, "abc", 4);
		ck_assert_ptr_null(find(regex));
	}
END_TEST

START_TEST(a_set_is_as_good_as_its_shortest_text)
	{
		struct regex_literals *literals = find("abcde|fgh|ijkl");

		ck_assert_uint_eq(regex_literal_shortest(&literals->at[0]), 3);
		ck_assert_uint_eq(regex_literal_shortest(&literals->at[2]), 4);
		ck_assert_uint_eq(regex_literals_largest(literals), 3);
		ck_assert_uint_eq(regex_literals_largest(NULL), 0);
		free(literals);
	}
END_TEST

/* ---- any regex ---------------------------------------------------------------------- */

/* A reproducible random number generator (Marsaglia's xorshift64). */
static uint64_t state;
static unsigned roll(unsigned sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % sides;
}

static const char *pick(const char *const *texts, size_t count)
{
	return texts[roll((unsigned)count)];
}

/* Append a random regex in JavaScript's dialect, which is likely to match a run of "abc". */
static void add_regex(struct strbuf *out, unsigned depth)
{
	static const char *const atoms[] = { "abc", "bca", "cab", "ABC", "a", "b", ".", "[abc]",
		"[^c]", "\\w", "\\b", "\\x61bc", "\\u0062ca", "c\\u0061", "[]", "[^]", "\\1", "^",
		"$", "\xc3\xa4", "\\.", "-" };
	static const char *const counts[] = { "", "", "", "", "", "*", "+", "?", "{2}", "{0}",
		"{0,2}", "{1,}", "*?", "??" };
	static const char *const groups[] = { "(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?<n>" };
	const unsigned parts = 1 + roll(4);

	for (unsigned i = 0; i < parts; i++) {
		if (depth < 3 && roll(3) == 0) {
			strbuf_add_str(out, pick(groups, COUNT(groups)));
			add_regex(out, depth + 1);
			strbuf_add_char(out, ')');
		} else {
			strbuf_add_str(out, pick(atoms, COUNT(atoms)));
		}
		strbuf_add_str(out, pick(counts, COUNT(counts)));
		if (roll(8) == 0)
			strbuf_add_char(out, '|');
	}
}

static void make_subject(struct strbuf *out)
{
	static const char *const parts[] = { "abc", "abc", "bca", "cab", "a", "b", "c", "A", ".",
		"-", "\xe2\x84\xaa", "\xff" };
	const unsigned count = roll(6);

	strbuf_reset(out);
	for (unsigned i = 0; i < count; i++)
		strbuf_add_str(out, pick(parts, COUNT(parts)));
	strbuf_add_str(out, "");
}

/* Return whether a subject contains one of a set of literals. */
static bool contains(const struct regex_subject *subject, const struct regex_literal *first)
{
	for (size_t i = 0; i < first->together; i++) {
		if (memmem(subject->text, subject->len, first[i].text, first[i].len) != NULL)
			return true;
	}
	return false;
}

/* Return whether PCRE2 alone finds a regex in a subject. */
static bool is_match(const pcre2_code *code, const struct regex_subject *subject)
{
	static pcre2_match_data *found;

	if (found == NULL)
		found = pcre2_match_data_create(1, NULL);
	return pcre2_match(code, (PCRE2_SPTR)subject->text, subject->len, 0, PCRE2_NO_UTF_CHECK,
		       found, NULL) >= 0;
}

/* Check a subject that a regex matches. */
static void check_subject(const char *regex, const struct regex_subject *subject,
	const struct regex_literals *literals, struct regex_marks required)
{
	struct regex_marks marks = { 0 };

	for (size_t k = 0; literals != NULL && k < literals->count; k += literals->at[k].together)
		ck_assert_msg(contains(subject, &literals->at[k]),
			"/%s/ matches \"%s\" without \"%.*s\"", regex, subject->text,
			(int)literals->at[k].len, literals->at[k].text);
	regex_marks_add(&marks, subject->text, subject->len);
	ck_assert_msg(regex_marks_contain(marks, required), "/%s/ matches \"%s\"", regex,
		subject->text);
}

/* Check what one regex requires against some subjects. Returns how many of them it matched. */
static unsigned check_regex(const char *regex)
{
	const struct regex_mode mode = { 0 };
	struct regex_forms forms = REGEX_FORMS_INIT;
	struct strbuf text = STRBUF_INIT, folded = STRBUF_INIT;
	struct regex_literals *literals = NULL;
	struct regex_marks required;
	struct regex_subject subject;
	pcre2_code *code = NULL;
	unsigned matched = 0;

	ck_assert_int_eq(regex_forms_make(&forms, regex, strlen(regex), mode, UINT64_MAX), 0);
	if (regex_compile(&forms, regex, strlen(regex), mode, &code, NULL) == REGEX_COMPILED) {
		ck_assert_int_eq(regex_literals_find(forms.plain.text, &literals, &required), 0);
		for (int i = 0; i < 10; i++) {
			make_subject(&text);
			ck_assert_int_eq(regex_subject_fold(text.text, text.len, &folded, &subject),
				0);
			if (!is_match(code, &subject))
				continue;
			matched++;
			check_subject(regex, &subject, literals, required);
		}
	}
	pcre2_code_free(code);
	free(literals);
	regex_forms_free(&forms);
	strbuf_free(&text);
	strbuf_free(&folded);
	return matched;
}

START_TEST(no_match_lacks_what_the_regex_requires)
	{
		struct strbuf regex = STRBUF_INIT;
		unsigned matched = 0;

		state = 88172645463325252ULL + (uint64_t)_i * 977;
		for (unsigned i = 0; i < unit_times(4000); i++) {
			strbuf_reset(&regex);
			add_regex(&regex, 0);
			strbuf_add_str(&regex, "");
			matched += check_regex(regex.text);
		}
		ck_assert_uint_gt(matched, 10);
		strbuf_free(&regex);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_literal");
	TCase *tests = tcase_create("regex_literal");

	tcase_add_loop_test(tests, a_regex_requires_these_texts, 0, (int)COUNT(rows));
	tcase_add_loop_test(tests, a_regex_requires_these_marks, 0, (int)COUNT(marked));
	tcase_add_test(tests, the_number_of_texts_is_bounded);
	tcase_add_test(tests, no_depth_is_too_much);
	tcase_add_test(tests, a_set_is_as_good_as_its_shortest_text);
	tcase_add_loop_test(tests, no_match_lacks_what_the_regex_requires, 0, 3);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(make_suite)
