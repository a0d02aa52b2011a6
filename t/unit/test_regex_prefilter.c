/*
 * Shows which regexes take part in the prefilter,
 * and that it never misses a match.
 */
#include "lib/match/regex_prefilter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "lib/match/regex_plain.h"
#include "lib/match/regexlist.h"
#include "t/unit/unit.h"

#ifdef HAVE_HYPERSCAN
#include <dlfcn.h>
#include <hs.h>
#endif

static struct regex_budget no_budget;

#ifdef HAVE_HYPERSCAN
/* Hyperscan's function, which this program calls in its place, and counts. */
static unsigned scratches_prepared;

hs_error_t hs_alloc_scratch(const hs_database_t *db, hs_scratch_t **scratch)
{
	hs_error_t (*real)(const hs_database_t *, hs_scratch_t **);

	*(void **)&real = dlsym(RTLD_NEXT, "hs_alloc_scratch");
	scratches_prepared++;
	return real(db, scratch);
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
			ck_assert_msg(regex_is_plain(text[i], strlen(text[i])), "%s", text[i]);
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

/* Regexes that hyperscan does not read, or for too long, and one of which many have the text. */
START_TEST(regexes_of_any_syntax_and_cost_take_part_by_their_text)
	{
		static const char *const regexes[] = { "(?!x)spam.*", ".*\\sspam", "(a|b)\\1spam",
			"Ã¤?spam", "((((a{1,9}|b|c){1,20}z){1,20}){1,5})spam",
			"(?:a{1,99}b){1,99}spam" };
		enum { COUNT = sizeof(regexes) / sizeof(regexes[0]), ALIKE = 40 };
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct regexlist *list = regexlist_new(true);
		char text[32];
		struct errmsg why;
		uint32_t value = 0;

		for (uint32_t i = 0; i < COUNT + ALIKE; i++) {
			(void)snprintf(text, sizeof(text), "x%u.*ham", i);
			ck_assert_int_eq(regexlist_add(list, i < COUNT ? regexes[i] : text,
						 strlen(i < COUNT ? regexes[i] : text), i, NULL),
				REGEX_ADDED);
			if (regexlist_is_costly(list, &why))
				ck_assert_ptr_null(strstr(why.text, "every subject"));
		}
		ck_assert_int_eq(regexlist_finish(list, NULL, NULL), 0);
		for (size_t i = 0; i < COUNT + ALIKE; i++)
			ck_assert(!regexlist_is_excluded(list, i, &value));
		while (regexlist_prepare(list))
			;
		if (regex_prefilter_helps(COUNT))
			ck_assert_uint_eq(regexlist_untested(list), 0);
		ck_assert_int_eq(regexlist_match(list, scratch, "aaspam", 6, &value), REGEX_YES);
		ck_assert_uint_eq(value, 2);
		ck_assert_int_eq(regexlist_match(list, scratch, "x45 ham", 7, &value), REGEX_YES);
		ck_assert_uint_eq(value, 45);
		ck_assert_int_eq(regexlist_match(list, scratch, "y45 ham", 7, &value), REGEX_NO);
		regexlist_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

START_TEST(those_that_do_not_take_part_are_tried_always)
	{
		const char *const regexes[] = { "a", NULL, "b", "c", "a$b", "d", NULL };
		const struct regex_cost costs[7] = { { .positions = 1 } };
		bool takes_part[7] = { false };
		struct regex_prefilter *prefilter = regex_prefilter_new(true);
		struct regex_prefilter_scratch *scratch = regex_prefilter_scratch_new();
		uint64_t bits = 0;

		ck_assert_ptr_nonnull(scratch);
		ck_assert(!regex_prefilter_helps(0) && !regex_prefilter_helps(3));
		ck_assert_int_eq(regex_prefilter_helps(4), prefilter != NULL);
		if (prefilter != NULL) {
			ck_assert_uint_eq(regex_prefilter_add(prefilter, regexes, costs, 0, 7,
						  takes_part),
				7);
			ck_assert(takes_part[0] && takes_part[2] && takes_part[3] && takes_part[5]);
			ck_assert(!takes_part[1] && !takes_part[6]);
			ck_assert_int_eq(regex_prefilter_scan(prefilter, scratch, &no_budget, "B",
						 1, &bits),
				0);
			ck_assert_uint_eq(bits & ~(uint64_t)(1 << 4), 1 << 2);
			bits = 1 << 6; /* earlier bits stay */
			ck_assert_int_eq(regex_prefilter_scan(prefilter, scratch, &no_budget, "D",
						 1, &bits),
				0);
			ck_assert_uint_eq(bits & ~(uint64_t)(1 << 4), 1 << 5 | 1 << 6);
		}
		regex_prefilter_free(&prefilter);
		ck_assert_ptr_null(prefilter);
		regex_prefilter_free(&prefilter);
		regex_prefilter_scratch_free(&scratch);
		regex_prefilter_scratch_free(&scratch);
	}
END_TEST

/* Hyperscan does not read these; a regex of a list can be as strange to it. */
START_TEST(those_that_hyperscan_refuses_cost_the_others_nothing)
	{
		enum { COUNT = 60 };
		struct regex_prefilter *prefilter = regex_prefilter_new(true);
		const struct regex_cost costs[COUNT] = { { .positions = 1 } };
		const char *regexes[COUNT];
		bool takes_part[COUNT] = { false };

		for (size_t i = 0; i < COUNT; i++)
			regexes[i] = i % 2 == 0 ? "(a" : "b";
		if (prefilter != NULL)
			ck_assert_uint_eq(regex_prefilter_add(prefilter, regexes, costs, 0, COUNT,
						  takes_part),
				COUNT);
		for (size_t i = 0; prefilter != NULL && i < COUNT; i++)
			ck_assert_int_eq(takes_part[i], i % 2 == 1);
		regex_prefilter_free(&prefilter);
	}
END_TEST

/* One call compiles a bounded part of the regexes; all parts together find each of them. */
START_TEST(is_compiled_in_parts)
	{
		enum { COUNT = 10 };
		const char *const regexes[COUNT] = { "a", "b", "c", NULL, "d", "e", "f", "g", "h",
			"i" };
		const struct regex_cost most = { .positions = PREFILTER_POSITIONS_MAX };
		struct regex_cost costs[COUNT];
		bool takes_part[COUNT] = { false };
		struct regex_prefilter *prefilter = regex_prefilter_new(true);
		struct regex_prefilter_scratch *scratch = regex_prefilter_scratch_new();
		size_t at = 0, next, parts = 0;
		uint64_t bits;

		for (size_t i = 0; i < COUNT; i++)
			costs[i] = (struct regex_cost){ .positions = most.positions * 5 };
		for (; prefilter != NULL && at < COUNT; at = next, parts++) {
			next = regex_prefilter_add(prefilter, regexes, costs, at, COUNT,
				takes_part);
			ck_assert_uint_gt(next, at);
			ck_assert_uint_lt(next - at, 4);
		}
		for (size_t i = 0; prefilter != NULL && i < COUNT; i++) {
			bits = 0;
			ck_assert_int_eq(takes_part[i], regexes[i] != NULL);
			if (regexes[i] == NULL)
				continue;
			ck_assert_int_eq(regex_prefilter_scan(prefilter, scratch, &no_budget,
						 regexes[i], 1, &bits),
				0);
			ck_assert_uint_eq(bits, 1U << i);
		}
		ck_assert(prefilter == NULL || parts > 3);
		regex_prefilter_free(&prefilter);
		regex_prefilter_scratch_free(&scratch);
	}
END_TEST

#ifdef HAVE_HYPERSCAN
/* Each part is prepared once for a scratch, however many there are. */
START_TEST(a_scratch_remembers_all_parts)
	{
		enum { COUNT = 300 };
		static const char *regexes[COUNT];
		static struct regex_cost costs[COUNT];
		bool takes_part[COUNT] = { false };
		uint64_t bits[COUNT / 64 + 1] = { 0 };
		struct regex_prefilter *prefilter = regex_prefilter_new(true);
		struct regex_prefilter_scratch *scratch = regex_prefilter_scratch_new();

		for (size_t i = 0; i < COUNT; i++) {
			regexes[i] = "a";
			costs[i].edges = 1 << 20; /* so that each is a part by itself */
		}
		for (size_t at = 0; at < COUNT;)
			at = regex_prefilter_add(prefilter, regexes, costs, at, COUNT, takes_part);
		scratches_prepared = 0;
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(regex_prefilter_scan(prefilter, scratch, &no_budget, "a",
						 1, bits),
				0);
		ck_assert_uint_eq(scratches_prepared, COUNT);
		regex_prefilter_free(&prefilter);
		regex_prefilter_scratch_free(&scratch);
	}
END_TEST

static uint64_t fake_now;

static uint64_t fake_ns(void)
{
	return fake_now += REGEX_BUDGET_NS;
}

static uint64_t fake_used(void)
{
	return fake_now;
}

/* Regexes that are a part each. */
static struct regex_prefilter *make_parts(size_t count)
{
	const char *regexes[64];
	struct regex_cost costs[64];
	bool takes_part[64] = { false };
	struct regex_prefilter *prefilter = regex_prefilter_new(true);

	ck_assert_uint_le(count, 64);
	for (size_t i = 0; i < count; i++) {
		regexes[i] = "a";
		costs[i] = (struct regex_cost){ .edges = 1 << 20 };
	}
	for (size_t at = 0; at < count;)
		at = regex_prefilter_add(prefilter, regexes, costs, at, count, takes_part);
	return prefilter;
}

static uint64_t slow_ns(void)
{
	return fake_now += REGEX_BUDGET_NS / 50;
}

/* A scratch that is new to many parts is prepared by several decisions, which try all regexes
 * meanwhile, because none of them may spend its budget on that. */
START_TEST(preparing_a_scratch_leaves_a_budget)
	{
		enum { COUNT = 60 };
		static const struct regex_clock clock = { slow_ns, fake_used };
		struct regex_budget budget = { .clock = &clock };
		struct regex_prefilter *prefilter = make_parts(COUNT);
		struct regex_prefilter_scratch *scratch = regex_prefilter_scratch_new();
		unsigned decisions = 0, before;
		uint64_t bits = 0;
		int ret;

		scratches_prepared = 0;
		do {
			before = scratches_prepared;
			regex_budget_begin(&budget);
			ck_assert(!regex_budget_is_spent(&budget));
			ret = regex_prefilter_scan(prefilter, scratch, &budget, "a", 1, &bits);
			ck_assert(!regex_budget_is_spent(&budget));
			ck_assert_uint_gt(scratches_prepared, before);
			ck_assert_uint_le(scratches_prepared - before, COUNT / 4);
		} while (ret < 0 && ++decisions < COUNT);
		ck_assert_int_eq(ret, 0);
		ck_assert_uint_ge(decisions, 3);
		ck_assert_uint_eq(bits, (UINT64_C(1) << COUNT) - 1);
		ck_assert_uint_eq(scratches_prepared, COUNT);
		regex_prefilter_free(&prefilter);
		regex_prefilter_scratch_free(&scratch);
	}
END_TEST

/* A scan of many parts ends when the budget is spent. */
START_TEST(a_scan_keeps_to_the_budget)
	{
		static const struct regex_clock clock = { fake_ns, fake_used };
		uint64_t bits = 0;
		struct regex_budget budget = { .clock = &clock };
		struct regex_prefilter *prefilter = make_parts(30);
		struct regex_prefilter_scratch *scratch = regex_prefilter_scratch_new();

		ck_assert_int_eq(regex_prefilter_scan(prefilter, scratch, &no_budget, "a", 1,
					 &bits),
			0);
		regex_budget_begin(&budget);
		ck_assert_int_eq(regex_prefilter_scan(prefilter, scratch, &budget, "a", 1, &bits),
			-1);
		ck_assert(regex_budget_is_spent(&budget));
		regex_prefilter_free(&prefilter);
		regex_prefilter_scratch_free(&scratch);
	}
END_TEST
#endif

#ifdef HAVE_HYPERSCAN
/* Hyperscan's function, which this program calls in its place, and counts. While has_no_memory is
 * set, it fails as hyperscan does when memory runs out: the error names the first regex. */
static unsigned compiled;
static bool has_no_memory;

hs_error_t hs_compile_multi(const char *const *regexes, const unsigned *flags, const unsigned *ids,
	unsigned count, unsigned mode, const hs_platform_info_t *platform, hs_database_t **db,
	hs_compile_error_t **error)
{
	hs_error_t (*real)(const char *const *, const unsigned *, const unsigned *, unsigned,
		unsigned, const hs_platform_info_t *, hs_database_t **, hs_compile_error_t **);

	compiled++;
	*(void **)&real = dlsym(RTLD_NEXT, "hs_compile_multi");
	if (!has_no_memory)
		return real(regexes, flags, ids, count, mode, platform, db, error);
	*error = malloc(sizeof(**error));
	(*error)->message = strdup("Unable to allocate memory.");
	(*error)->expression = 0;
	return HS_COMPILER_ERROR;
}

/* All the work has been done by then, and must not be repeated without the first regex. */
START_TEST(a_lack_of_memory_is_no_fault_of_a_regex)
	{
		static const char *const regexes[] = { "abc.*", "abd.*", "abe.*", "abf.*" };
		struct regex_cost costs[4] = { { 0 } };
		bool takes_part[4] = { false };
		struct regex_prefilter *prefilter = regex_prefilter_new(true);

		compiled = 0;
		has_no_memory = true;
		ck_assert_uint_eq(regex_prefilter_add(prefilter, regexes, costs, 0, 4, takes_part),
			4);
		has_no_memory = false;
		ck_assert_uint_eq(compiled, 1);
		for (int i = 0; i < 4; i++)
			ck_assert(!takes_part[i]);
		regex_prefilter_free(&prefilter);
	}
END_TEST
#endif

/* Hyperscan finds a regex by its text. The work for regexes without any grows faster than their
 * number: 60 like the first row took it more than 15 seconds in one call. */
static const struct {
	const char *regex;
	size_t at_once;
} texts[] = {
	{ "[ab].*[cd].*", 8 },
	{ ".*[ab].{7,}[cd]", 8 },
	{ "[ab].{0,8}[cd].{0,8}", 8 },
	{ "(abc)*d{100}", 8 },
	{ "abc*|.*def", 8 },
	{ "[ab].*[cd].*abc", 20 },
	{ ".*[0-9]+\\.a\\.", 20 },
	{ "[ab][cd]", 20 },
};

START_TEST(regexes_without_text_are_compiled_in_small_parts)
	{
		enum { COUNT = 20 };
		const char *regexes[COUNT];
		struct regex_cost costs[COUNT] = { { 0 } };
		bool takes_part[COUNT] = { false };
		struct regex_prefilter *prefilter = regex_prefilter_new(true);

		for (size_t i = 0; i < COUNT; i++)
			regexes[i] = texts[_i].regex;
		if (prefilter != NULL)
			ck_assert_uint_eq(regex_prefilter_add(prefilter, regexes, costs, 0, COUNT,
						  takes_part),
				texts[_i].at_once);
		regex_prefilter_free(&prefilter);
	}
END_TEST

/* The bound is known before anything is compiled. */
START_TEST(bears_a_bounded_size)
	{
		const struct {
			struct regex_cost cost;
			bool want;
			uint64_t load;
		} costs[] = {
			{ { .bytes = REGEX_COST_MAX }, true, 0 },
			{ { .positions = PREFILTER_POSITIONS_MAX }, true, 0 },
			{ { .positions = PREFILTER_POSITIONS_MAX + 1 }, false, 0 },
			{ { .repeated = 16 }, true, 0 },
			{ { .repeated = 17 }, true, 17 },
			{ { .repeated = PREFILTER_REPEATED_MAX }, true, PREFILTER_REPEATED_MAX },
			{ { .repeated = PREFILTER_REPEATED_MAX + 1 }, false,
				PREFILTER_REPEATED_MAX + 1 },
			{ { .edges = PREFILTER_EDGES_MAX }, true, 0 },
			{ { .edges = PREFILTER_EDGES_MAX + 1 }, false, 0 },
		};

		for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
			ck_assert_int_eq(regex_prefilter_bears(&costs[i].cost), costs[i].want);
			ck_assert_uint_eq(regex_prefilter_load(&costs[i].cost), costs[i].load);
		}
	}
END_TEST

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
	tcase_add_test(tcase, regexes_of_any_syntax_and_cost_take_part_by_their_text);
	tcase_add_test(tcase, those_that_do_not_take_part_are_tried_always);
	tcase_add_test(tcase, those_that_hyperscan_refuses_cost_the_others_nothing);
	tcase_add_test(tcase, is_compiled_in_parts);
#ifdef HAVE_HYPERSCAN
	tcase_add_test(tcase, a_scratch_remembers_all_parts);
	tcase_add_test(tcase, preparing_a_scratch_leaves_a_budget);
	tcase_add_test(tcase, a_scan_keeps_to_the_budget);
	tcase_add_test(tcase, a_lack_of_memory_is_no_fault_of_a_regex);
#endif
	tcase_add_loop_test(tcase, regexes_without_text_are_compiled_in_small_parts, 0,
		sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, bears_a_bounded_size);
	tcase_add_test(tcase, a_scratch_serves_any_number_of_lists);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
