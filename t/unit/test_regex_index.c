/*
 * Shows which literals are chosen for the regexes of a list,
 * and which regexes they select.
 */
#include "lib/match/regex_index.h"

#include <stdlib.h>
#include <string.h>

#include "t/unit/unit.h"

#define REGEXES_MAX 8

static struct regex_literals *literals[REGEXES_MAX];

static struct regex_index *index_of(const char *const *regexes, size_t count)
{
	struct regex_marks marks;

	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(regex_literals_find(regexes[i], &literals[i], &marks), 0);
	return regex_index_new((const struct regex_literals *const *)literals, count);
}

static void teardown(void)
{
	for (size_t i = 0; i < REGEXES_MAX; i++) {
		free(literals[i]);
		literals[i] = NULL;
	}
}

/* Return the bits of the regexes that a text selects. */
static uint64_t selected(const struct regex_index *index, const char *text)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < index->literal_count; i++) {
		if (index->literals[i]->len == strlen(text) &&
			memcmp(index->literals[i]->text, text, strlen(text)) == 0)
			regex_index_select(index, i, &bits);
	}
	return bits;
}

/* By the rarest text or set, and of those, the longest. */
static const struct {
	const char *const regexes[REGEXES_MAX];
	size_t count;
	uint64_t always;
	const struct {
		const char *text;
		uint64_t regexes;
	} selects[REGEXES_MAX];
} rows[] = {
	{ { ".*spam.*example\\.com", ".*ham.*example\\.com", "ab", "example\\.com", "a|b",
		  ".*tofu.*tempeh" },
		6, 1 << 2 | 1 << 4,
		{ { "spam", 1 << 0 }, { "ham", 1 << 1 }, { "example.", 1 << 3 }, { "com", 0 },
			{ "tempeh", 1 << 5 }, { "tofu", 0 } } },
	{ { "(?:news|promo)@spam", "news@ham", "(?:news|tofu)-egg", "(?:rice|bean)" }, 4, 0,
		{ { "@spam", 1 << 0 }, { "news@ham", 1 << 1 }, { "-egg", 1 << 2 }, { "news", 0 },
			{ "promo", 0 }, { "rice", 1 << 3 }, { "bean", 1 << 3 } } },
	{ { "(?:news|promo)@", "(?:news|offer)@" }, 2, 0,
		{ { "news", 1 << 0 | 1 << 1 }, { "promo", 1 << 0 }, { "offer", 1 << 1 } } },
	/* Two rare texts are better than one that three regexes require. */
	{ { "example\\.com", "example\\.com", "(?:rice|bean).*example\\.com" }, 3, 0,
		{ { "rice", 1 << 2 }, { "bean", 1 << 2 }, { "example.", 1 << 0 | 1 << 1 } } },
	{ { "a", "", "b+" }, 3, 7, { { "a", 0 } } },
	{ { NULL }, 0, 0, { { "", 0 } } },
};

START_TEST(the_rarest_texts_are_chosen)
	{
		struct regex_index *index = index_of(rows[_i].regexes, rows[_i].count);
		size_t untested = 0;

		ck_assert_ptr_nonnull(index);
		for (size_t i = 0; i < rows[_i].count; i++)
			untested += rows[_i].always >> i & 1U;
		ck_assert_uint_eq(index->untested, untested);
		ck_assert_uint_eq(index->words, rows[_i].count > 0);
		if (index->words > 0)
			ck_assert_uint_eq(index->always[0], rows[_i].always);
		for (size_t i = 0; i < REGEXES_MAX && rows[_i].selects[i].text != NULL; i++)
			ck_assert_msg(selected(index, rows[_i].selects[i].text) ==
					rows[_i].selects[i].regexes,
				"%s", rows[_i].selects[i].text);
		ck_assert_uint_gt(regex_index_bytes(index), sizeof(*index));
		regex_index_drop_literals(index);
		regex_index_free(&index);
		ck_assert_ptr_null(index);
		regex_index_free(&index);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_index");
	TCase *tests = tcase_create("regex_index");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_loop_test(tests, the_rarest_texts_are_chosen, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(make_suite)
