/*
 * Shows that a map finds exactly the keys that were added, of any bytes and length, a million of
 * them.
 */
#include "lib/base/strmap.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

static struct strmap *new_map(void)
{
	struct strmap *map = strmap_new();

	ck_assert_ptr_nonnull(map);
	return map;
}

START_TEST(frees_null)
	{
		struct strmap *map = NULL;

		strmap_free(&map);
		map = new_map();
		strmap_free(&map);
		ck_assert_ptr_null(map);
	}
END_TEST

START_TEST(is_empty_at_first)
	{
		struct strmap *map = new_map();
		uint32_t value = 7;

		ck_assert_uint_eq(strmap_count(map), 0);
		ck_assert_int_eq(strmap_find(map, "a", 1, &value), 0);
		ck_assert_int_eq(strmap_find(map, "", 0, &value), 0);
		ck_assert_uint_eq(value, 7);
		ck_assert_uint_gt(strmap_bytes(map), 0);
		strmap_shrink(map);
		ck_assert_int_eq(strmap_find(map, "a", 1, NULL), 0);
		strmap_free(&map);
	}
END_TEST

START_TEST(keeps_the_first)
	{
		struct strmap *map = new_map();
		uint32_t value = 0;

		ck_assert_int_eq(strmap_add(map, "key", 3, 1), 1);
		ck_assert_int_eq(strmap_add(map, "key", 3, 2), 0);
		ck_assert_int_eq(strmap_find(map, "key", 3, &value), 1);
		ck_assert_uint_eq(value, 1);
		ck_assert_int_eq(strmap_find(map, "key", 3, NULL), 1);
		ck_assert_uint_eq(strmap_count(map), 1);
		strmap_free(&map);
	}
END_TEST

/* Keys are any bytes: empty, with NUL, prefixes of others, different only in case, huge. */
START_TEST(accepts_any_bytes)
	{
		const struct {
			const char *key;
			size_t len;
		} keys[] = { { "", 0 }, { "\0", 1 }, { "\0\0", 2 }, { "a", 1 }, { "a\0", 2 },
			{ "a\0b", 3 }, { "A", 1 }, { "\xff\xfe", 2 }, { "__proto__", 9 },
			{ "constructor", 11 } };
		const size_t count = sizeof(keys) / sizeof(keys[0]), huge = 3 << 20;
		struct strmap *map = new_map();
		char *big = calloc(1, huge);
		uint32_t i, value;

		ck_assert_ptr_nonnull(big);
		ck_assert_int_eq(strmap_add(map, big, huge, 1000), 1);
		for (i = 0; i < count; i++) {
			ck_assert_int_eq(strmap_find(map, keys[i].key, keys[i].len, &value), 0);
			ck_assert_int_eq(strmap_add(map, keys[i].key, keys[i].len, i), 1);
		}
		for (i = 0; i < count; i++) {
			ck_assert_int_eq(strmap_find(map, keys[i].key, keys[i].len, &value), 1);
			ck_assert_uint_eq(value, i);
		}
		ck_assert_int_eq(strmap_find(map, big, huge, &value), 1);
		ck_assert_uint_eq(value, 1000);
		ck_assert_int_eq(strmap_find(map, big, huge - 1, &value), 0);
		free(big);
		strmap_free(&map);
	}
END_TEST

/* A key above the bound is refused before it is read. */
START_TEST(returns_its_keys_in_the_order_of_their_addition)
	{
		static const struct {
			const char *key;
			size_t len;
		} keys[] = { { "b", 1 }, { "", 0 }, { "a\0c", 3 } };
		struct strmap *map = strmap_new();
		const char *at = NULL;
		size_t len;

		ck_assert_ptr_null(strmap_next(map, NULL, &len));
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(strmap_add(map, keys[i].key, keys[i].len, 0), 1);
		for (int i = 0; i < 3; i++) {
			ck_assert_ptr_nonnull(at = strmap_next(map, at, &len));
			ck_assert_uint_eq(len, keys[i].len);
			ck_assert_mem_eq(at, keys[i].key, len);
		}
		ck_assert_ptr_null(strmap_next(map, at, &len));
		strmap_free(&map);
	}
END_TEST

START_TEST(bounds_a_key)
	{
		struct strmap *map = new_map();

		ck_assert_int_eq(strmap_add(map, "", UINT32_MAX, 1), -1);
		ck_assert_int_eq(strmap_add(map, "", SIZE_MAX, 1), -1);
		ck_assert_int_eq(strmap_add(map, "", 0, 1), 1);
		ck_assert_uint_eq(strmap_count(map), 1);
		strmap_free(&map);
	}
END_TEST

static size_t make_key(char key[32], uint32_t i)
{
	return (size_t)snprintf(key, 32, "user%u@example.com", i);
}

/* A million keys: exactly these are found, in little more memory than their own size. */
START_TEST(holds_a_million)
	{
		const uint32_t keys = unit_times(1000000);
		struct strmap *map = new_map();
		size_t len, total = 0, added = 0, found = 0, others = 0;
		uint32_t i, value;
		char key[32];

		for (i = 0; i < keys; i++) { /* counted, because a million asserts would be slow */
			len = make_key(key, i);
			total += len;
			added += strmap_add(map, key, len, i ^ 0x5a5a) == 1;
		}
		ck_assert_uint_eq(added, keys);
		ck_assert_uint_eq(strmap_count(map), keys);
		strmap_shrink(map);
		ck_assert_uint_lt(strmap_bytes(map), total + keys * (4 + 12 * 8 / 3));
		for (i = 0; i < keys; i++) {
			len = make_key(key, i);
			found += strmap_find(map, key, len, &value) == 1 && value == (i ^ 0x5a5a);
			others += strmap_find(map, key, len - 1, &value) != 0;
		}
		ck_assert_uint_eq(found, keys);
		ck_assert_uint_eq(others, 0);
		ck_assert_int_eq(strmap_add(map, "more", 4, 1), 1);
		ck_assert_int_eq(strmap_find(map, "more", 4, NULL), 1);
		strmap_free(&map);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("strmap");
	TCase *tcase = tcase_create("strmap");

	tcase_add_test(tcase, frees_null);
	tcase_add_test(tcase, is_empty_at_first);
	tcase_add_test(tcase, keeps_the_first);
	tcase_add_test(tcase, accepts_any_bytes);
	tcase_add_test(tcase, returns_its_keys_in_the_order_of_their_addition);
	tcase_add_test(tcase, bounds_a_key);
	tcase_add_test(tcase, holds_a_million);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
