/*
 * Counters are exact while threads count, read and render them at the same time, and name each
 * count by the tables that they were made with.
 */
#include "milter/shared/counters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "t/unit/unit.h"

#define THREADS 8
#define EVENTS 60000 /* of each thread; divides by 3 and by 4 */

static const char *colour_name(size_t index)
{
	static const char *const names[] = { "red", "green", "blue" };

	return names[index];
}

static const char *shape_name(size_t index)
{
	static const char *const names[] = { "dot", "line", "disc", "ring" };

	return names[index];
}

static const struct counter_axis axes[] = { { 3, colour_name }, { 4, shape_name } };

static json_int_t count_at(json_t *json, const char *colour, const char *shape)
{
	return json_integer_value(json_object_get(json_object_get(json, colour), shape));
}

START_TEST(counts_begin_at_nothing)
	{
		struct counters *counters = counters_new(axes, 2);
		json_t *json = counters_json(counters);

		ck_assert_uint_eq(json_object_size(json), 0);
		json_decref(json);
		counters_free(&counters);
		ck_assert_ptr_null(counters);
		counters_free(&counters);
	}
END_TEST

START_TEST(each_combination_has_its_own_count)
	{
		struct counters *counters = counters_new(axes, 2);
		json_t *json;

		for (size_t colour = 0; colour < 3; colour++) {
			for (size_t shape = 0; shape < 4; shape++) {
				for (size_t i = 0; i < colour * 4 + shape; i++)
					counters_add(counters, (const size_t[]){ colour, shape });
			}
		}
		ck_assert_uint_eq(counters_sum(counters, 0, 1), 4 + 5 + 6 + 7);
		ck_assert_uint_eq(counters_sum(counters, 1, 3), 3 + 7 + 11);
		json = counters_json(counters);
		ck_assert_ptr_null(json_object_get(json_object_get(json, "red"), "dot"));
		ck_assert_int_eq(count_at(json, "red", "line"), 1);
		ck_assert_int_eq(count_at(json, "blue", "ring"), 11);
		json_decref(json);
		counters_free(&counters);
	}
END_TEST

START_TEST(one_axis_makes_a_flat_object)
	{
		struct counters *counters = counters_new(axes, 1);
		json_t *json;

		counters_add(counters, (const size_t[]){ 2 });
		json = counters_json(counters);
		ck_assert_int_eq(json_integer_value(json_object_get(json, "blue")), 1);
		json_decref(json);
		counters_free(&counters);
	}
END_TEST

START_TEST(an_index_beyond_its_axis_counts_nothing)
	{
		struct counters *counters = counters_new(axes, 2);
		json_t *json;

		counters_add(counters, (const size_t[]){ 3, 0 });
		counters_add(counters, (const size_t[]){ 0, 4 });
		json = counters_json(counters);
		ck_assert_uint_eq(json_object_size(json), 0);
		json_decref(json);
		counters_free(&counters);
	}
END_TEST

struct counting {
	struct counters *counters;
	atomic_bool has_ended;
};

static void *count_events(void *context)
{
	struct counting *counting = context;

	for (size_t i = 0; i < EVENTS; i++)
		counters_add(counting->counters, (const size_t[]){ i % 3, i % 4 });
	return NULL;
}

static void *render_meanwhile(void *context)
{
	struct counting *counting = context;

	while (!atomic_load(&counting->has_ended))
		json_decref(counters_json(counting->counters));
	return NULL;
}

START_TEST(counts_are_exact_under_load)
	{
		struct counting counting = { .counters = counters_new(axes, 2) };
		pthread_t threads[THREADS], reader;
		json_t *json;

		ck_assert_int_eq(pthread_create(&reader, NULL, render_meanwhile, &counting), 0);
		for (int i = 0; i < THREADS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, count_events, &counting),
				0);
		for (int i = 0; i < THREADS; i++)
			(void)pthread_join(threads[i], NULL);
		atomic_store(&counting.has_ended, true);
		(void)pthread_join(reader, NULL);
		json = counters_json(counting.counters);
		for (size_t colour = 0; colour < 3; colour++) {
			for (size_t shape = 0; shape < 4; shape++)
				ck_assert_int_eq(count_at(json, colour_name(colour),
							 shape_name(shape)),
					(json_int_t)THREADS * EVENTS / 12);
		}
		json_decref(json);
		counters_free(&counting.counters);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("counters");
	TCase *tcase = tcase_create("counters");

	tcase_add_test(tcase, counts_begin_at_nothing);
	tcase_add_test(tcase, each_combination_has_its_own_count);
	tcase_add_test(tcase, one_axis_makes_a_flat_object);
	tcase_add_test(tcase, an_index_beyond_its_axis_counts_nothing);
	tcase_add_test(tcase, counts_are_exact_under_load);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
