/*
 * Shows which regexes take part in the prefilter,
 * and that it never misses a match.
 */
#include "lib/match/regex_prefilter.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "lib/match/regexlist.h"
#include "t/unit/unit.h"

/* The plain syntax, which PCRE2 and hyperscan read alike. */
static const struct {
	const char *regex;
	bool want;
} syntax[] = {
	{ "", true },
	{ "abc@example.com", true },
	{ ".*\\.example\\.com", true },
	{ "^a$", true },
	{ "(a|b)(?:c|d)", true },
	{ "a*b+c?d*?e+?f??", true },
	{ "a{2}b{2,}c{2,3}d{2,3}?", true },
	{ "[a-z0-9._-]+", true },
	{ "[^a-z]", true },
	{ "[\\w.]", true },
	{ "[a\\]b]", true },
	{ "\\d\\w\\D\\W\\.\\@\\-", true },
	{ "]", true },
	{ "}", true },
	/* Syntax that the two may read differently, or that has effects beyond a match. */
	{ "\\s", false },
	{ "\\S", false },
	{ "\\bfoo", false },
	{ "(a)\\1", false },
	{ "\\x41", false },
	{ "\\u0041", false },
	{ "\\n", false },
	{ "a\\", false },
	{ "(?=a)", false },
	{ "(?!a)", false },
	{ "(?<=a)b", false },
	{ "(?<n>a)", false },
	{ "(?i)a", false },
	{ "(?", false },
	{ "(*ACCEPT)", false },
	{ "a++", false },
	{ "a*+", false },
	{ "a?+", false },
	{ "a{2}+", false },
	{ "a{1000}", false },
	{ "a{", false },
	{ "a{,3}", false },
	{ "a{x}", false },
	{ "a{2", false },
	{ "[]", false },
	{ "[]a]", false },
	{ "[^]", false },
	{ "[[]", false },
	{ "[[:alpha:]]", false },
	{ "[a", false },
	{ "[a\\", false },
	{ "[\\s]", false },
	{ "b\xc3\xbc"
	  "cher",
		false },
	{ "[\xc3\xbc]", false },
	{ "a\tb", false },
};
START_TEST(plain_syntax_takes_part)
	{
		ck_assert_int_eq(regex_prefilter_can(syntax[_i].regex, strlen(syntax[_i].regex)),
			syntax[_i].want);
	}
END_TEST

/* A reproducible random number generator (Marsaglia's xorshift64). */
static uint64_t state;
static unsigned roll(unsigned sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % sides;
}

/* Make a regex of a small alphabet, so that it is likely to match. */
static void make_regex(char *out, size_t size)
{
	static const char *const atoms[] = { "a", "b", "c", ".", "[ab]", "[^a]", "\\.", "\\w",
		"\\d", "\\D", "\\W", "(?:a|bc)", "(b|a.)", "[\\w.]", "(?:ab)", "@", "-", "[.-]",
		"A", "[b-z]", "(?:|a)", "[^\\d@]" };
	static const char *const counts[] = { "", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{0}",
		"{2,}", "*?", "+?", "??" };
	unsigned parts = 1 + roll(5), i;

	out[0] = '\0';
	if (roll(12) == 0)
		strcat(out, "^");
	for (i = 0; i < parts && strlen(out) + 40 < size; i++) {
		strcat(out, atoms[roll(sizeof(atoms) / sizeof(atoms[0]))]);
		strcat(out, counts[roll(sizeof(counts) / sizeof(counts[0]))]);
		if (roll(10) == 0)
			strcat(out, "|");
	}
	if (roll(12) == 0)
		strcat(out, "$");
}

static size_t make_subject(char *out)
{
	static const char alphabet[] = "aaabbbccABC..@-0\n";
	size_t len = roll(7), i;

	for (i = 0; i < len; i++)
		out[i] = alphabet[roll(sizeof(alphabet) - 1)];
	return len;
}

#define REGEXES 40
#define SUBJECTS 40

/*
 * Forty random regexes and forty random subjects: the prefilter passes all that PCRE2 alone finds,
 * and a list of all of them finds the same one.
 */
START_TEST(never_hides_a_match)
	{
		struct regexlist *all = regexlist_new(_i % 2), *each[REGEXES];
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		char text[REGEXES][256], subject[8];
		uint32_t first, found, i;
		size_t len;
		unsigned n;

		state = 88172645463325252ULL + (uint64_t)_i * 977;
		for (i = 0; i < REGEXES; i++) {
			make_regex(text[i], sizeof(text[i]));
			ck_assert_msg(regex_prefilter_can(text[i], strlen(text[i])), "%s", text[i]);
			each[i] = regexlist_new(_i % 2);
			ck_assert_int_eq(regexlist_add(each[i], text[i], strlen(text[i]), i, NULL),
				0);
			ck_assert_int_eq(regexlist_finish(each[i], NULL), 0);
			ck_assert_int_eq(regexlist_add(all, text[i], strlen(text[i]), i, NULL), 0);
		}
		ck_assert_int_eq(regexlist_finish(all, NULL), 0);
		for (n = 0; n < SUBJECTS; n++) {
			len = make_subject(subject);
			for (i = 0; i < REGEXES; i++) {
				if (regexlist_match(each[i], scratch, subject, len, &first) ==
					REGEX_YES)
					break;
			}
			found = REGEXES;
			(void)regexlist_match(all, scratch, subject, len, &found);
			ck_assert_msg(found == i, "\"%.*s\": alone /%s/, together /%s/", (int)len,
				subject, i < REGEXES ? text[i] : "(none)",
				found < REGEXES ? text[found] : "(none)");
		}
		for (i = 0; i < REGEXES; i++)
			regexlist_free(&each[i]);
		regexlist_free(&all);
		regex_scratch_free(&scratch);
	}
