/*
 * Shows that pieces of an arena are aligned, separate and stable, and that a failed allocation
 * does no harm.
 */
#include "lib/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "t/unit/unit.h"

START_TEST(frees_null)
	{
		struct arena *arena = NULL;

		arena_free(&arena);
		ck_assert_ptr_null(arena);
		ck_assert_ptr_nonnull(arena = arena_new(100));
		arena_free(&arena);
		ck_assert_ptr_null(arena);
	}
END_TEST

/* Pieces of all sizes around that of a block are aligned and separate, and keep their content. */
START_TEST(hands_out_pieces)
	{
		enum { PIECES = 600 };
		struct arena *arena = arena_new(256);
		unsigned char *pieces[PIECES];
		size_t i, at, total = 0, changed = 0;

		ck_assert_ptr_nonnull(arena);
		for (i = 0; i < PIECES; i++) {
			ck_assert_ptr_nonnull(pieces[i] = arena_alloc(arena, i));
			ck_assert_uint_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
			memset(pieces[i], (int)(i & 0xff), i);
			total += i;
		}
		for (i = 0; i < PIECES; i++) {
			for (at = 0; at < i; at++)
				changed += pieces[i][at] != (i & 0xff);
		}
		ck_assert_uint_eq(changed, 0);
		ck_assert_uint_ge(arena_bytes(arena), total);
		arena_free(&arena);
	}
END_TEST

START_TEST(copies_text)
	{
		struct arena *arena = arena_new(0);
		char *copy;

		ck_assert_ptr_nonnull(copy = arena_strdup(arena, ""));
		ck_assert_str_eq(copy, "");
		ck_assert_ptr_nonnull(copy = arena_strdup(arena, "some text"));
		ck_assert_str_eq(copy, "some text");
		ck_assert_ptr_nonnull(copy = arena_memdup(arena, "a\0b", 3));
		ck_assert_int_eq(memcmp(copy, "a\0b", 4), 0);
		arena_free(&arena);
	}
END_TEST

/* A failed allocation returns NULL, and the arena works as before. */
START_TEST(refuses_sizes_that_overflow)
	{
		const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX - 16 };
		struct arena *arena = arena_new(64);
		size_t before = arena_bytes(arena);

		ck_assert_ptr_null(arena_alloc(arena, sizes[_i]));
		ck_assert_ptr_null(arena_memdup(arena, "", sizes[_i]));
		ck_assert_uint_eq(arena_bytes(arena), before);
		ck_assert_ptr_nonnull(arena_strdup(arena, "still here"));
		arena_free(&arena);
	}
END_TEST

/* Small pieces share a block: memory grows with their size, not with their number. */
START_TEST(wastes_little)
	{
		struct arena *arena = arena_new(64 * 1024);
		size_t i;

		for (i = 0; i < 100000 && arena_alloc(arena, 32) != NULL; i++)
			;
		ck_assert_uint_eq(i, 100000);
		ck_assert_uint_lt(arena_bytes(arena), 100000 * 34);
		arena_free(&arena);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = tcase_create("arena");

	tcase_add_test(tcase, frees_null);
	tcase_add_test(tcase, hands_out_pieces);
	tcase_add_test(tcase, copies_text);
	tcase_add_loop_test(tcase, refuses_sizes_that_overflow, 0, 4);
	tcase_add_test(tcase, wastes_little);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
