/*
 * Shows that the interface of the checks reaches the local ledger with every operation, and that
 * two ledgers behind it are separate.
 */
#include "lib/rules/ledger_ops.h"

#include <string.h>

#include "lib/rules/ledger.h"
#include "t/unit/unit.h"

static const struct limit limit = { 2, 60 };
static const struct ledger_request request = { "login:bob", 9, &limit, 1, 1, 0, { 0, { 0 } } };
static struct ledger *ledger;
static struct ledger_ops ops;

static void setup(void)
{
	ledger = ledger_new();
	ops = ledger_ops(ledger);
}

static void teardown(void)
{
	ledger_free(&ledger);
}

static int count_view(void *context, const struct ledger_view *view)
{
	ck_assert_str_eq(view->key, "login:bob");
	ck_assert_uint_eq(view->windows[0].used, 1);
	(*(int *)context)++;
	return 7;
}

static int refuse_to_save(void *context, const struct ledger_record *records, size_t count)
{
	(void)context;
	(void)records;
	(void)count;
	return -1;
}

START_TEST(charging_and_looking_reach_the_ledger)
	{
		struct ledger_usage usage;

		ck_assert_int_eq(ops.look(ops.context, 5, &request, 1, &usage), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 0);
		ck_assert_int_eq(ops.charge(ops.context, 5, &request, 1, true, &usage),
			LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 1);
		ck_assert_int_eq(ledger_charge(ledger, 5, &request, 1, true, &usage), LEDGER_FREE);
		ck_assert_int_eq(ops.charge(ops.context, 5, &request, 1, true, &usage),
			LEDGER_FULL);
	}
END_TEST

START_TEST(whether_a_charge_must_be_saved_reaches_the_ledger)
	{
		struct ledger_usage usage;
		struct ledger_size size;

		ledger_on_charge(ledger, refuse_to_save, NULL);
		ck_assert_int_eq(ops.charge(ops.context, 5, &request, 1, true, &usage),
			LEDGER_FAILED);
		ck_assert_int_eq(ops.charge(ops.context, 5, &request, 1, false, &usage),
			LEDGER_FREE);
		ops.size(ops.context, &size);
		ck_assert_uint_eq(size.keys, 1);
		ck_assert_uint_eq(size.unsaved, 1);
		ck_assert_uint_eq(size.bytes, ledger_size(ledger).bytes);
	}
END_TEST

START_TEST(keys_are_found_and_forgotten)
	{
		struct ledger_usage usage;
		int views = 0;

		ck_assert(!ops.find(ops.context, 5, "login:bob", 9, count_view, &views));
		(void)ops.charge(ops.context, 5, &request, 1, true, &usage);
		ck_assert(ops.find(ops.context, 5, "login:bob", 9, count_view, &views));
		ck_assert_int_eq(ops.each(ops.context, 5, count_view, &views), 7);
		ck_assert_int_eq(views, 2);
		ck_assert_int_eq(ops.forget(ops.context, 5, "login:bob", 9), 1);
		ck_assert_int_eq(ops.forget(ops.context, 5, "login:bob", 9), 0);
		ck_assert_int_eq(ops.each(ops.context, 5, count_view, &views), 0);
		ck_assert_int_eq(views, 2);
	}
END_TEST

START_TEST(two_ledgers_are_separate)
	{
		struct ledger *other = ledger_new();
		const struct ledger_ops other_ops = ledger_ops(other);
		struct ledger_usage usage;

		(void)ops.charge(ops.context, 5, &request, 1, true, &usage);
		(void)other_ops.look(other_ops.context, 5, &request, 1, &usage);
		ck_assert_uint_eq(usage.used, 0);
		ledger_free(&other);
	}
END_TEST

static Suite *ledger_ops_suite(void)
{
	Suite *suite = suite_create("ledger_ops");
	TCase *tcase = tcase_create("ledger_ops");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, charging_and_looking_reach_the_ledger);
	tcase_add_test(tcase, whether_a_charge_must_be_saved_reaches_the_ledger);
	tcase_add_test(tcase, keys_are_found_and_forgotten);
	tcase_add_test(tcase, two_ledgers_are_separate);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_ops_suite)
