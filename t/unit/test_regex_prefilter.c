/*
 * Shows which regexes a prefilter selects, that it never misses a match,
 * and how it is prepared.
 */
#include "lib/match/regex_prefilter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "lib/match/regexlist.h"
#include "t/unit/unit.h"

#ifdef HAVE_HYPERSCAN
#include <dlfcn.h>
#include <hs.h>
#endif

#ifdef HAVE_HYPERSCAN
/* Hyperscan's functions, which this program calls in their place, and counts. */
static unsigned scratches_prepared, compiled;
static uint64_t fake_now;
static bool has_no_memory;

hs_error_t hs_alloc_scratch(const hs_database_t *db, hs_scratch_t **scratch)
{
	hs_error_t (*real)(const hs_database_t *, hs_scratch_t **);

	*(void **)&real = dlsym(RTLD_NEXT, "hs_alloc_scratch");
	scratches_prepared++;
	fake_now += 100 * REGEX_BUDGET_NS;
	return real(db, scratch);
}

hs_error_t hs_compile_lit_multi(const char *const *texts, const unsigned *flags,
	const unsigned *ids, const size_t *lens, unsigned count, unsigned mode,
	const hs_platform_info_t *platform, hs_database_t **db, hs_compile_error_t **error)
{
	hs_error_t (*real)(const char *const *, const unsigned *, const unsigned *, const size_t *,
		unsigned, unsigned, const hs_platform_info_t *, hs_database_t **,
		hs_compile_error_t **);

	compiled++;
	*(void **)&real = dlsym(RTLD_NEXT, "hs_compile_lit_multi");
	if (!has_no_memory)
		return real(texts, flags, ids, lens, count, mode, platform, db, error);
	*error = malloc(sizeof(**error));
	(*error)->message = strdup("Unable to allocate memory.");
	(*error)->expression = -1;
	return HS_COMPILER_ERROR;
}
#endif

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
	static const char *const atoms[] = { "abc", "bca", "aab", "a", "b", "c", ".", "[ab]",
		"[^a]", "\\.", "\\w", "\\d", "\\D", "\\W", "(?:a|bc)", "(b|a.)", "[\\w.]", "(?:ab)",
		"@", "-", "[.-]", "A", "[b-z]", "(?:|a)", "[^\\d@]" };
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
			each[i] = regexlist_new(_i % 2);
			ck_assert_int_eq(regexlist_add(each[i], text[i], strlen(text[i]), i, NULL),
				0);
			ck_assert_int_eq(regexlist_finish(each[i], NULL, NULL), 0);
			ck_assert_int_eq(regexlist_add(all, text[i], strlen(text[i]), i, NULL), 0);
		}
		ck_assert_int_eq(regexlist_finish(all, NULL, NULL), 0);
		while (regexlist_prepare(all))
			;
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
			regexlist_unref(&each[i]);
		regexlist_unref(&all);
		regex_scratch_free(&scratch);
	}
END_TEST

/* Make a list of anchored regexes, and prepare it. */
static struct regexlist *list_of(const char *const *regexes, size_t count)
{
	struct regexlist *list = regexlist_new(true);

	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(regexlist_add(list, regexes[i], strlen(regexes[i]), (uint32_t)i,
					 NULL),
			REGEX_ADDED);
	ck_assert_int_eq(regexlist_finish(list, NULL, NULL), 0);
	while (regexlist_prepare(list))
		;
	return list;
}

/* Return the number of the first regex that matches, or -1. */
static int match(const struct regexlist *list, struct regex_scratch *scratch, const char *subject)
{
	uint32_t value = 0;
	const enum regex_result result =
		regexlist_match(list, scratch, subject, strlen(subject), &value);

	ck_assert_int_ne(result, REGEX_FAILED);
	return result == REGEX_YES ? (int)value : -1;
}

/* Whatever its syntax and its cost, a regex that requires a text is found by it. */
START_TEST(regexes_without_a_text_are_tried_always)
	{
		static const char *const regexes[] = { "(?!x)spam.*", ".*\\sspam", "(a|b)\\1spam",
			"\xc3\xa4?spam", "((((a{1,9}|b|c){1,20}z){1,20}){1,5})spam",
			"(?:a{1,99}b){1,99}spam", ".*ham", "y.*ham", "(?:news|promo)-\\d+",
			"[ab][cd]", "(?:news|ad)s", ".*-\\w" };
		enum { COUNT = sizeof(regexes) / sizeof(regexes[0]), WITHOUT = 3 };
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct regexlist *list = list_of(regexes, COUNT), *few = list_of(regexes, 3);

		ck_assert_uint_eq(regexlist_untested(list),
			regex_prefilter_helps(COUNT) ? WITHOUT : COUNT);
		ck_assert_uint_eq(regexlist_untested(few), 3);
		ck_assert_int_eq(match(list, scratch, "AASPAM"), 2);
		ck_assert_int_eq(match(list, scratch, "y-\xc3\xa4\xff-ham"), 6);
		ck_assert_int_eq(match(list, scratch, "promo-12"), 8);
		ck_assert_int_eq(match(list, scratch, "NEWS-1"), 8);
		ck_assert_int_eq(match(list, scratch, "promo-"), -1);
		ck_assert_int_eq(match(list, scratch, "bd"), 9);
		ck_assert_int_eq(match(list, scratch, "ads"), 10);
		ck_assert_int_eq(match(list, scratch, "x-y"), 11);
		ck_assert_int_eq(match(few, scratch, "bbspam"), 2);
		regexlist_unref(&list);
		regexlist_unref(&few);
		regex_scratch_free(&scratch);
	}