END_TEST

START_TEST(those_that_do_not_take_part_are_tried_always)
	{
		const char *const regexes[] = { "a", NULL, "b", "c", "d", NULL };
		bool takes_part[6] = { true, false, true, true, true, false };
		struct regex_prefilter *prefilter =
			regex_prefilter_new(regexes, 6, true, takes_part);
		struct regex_prefilter_scratch *scratch = regex_prefilter_scratch_new();
		uint64_t bits = 0;

		ck_assert_ptr_nonnull(scratch);
		ck_assert(!takes_part[1] && !takes_part[5]);
		if (prefilter != NULL) {
			ck_assert(takes_part[0] && takes_part[2] && takes_part[3] && takes_part[4]);
			ck_assert_int_eq(regex_prefilter_scan(prefilter, scratch, "B", 1, &bits),
				0);
			ck_assert_uint_eq(bits, 1 << 2);
			bits = 1 << 5; /* earlier bits stay */
			ck_assert_int_eq(regex_prefilter_scan(prefilter, scratch, "D", 1, &bits),
				0);
			ck_assert_uint_eq(bits, 1 << 4 | 1 << 5);
		} else {
			ck_assert(!takes_part[0] &&
				!takes_part[2]); /* without hyperscan, none does */
		}
		regex_prefilter_free(&prefilter);
		ck_assert_ptr_null(prefilter);
		regex_prefilter_free(&prefilter);
		regex_prefilter_scratch_free(&scratch);
		regex_prefilter_scratch_free(&scratch);
	}
END_TEST

START_TEST(few_regexes_need_no_prefilter)
	{
		const char *const regexes[] = { "a", "b", "c" };
		bool takes_part[3] = { true, true, true };

		ck_assert_ptr_null(regex_prefilter_new(regexes, 3, true, takes_part));
		ck_assert(!takes_part[0] && !takes_part[1] && !takes_part[2]);
		ck_assert_ptr_null(regex_prefilter_new(regexes, 0, true, takes_part));
	}
END_TEST

/* More lists than a scratch remembers, searched in turn with one scratch. */
START_TEST(a_scratch_serves_any_number_of_lists)
	{
		enum { LISTS = 260 }; /* a scratch remembers 256 */
		static struct regexlist *lists[LISTS];
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		char regex[32], subject[32];
		uint32_t value;
		int i, k, round;

		for (i = 0; i < LISTS; i++) {
			lists[i] = regexlist_new(true);
			for (k = 0; k < 4; k++) {
				(void)snprintf(regex, sizeof(regex), "x%d-%d.*", i, k);
				ck_assert_int_eq(regexlist_add(lists[i], regex, strlen(regex),
							 (uint32_t)k, NULL),
					0);
			}
			ck_assert_int_eq(regexlist_finish(lists[i], NULL), 0);
		}
		for (round = 0; round < 3; round++) {
			for (i = 0; i < LISTS; i++) {
				(void)snprintf(subject, sizeof(subject), "x%d-%dyz", i, i % 4);
				ck_assert_int_eq(regexlist_match(lists[i], scratch, subject,
							 strlen(subject), &value),
					REGEX_YES);
				ck_assert_uint_eq(value, (uint32_t)i % 4);
				(void)snprintf(subject, sizeof(subject), "x%d-%dyz", i + 1, i % 4);
				ck_assert_int_eq(regexlist_match(lists[i], scratch, subject,
							 strlen(subject), &value),
					REGEX_NO);
			}
		}
		for (i = 0; i < LISTS; i++)
			regexlist_free(&lists[i]);
		regex_scratch_free(&scratch);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_prefilter");
	TCase *tcase = tcase_create("regex_prefilter");

	tcase_add_loop_test(tcase, plain_syntax_takes_part, 0, ROWS(syntax));
	tcase_add_loop_test(tcase, never_hides_a_match, 0, (int)unit_times(10));
	tcase_add_test(tcase, those_that_do_not_take_part_are_tried_always);
	tcase_add_test(tcase, few_regexes_need_no_prefilter);
	tcase_add_test(tcase, a_scratch_serves_any_number_of_lists);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
