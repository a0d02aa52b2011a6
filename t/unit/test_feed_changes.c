/*
 * Shows how the rows of the change feed's answer become the tables and rows that have changed, and
 * that an answer that is not understood means everything.
 */
#include "milter/pg/feed_changes.h"
#include "t/unit/unit.h"

static struct feed_changes changes;

static void setup(void)
{
	changes = (struct feed_changes)FEED_CHANGES_INIT;
}

static void teardown(void)
{
	feed_changes_clear(&changes);
	ck_assert_uint_eq(changes.count, 0);
	ck_assert(!changes.everything);
}

START_TEST(nothing_changed)
	{
		ck_assert(!feed_changes_touch(&changes, FEED_USERS));
		ck_assert(!feed_changes_touch(&changes, FEED_PROFILES));
	}
END_TEST

START_TEST(rows_belong_to_their_tables)
	{
		int i;

		for (i = 0; i < 1000; i++)
			ck_assert_int_eq(feed_changes_add(&changes, "users", "17", NULL), 0);
		ck_assert_uint_eq(changes.count, 1000);
		ck_assert_int_eq(changes.rows[999].table, FEED_USERS);
		ck_assert_str_eq(changes.rows[999].id, "17");
		ck_assert(feed_changes_touch(&changes, FEED_USERS));
		ck_assert(!feed_changes_touch(&changes, FEED_PROFILES));
		ck_assert_int_eq(feed_changes_add(&changes, "profiles", "3", NULL), 0);
		ck_assert(feed_changes_touch(&changes, FEED_PROFILES));
		ck_assert(!changes.everything);
	}
END_TEST

START_TEST(a_table_may_have_changed_whole)
	{
		ck_assert_int_eq(feed_changes_add(&changes, "profiles", NULL, NULL), 0);
		ck_assert(changes.whole[FEED_PROFILES]);
		ck_assert(!changes.whole[FEED_USERS]);
		ck_assert(feed_changes_touch(&changes, FEED_PROFILES));
		ck_assert(!feed_changes_touch(&changes, FEED_USERS));
	}
END_TEST

static const struct {
	const char *table, *id, *reason, *want;
} unknown[] = {
	{ NULL, NULL, "pruned", "pruned" },
	{ NULL, NULL, NULL, "it gives no reason" },
	{ "aliases", "1", NULL, "an unknown table changed" },
	{ "Users", NULL, NULL, "an unknown table changed" },
};
START_TEST(an_answer_that_is_not_understood_is_everything)
	{
		ck_assert_int_eq(feed_changes_add(&changes, unknown[_i].table, unknown[_i].id,
					 unknown[_i].reason),
			0);
		ck_assert(changes.everything);
		ck_assert_str_eq(changes.reason, unknown[_i].want);
		ck_assert(feed_changes_touch(&changes, FEED_USERS));
		ck_assert(feed_changes_touch(&changes, FEED_PROFILES));
	}
END_TEST

static Suite *feed_changes_suite(void)
{
	Suite *suite = suite_create("feed_changes");
	TCase *tcase = tcase_create("feed_changes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_changed);
	tcase_add_test(tcase, rows_belong_to_their_tables);
	tcase_add_test(tcase, a_table_may_have_changed_whole);
	tcase_add_loop_test(tcase, an_answer_that_is_not_understood_is_everything, 0,
		sizeof(unknown) / sizeof(*unknown));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(feed_changes_suite)
