/*
 * Shows that a regex that several lists share is compiled once, what makes it fast, and how pools
 * find it by its text.
 */
#include "lib/match/regex_shared.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

static struct shared_regex *make(const char *text, bool anchored)
{
	struct shared_regex *regex = NULL;
	struct errmsg err = { "" };
	uint64_t bytes;

	ck_assert_msg(shared_regex_new(text, strlen(text), anchored, &regex, &bytes, &err) ==
			REGEX_ADDED,
		"%s", err.text);
	ck_assert_uint_gt(bytes, 0);
	return regex;
}

static const struct {
	const char *text;
	bool has_lines, has_literals;
} kinds[] = {
	{ "news@example", false, true },
	{ ".*@example\\.com", true, true },
	{ "[ab][cd]", false, false },
	{ "(a|b)+.", true, false },
	{ "(?=a)abcdef", false, true },
	{ "(abc|def)", false, true },
};
START_TEST(a_regex_knows_what_can_find_it)
	{
		struct shared_regex *regex = make(kinds[_i].text, true);

		ck_assert_str_eq(regex->text, kinds[_i].text);
		ck_assert_uint_eq(regex->len, strlen(kinds[_i].text));
		ck_assert_int_eq(regex->has_lines, kinds[_i].has_lines);
		ck_assert_int_eq(regex->literals != NULL, kinds[_i].has_literals);
		shared_regex_unref(&regex);
		ck_assert_ptr_null(regex);
	}
END_TEST

static const char *const refused[] = { "(", "a++", "[b-a]", "*a", "(?<n>a)(?<n>b)" };
START_TEST(a_refused_regex_gives_the_reason_and_its_cost)
	{
		struct shared_regex *regex = NULL;
		struct errmsg err = { "" };
		uint64_t bytes = 0;

		ck_assert_int_eq(shared_regex_new(refused[_i], strlen(refused[_i]), true, &regex,
					 &bytes, &err),
			REGEX_REFUSED);
		ck_assert_ptr_null(regex);
		ck_assert_str_ne(err.text, "");
		ck_assert_uint_gt(bytes, 0);
	}
END_TEST

START_TEST(machine_code_is_made_once_and_needs_memory)
	{
		struct shared_regex *regex = make("(news|promo)-[a-z]+@example\\.com", true);
		const size_t before = shared_regex_bytes(regex);
		const pcre2_code *fast;

		ck_assert(!shared_regex_is_fast(regex));
		shared_regex_speed_up(regex);
		ck_assert(shared_regex_is_fast(regex));
		ck_assert_uint_gt(shared_regex_bytes(regex), before);
		fast = regex->fast;
		shared_regex_speed_up(regex);
		ck_assert_ptr_eq(regex->fast, fast);
		shared_regex_unref(&regex);
	}
END_TEST

/* Append a part count times, as far as it fits. */
static void repeat(char *text, size_t size, const char *part, int count)
{
	const size_t len = strlen(text);

	for (int i = 0; i < count && len + (size_t)(i + 1) * strlen(part) < size; i++)
		(void)strcat(text, part);
}

/* Lookarounds do not exceed the 30 bytes of machine code for each counted byte that other regexes
 * take at most. */
static const struct {
	const char *open;
	int levels;
	const char *inner;
	int count;
} nested[] = {
	{ "(?!^", 245, "()", 490 },
	{ "(?!^", 90, "()", 90 },
	{ "(?=", 60, "(a)", 60 },
	{ "(?<!", 30, "(a)", 40 },
	{ "(?!(a)", 50, "(b|c)", 20 },
	{ "(?=(a))(?:", 40, "(?=(a))", 30 },
	{ "(?=", 3, "(?:(a)(b)){20}", 5 },
	{ "(?:", 100, "(a)?", 100 },
	{ "(", 200, "^", 2000 },
};
START_TEST(machine_code_is_in_proportion_to_the_cost)
	{
		char text[4097] = "";
		struct shared_regex *regex;
		size_t before;

		repeat(text, sizeof(text), nested[_i].open, nested[_i].levels);
		repeat(text, sizeof(text), nested[_i].inner, nested[_i].count);
		repeat(text, sizeof(text), ")", nested[_i].levels);
		regex = make(text, true);
		before = shared_regex_bytes(regex);
		shared_regex_speed_up(regex);
		ck_assert_msg(shared_regex_bytes(regex) - before <= 30 * regex->cost,
			"%zu bytes for a cost of %llu", shared_regex_bytes(regex) - before,
			(unsigned long long)regex->cost);
		shared_regex_unref(&regex);
	}
