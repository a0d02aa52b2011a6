/*
 * Shows that all problems are counted, the first
 * ones are kept, and notes are separate.
 */
#include "lib/base/problems.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

START_TEST(accepts_null)
	{
		struct problems *problems = NULL;

		problems_add(NULL, "%s", "nobody wants to know");
		problems_note(NULL, "%s", "nobody wants to know");
		problems_add_weighted(NULL, PROBLEM, 7, "nobody wants to know");
		problems_begin(NULL);
		problems_end(NULL, "list", "line");
		problems_free(&problems);
		ck_assert_ptr_null(problems);
	}
END_TEST

START_TEST(collects_in_order)
	{
		struct problems *problems = problems_new();

		ck_assert_ptr_nonnull(problems);
		ck_assert_uint_eq(problems_count(problems), 0);
		problems_add(problems, "%s:%d: bad", "file", 1);
		problems_add(problems, "%s:%d: worse", "file", 2);
		ck_assert_uint_eq(problems_count(problems), 2);
		ck_assert_uint_eq(problems_kept(problems), 2);
		ck_assert_str_eq(problems_text(problems, 0), "file:1: bad");
		ck_assert_str_eq(problems_text(problems, 1), "file:2: worse");
		problems_free(&problems);
		ck_assert_ptr_null(problems);
	}
END_TEST

START_TEST(keeps_notes_apart)
	{
		struct problems *problems = problems_new();

		problems_note(problems, "%d: odd", 1);
		problems_add(problems, "%d: bad", 2);
		problems_note(problems, "%d: odd", 3);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), 2);
		ck_assert_str_eq(problems_level_text(problems, PROBLEM_NOTE, 0), "1: odd");
		ck_assert_str_eq(problems_level_text(problems, PROBLEM_NOTE, 1), "3: odd");
		ck_assert_str_eq(problems_text(problems, 0), "2: bad");
		problems_free(&problems);
	}
END_TEST

START_TEST(a_summary_has_the_first_text_and_the_number_of_the_others)
	{
		struct problems *problems = problems_new();
		struct errmsg err;

		problems_add(problems, "f:1: bad");
		problems_summarize(problems, &err);
		ck_assert_str_eq(err.text, "f:1: bad");
		problems_add(problems, "f:2: bad");
		problems_summarize(problems, &err);
		ck_assert_str_eq(err.text, "f:1: bad; and 1 more error (see postern -n)");
		problems_add(problems, "f:3: bad");
		problems_summarize(problems, &err);
		ck_assert_str_eq(err.text, "f:1: bad; and 2 more errors (see postern -n)");
		problems_free(&problems);
	}
END_TEST

/* The first PROBLEMS_KEPT texts are kept, and all problems are counted. */
START_TEST(keeps_the_first_ones)
	{
		struct problems *problems = problems_new();
		char last[32];
		int i;

		for (i = 0; i < PROBLEMS_KEPT + 5; i++) {
			problems_add(problems, "problem %d", i);
			problems_note(problems, "note %d", i);
		}
		ck_assert_uint_eq(problems_count(problems), PROBLEMS_KEPT + 5);
		ck_assert_uint_eq(problems_kept(problems), PROBLEMS_KEPT);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), PROBLEMS_KEPT + 5);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), PROBLEMS_KEPT);
		(void)snprintf(last, sizeof(last), "problem %d", PROBLEMS_KEPT - 1);
		ck_assert_str_eq(problems_text(problems, PROBLEMS_KEPT - 1), last);
		ck_assert_str_eq(problems_level_text(problems, PROBLEM_NOTE, 0), "note 0");
		problems_free(&problems);
	}
END_TEST

