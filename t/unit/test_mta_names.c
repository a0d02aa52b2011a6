/*
 * Shows that the names of the MTAs are remembered once each, in their order and within their bound,
 * also when several threads add them at once.
 */
#include "milter/shared/mta_names.h"

#include <pthread.h>

#include "t/unit/unit.h"

START_TEST(each_name_is_remembered_once)
	{
		static const char *const added[] = { "a.example", "b.example", "a.example",
			"c.example", "b.example", "d.example", "e.example", "a.example" };
		struct mta_names *names = mta_names_new();
		const char *got[MTA_NAMES_MAX];

		ck_assert_uint_eq(mta_names_get(names, got), 0);
		for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
			mta_names_add(names, added[i]);
		ck_assert_uint_eq(mta_names_get(names, got), MTA_NAMES_MAX);
		ck_assert_str_eq(got[0], "a.example");
		ck_assert_str_eq(got[1], "b.example");
		ck_assert_str_eq(got[2], "c.example");
		ck_assert_str_eq(got[3], "d.example");
		mta_names_free(&names);
		mta_names_free(&names);
	}
END_TEST

static void *add_two(void *names)
{
	for (int i = 0; i < 10; i++) {
		mta_names_add(names, "a.example");
		mta_names_add(names, "b.example");
	}
	return NULL;
}

START_TEST(threads_add_names_at_once)
	{
		struct mta_names *names = mta_names_new();
		const char *got[MTA_NAMES_MAX];
		pthread_t threads[4];

		for (size_t i = 0; i < 4; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, add_two, names), 0);
		for (size_t i = 0; i < 4; i++)
			ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_uint_eq(mta_names_get(names, got), 2);
		mta_names_free(&names);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("mta_names");
	TCase *tcase = tcase_create("mta_names");

	tcase_add_test(tcase, each_name_is_remembered_once);
	tcase_add_test(tcase, threads_add_names_at_once);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