END_TEST

START_TEST(the_form_for_lines_is_made_when_it_is_needed)
	{
		struct shared_regex *regex = make("a.b", true);
		const pcre2_code *lines;

		ck_assert_ptr_null(regex->lines);
		lines = shared_regex_lines(regex);
		ck_assert_ptr_nonnull(lines);
		ck_assert_ptr_eq(shared_regex_lines(regex), lines);
		ck_assert_ptr_ne(lines, regex->code);
		shared_regex_unref(&regex);
	}
END_TEST

START_TEST(a_pool_finds_a_regex_by_its_text_and_keeps_it)
	{
		struct regex_pool *pool = regex_pool_new();
		char text[32];

		ck_assert_ptr_nonnull(pool);
		for (int i = 0; i < 200; i++) { /* more than a pool has room for at first */
			struct shared_regex *regex;

			(void)snprintf(text, sizeof(text), "a%d", i);
			ck_assert_ptr_null(regex_pool_find(pool, text, strlen(text), true));
			regex = make(text, true);
			ck_assert_int_eq(regex_pool_keep(pool, regex), 0);
			shared_regex_unref(&regex); /* the pool's reference remains */
		}
		for (int i = 0; i < 200; i++) {
			const struct shared_regex *found;

			(void)snprintf(text, sizeof(text), "a%d", i);
			found = regex_pool_find(pool, text, strlen(text), true);
			ck_assert_ptr_nonnull(found);
			ck_assert_str_eq(found->text, text);
			ck_assert_uint_eq(found->refs, 1);
		}
		regex_pool_free(&pool);
		ck_assert_ptr_null(pool);
		regex_pool_free(&pool);
	}
END_TEST

START_TEST(a_pool_distinguishes_regexes_that_match_anywhere)
	{
		struct regex_pool *pool = regex_pool_new();
		struct shared_regex *regex = make("abc", true), *twin = make("abc", true);

		ck_assert_ptr_nonnull(pool);
		ck_assert_int_eq(regex_pool_keep(pool, regex), 0);
		ck_assert_ptr_null(regex_pool_find(pool, "abc", 3, false));
		ck_assert_ptr_null(regex_pool_find(pool, "ab", 2, true));
		ck_assert_int_eq(regex_pool_keep(pool, twin), 0); /* the first one stays */
		ck_assert_ptr_eq(regex_pool_find(pool, "abc", 3, true), regex);
		ck_assert_uint_eq(twin->refs, 1);
		ck_assert_uint_eq(regex->refs, 2);
		shared_regex_unref(&regex);
		shared_regex_unref(&twin);
		regex_pool_free(&pool);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_shared");
	TCase *tcase = tcase_create("regex_shared");

	tcase_add_loop_test(tcase, a_regex_knows_what_can_find_it, 0, ROWS(kinds));
	tcase_add_loop_test(tcase, a_refused_regex_gives_the_reason_and_its_cost, 0, ROWS(refused));
	tcase_add_test(tcase, machine_code_is_made_once_and_needs_memory);
	tcase_add_loop_test(tcase, machine_code_is_in_proportion_to_the_cost, 0, ROWS(nested));
	tcase_add_test(tcase, the_form_for_lines_is_made_when_it_is_needed);
	tcase_add_test(tcase, a_pool_finds_a_regex_by_its_text_and_keeps_it);
	tcase_add_test(tcase, a_pool_distinguishes_regexes_that_match_anywhere);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
