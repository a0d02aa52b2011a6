/*
 * Shows the age of the policy for each state of its sources: the database, the stores, the lists,
 * the public suffix list and the configuration.
 */
#include "milter/cache/known_right.h"

#include "lib/rules/list.h"
#include "t/unit/unit.h"

#define NOW 1000

static const struct {
	const char *state;
	enum cache_source source;
	time_t rows, list, store, psl, config, other, want;
} states[] = {
	{ "no policy", SOURCE_NONE, 0, 0, 0, 0, 0, 0, 0 },
	{ "no policy because of a list", SOURCE_NONE, 0, 900, 0, 0, 0, 0, 0 },
	{ "lists alone", SOURCE_LISTS, 0, 0, 0, 0, 0, 0, NOW },
	{ "lists alone, one cannot be read", SOURCE_LISTS, 0, 900, 0, 0, 0, 0, 900 },
	{ "a database that a look has just confirmed", SOURCE_DATABASE, NOW, 0, 0, 0, 0, 0, NOW },
	{ "a database whose looks find not every change", SOURCE_DATABASE, 400, 0, 0, 0, 0, 0,
		400 },
	{ "a database that is down", SOURCE_DATABASE, 300, 0, 0, 0, 0, 0, 300 },
	{ "a database, and a list that cannot be read", SOURCE_DATABASE, 990, 700, 0, 0, 0, 0,
		700 },
	{ "a database that is older than the list", SOURCE_DATABASE, 600, 700, 0, 0, 0, 0, 600 },
	{ "a kept store", SOURCE_CACHE, 100, 0, 0, 0, 0, 0, 100 },
	{ "a kept store of the future", SOURCE_CACHE, 2000, 0, 0, 0, 0, 0, NOW },
	{ "a store of its own", SOURCE_STORE, 0, 0, 0, 0, 0, 0, NOW },
	{ "a store of its own that cannot be read", SOURCE_STORE, 0, 0, 800, 0, 0, 0, 800 },
	{ "a store of its own after a database", SOURCE_STORE, 100, 0, 0, 0, 0, 0, NOW },
	{ "a public suffix list that cannot be read", SOURCE_LISTS, 0, 0, 0, 850, 0, 0, 850 },
	{ "a refused configuration", SOURCE_LISTS, 0, 0, 0, 0, 860, 0, 860 },
	{ "lists, where a database is now configured", SOURCE_LISTS, 0, 0, 0, 0, 0, 870, 870 },
	{ "a store, where a database is now configured", SOURCE_STORE, 0, 0, 0, 0, 0, 880, 880 },
	{ "everything at once", SOURCE_DATABASE, 500, 400, 300, 200, 100, 0, 100 },
};

START_TEST(a_policy_is_as_old_as_its_oldest_part)
	{
		struct known_right parts = {
			.rows = states[_i].rows,
			.wrong_since = { [3] = states[_i].list, [LIST_COUNT] = states[_i].store },
			.psl_wrong_since = states[_i].psl,
			.config_wrong_since = states[_i].config,
			.source_wrong_since = states[_i].other,
		};

		ck_assert_msg(known_right(&parts, states[_i].source, NOW) == states[_i].want,
			"%s: %lld", states[_i].state,
			(long long)known_right(&parts, states[_i].source, NOW));
	}
END_TEST

START_TEST(a_part_is_wrong_since_it_was_first_noted)
	{
		time_t since = 0;

		ck_assert(!known_right_note(&since, false, 10));
		ck_assert_int_eq(since, 0);
		ck_assert(known_right_note(&since, true, 20));
		ck_assert(!known_right_note(&since, true, 30));
		ck_assert_int_eq(since, 20);
		ck_assert(known_right_note(&since, false, 40));
		ck_assert_int_eq(since, 0);
		ck_assert(known_right_note(&since, true, 50));
		ck_assert_int_eq(since, 50);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("known_right");
	TCase *tcase = tcase_create("known_right");

	tcase_add_loop_test(tcase, a_policy_is_as_old_as_its_oldest_part, 0,
		sizeof(states) / sizeof(*states));
	tcase_add_test(tcase, a_part_is_wrong_since_it_was_first_noted);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