END_TEST

#ifdef HAVE_HYPERSCAN
/* All texts are found, however many there are. */
START_TEST(many_texts_are_prepared_in_steps)
	{
		const unsigned count = (unsigned)unit_times_or(10001, 50);
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct regexlist *list = regexlist_new(true);
		char text[32];

		compiled = scratches_prepared = 0;
		for (unsigned i = 0; i < count; i++) {
			(void)snprintf(text, sizeof(text), "[xy]%05u", i);
			ck_assert_int_eq(regexlist_add(list, text, strlen(text), i, NULL),
				REGEX_ADDED);
		}
		ck_assert_int_eq(regexlist_finish(list, NULL, NULL), 0);
		while (regexlist_prepare(list))
			;
		ck_assert_uint_eq(regexlist_untested(list), 0);
		for (unsigned i = 0; i < count; i += 10) {
			(void)snprintf(text, sizeof(text), "y%05u", i);
			ck_assert_int_eq(match(list, scratch, text), (int)i);
		}
		ck_assert_int_eq(match(list, scratch, "z00001"), -1);
		ck_assert_uint_eq(compiled, count / 10000 + 1);
		ck_assert_uint_eq(scratches_prepared, compiled);
		regexlist_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

static const char *const four[] = { "spam.*", "ham.*", "tofu", "(?:rice|bean)" };

/* Every regex is tried then. */
START_TEST(a_list_does_without_a_prefilter_when_out_of_memory)
	{
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct regexlist *list;

		has_no_memory = true;
		list = list_of(four, 4);
		has_no_memory = false;
		ck_assert(regexlist_is_prepared(list));
		ck_assert_uint_eq(regexlist_untested(list), 4);
		ck_assert_int_eq(match(list, scratch, "bean"), 3);
		regexlist_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

static uint64_t fake_ns(void)
{
	return fake_now;
}

/* The first scan with a scratch prepares it, which may take longer than a decision may. */
START_TEST(preparing_a_scratch_is_not_charged_to_regexes)
	{
		static const struct regex_clock clock = { fake_ns, fake_ns };
		struct regex_scratch *scratch = regex_scratch_new(&clock);
		struct regexlist *first = list_of(four, 4), *second = list_of(four, 4);

		scratches_prepared = 0;
		for (int i = 0; i < 2; i++) {
			ck_assert_int_eq(match(first, scratch, "ham-rice"), 1);
			ck_assert_int_eq(match(second, scratch, "rice"), 3);
		}
		ck_assert_uint_eq(scratches_prepared, 2);
		regexlist_unref(&first);
		regexlist_unref(&second);
		regex_scratch_free(&scratch);
	}
END_TEST
#endif

/* More lists than a scratch remembers, searched in turn with one scratch. */
START_TEST(a_scratch_serves_any_number_of_lists)
	{
		enum { LISTS = 260 }; /* a scratch remembers 256 */
		static struct regexlist *lists[LISTS];
		/* hyperscan compiles each; to forget one takes the same path as to see a new one.
		 */
		const int count = (int)unit_times_or(LISTS, 8);
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		char regex[32], subject[32];
		uint32_t value;
		int i, k, round;

		for (i = 0; i < count; i++) {
			lists[i] = regexlist_new(true);
			for (k = 0; k < 4; k++) {
				(void)snprintf(regex, sizeof(regex), "x%d-%d.*", i, k);
				ck_assert_int_eq(regexlist_add(lists[i], regex, strlen(regex),
							 (uint32_t)k, NULL),
					0);
			}
			ck_assert_int_eq(regexlist_finish(lists[i], NULL, NULL), 0);
			while (regexlist_prepare(lists[i]))
				;
		}
		for (round = 0; round < 3; round++) {
			for (i = 0; i < count; i++) {
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
		for (i = 0; i < count; i++)
			regexlist_unref(&lists[i]);
		regex_scratch_free(&scratch);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_prefilter");
	TCase *tcase = tcase_create("regex_prefilter");

	tcase_add_loop_test(tcase, never_hides_a_match, 0, (int)unit_times(10));
	tcase_add_test(tcase, regexes_without_a_text_are_tried_always);
	tcase_add_test(tcase, a_scratch_serves_any_number_of_lists);
#ifdef HAVE_HYPERSCAN
	tcase_add_test(tcase, many_texts_are_prepared_in_steps);
	tcase_add_test(tcase, a_list_does_without_a_prefilter_when_out_of_memory);
	tcase_add_test(tcase, preparing_a_scratch_is_not_charged_to_regexes);
#endif
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