/* 8,335 bad lines of one file leave room for those of the next one, and are counted exactly. */
START_TEST(bounds_the_texts_of_a_source)
	{
		struct problems *problems = problems_new();
		const size_t kept = PROBLEMS_OF_SOURCE;
		int i;

		problems_add(problems, "settings: bad");
		problems_begin(problems);
		for (i = 1; i <= 8335; i++)
			problems_add(problems, "list:%d: bad", i);
		problems_note(problems, "list:7: odd");
		problems_end(problems, "list", "line");
		problems_begin(problems);
		problems_add(problems, "other:1: bad");
		problems_end(problems, "other", "line");
		problems_add(problems, "end: bad");
		ck_assert_uint_eq(problems_count(problems), 8338);
		ck_assert_uint_eq(problems_kept(problems), kept + 4);
		ck_assert_str_eq(problems_text(problems, kept), "list:50: bad");
		ck_assert_str_eq(problems_text(problems, kept + 1),
			"list: 8285 more lines have problems");
		ck_assert_str_eq(problems_text(problems, kept + 2), "other:1: bad");
		ck_assert_uint_eq(problems_level_weight(problems, PROBLEM, kept), 1);
		ck_assert_uint_eq(problems_level_weight(problems, PROBLEM, kept + 1), 8285);
		ck_assert_str_eq(problems_text(problems, kept + 3), "end: bad");
		ck_assert(!problems_level_is_complete(problems, PROBLEM));
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), 1);
		ck_assert(problems_level_is_complete(problems, PROBLEM_NOTE));
		problems_free(&problems);
	}
END_TEST

START_TEST(a_text_may_stand_for_many)
	{
		struct problems *problems = problems_new();

		problems_add_weighted(problems, PROBLEM, 8285,
			"list: 8285 more lines have problems");
		problems_add_weighted(problems, PROBLEM_NOTE, 1, "odd");
		problems_add(problems, "bad");
		ck_assert_uint_eq(problems_count(problems), 8286);
		ck_assert_uint_eq(problems_kept(problems), 2);
		ck_assert_uint_eq(problems_level_weight(problems, PROBLEM, 0), 8285);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), 1);
		problems_free(&problems);
	}
END_TEST

/* A hostile line makes a long text, but no overrun. */
START_TEST(bounds_a_text)
	{
		struct problems *problems = problems_new();
		char *long_text = malloc(1 << 20);

		ck_assert_ptr_nonnull(long_text);
		memset(long_text, 'x', (1 << 20) - 1);
		long_text[(1 << 20) - 1] = '\0';
		problems_add(problems, "file:1: %s", long_text);
		ck_assert_int_eq(strncmp(problems_text(problems, 0), "file:1: xxx", 11), 0);
		ck_assert_uint_lt(strlen(problems_text(problems, 0)), 4096);
		free(long_text);
		problems_free(&problems);
	}
END_TEST

START_TEST(tells_whether_the_next_text_is_kept)
	{
		struct problems *problems = problems_new();
		size_t texts = 0;

		ck_assert(!problems_keep_next(NULL, PROBLEM));
		problems_begin(problems);
		for (; problems_keep_next(problems, PROBLEM); texts++)
			problems_add(problems, "%zu: bad", texts);
		ck_assert_uint_eq(texts, PROBLEMS_OF_SOURCE);
		ck_assert(problems_keep_next(problems, PROBLEM_NOTE));
		problems_end(problems, "list", "line");
		for (; problems_keep_next(problems, PROBLEM); texts++)
			problems_add(problems, "%zu: bad", texts);
		ck_assert_uint_eq(problems_kept(problems), PROBLEMS_KEPT);
		problems_add(problems, "not kept");
		ck_assert_uint_eq(problems_kept(problems), PROBLEMS_KEPT);
		problems_free(&problems);
	}
END_TEST

START_TEST(a_list_like_another_keeps_as_many_texts)
	{
		struct problems *other = _i == 0 ? problems_new() : problems_new_unlimited(),
				*problems = problems_new_like(other);

		for (unsigned i = 0; i < PROBLEMS_KEPT + 10; i++)
			problems_add(problems, "f:%u: x", i);
		ck_assert_uint_eq(problems_count(problems), PROBLEMS_KEPT + 10);
		ck_assert_uint_eq(problems_kept(problems),
			_i == 0 ? PROBLEMS_KEPT : PROBLEMS_KEPT + 10);
		problems_free(&problems);
		problems_free(&other);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("problems");
	TCase *tcase = tcase_create("problems");

	tcase_add_test(tcase, accepts_null);
	tcase_add_test(tcase, collects_in_order);
	tcase_add_test(tcase, keeps_notes_apart);
	tcase_add_test(tcase, a_summary_has_the_first_text_and_the_number_of_the_others);
	tcase_add_test(tcase, keeps_the_first_ones);
	tcase_add_test(tcase, bounds_the_texts_of_a_source);
	tcase_add_test(tcase, a_text_may_stand_for_many);
	tcase_add_test(tcase, bounds_a_text);
	tcase_add_test(tcase, tells_whether_the_next_text_is_kept);
	tcase_add_loop_test(tcase, a_list_like_another_keeps_as_many_texts, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
