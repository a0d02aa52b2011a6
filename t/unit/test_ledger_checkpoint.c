/*
 * Shows that checkpoints remove the journals that nobody needs, and lose no charge of threads that
 * charge meanwhile.
 */
#include "milter/ledger/ledger_checkpoint.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/lib/made_ledger.h"
#include "t/unit/unit.h"

START_TEST(unneeded_journals_are_removed)
	{
		made_ledger_open(NULL);
		for (int i = 0; i < 10; i++) {
			(void)made_ledger_charge("login:bob");
			made_ledger_checkpoint();
		}
		ck_assert(!made_exists(made_journal(8)) && !made_exists(made_journal(1)));
		ck_assert(made_exists(made_journal(10)) && made_exists(made_journal(11)) &&
			!made_exists(made_journal(12)));
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 10);
	}
END_TEST

/* Somebody has put files, such as copies of old ones, where the next journals belong. */
START_TEST(a_journal_whose_name_is_taken_gets_a_higher_number)
	{
		struct errmsg err = { "" };

		made_ledger_open(NULL);
		(void)made_ledger_charge("login:bob");
		made_write(made_journal(2), "x", 1);
		made_write(made_journal(5), "x", 1);
		ck_assert_int_eq(ledger_file_checkpoint(made_file, &err), 0);
		ck_assert_str_eq(err.text, "");
		ck_assert(made_exists(made_journal(6)));
		(void)made_ledger_charge("login:bob");
		made_ledger_checkpoint();
		made_ledger_checkpoint();
		ck_assert(!made_exists(made_journal(5)) && made_exists(made_journal(8)));
		made_ledger_open(NULL);
		ck_assert_uint_eq(problems_count(made_problems), 0);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 2);
	}
END_TEST

/* _i: 0: what is in the place of the checkpoint cannot be renamed; 1: the checkpoint cannot. */
START_TEST(checkpoints_that_fail_leave_one_journal)
	{
		char obstacle[128], bad[128];
		struct errmsg err = { "" };

		made_ledger_open(NULL);
		(void)made_ledger_charge("login:bob");
		made_ledger_checkpoint();
		(void)snprintf(bad, sizeof(bad), "%s.bad", made_path);
		if (_i == 0)
			made_write(bad, "x", 1);
		if (_i == 0)
			ck_assert_int_eq(unlink(made_path), 0);
		(void)snprintf(obstacle, sizeof(obstacle), "%s%s", made_path,
			_i == 0 ? "" : ".prev");
		ck_assert_int_eq(mkdir(obstacle, 0700), 0);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(ledger_file_checkpoint(made_file, &err), -1);
			ck_assert_ptr_nonnull(strstr(err.text, obstacle));
		}
		ck_assert(
			made_exists(made_journal(3)) == (_i == 1) && !made_exists(made_journal(4)));
		(void)made_ledger_charge("login:bob");
		ck_assert_int_eq(rmdir(obstacle), 0);
		made_ledger_checkpoint();
		made_ledger_open(NULL);
		ck_assert_uint_eq(problems_count(made_problems), 0);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 2);
	}
END_TEST

static void *charge_many(void *argument)
{
	char key[32];

	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof(key), "login:%u", i % 13);
		(void)made_ledger_charge(i % 2 ? (const char *)argument : key);
	}
	return NULL;
}

START_TEST(checkpoints_lose_no_charge_of_other_threads)
	{
		static char names[4][16];
		pthread_t threads[4];
		struct errmsg err;
		char key[32];

		made_ledger_open(NULL);
		for (unsigned i = 0; i < 4; i++) {
			(void)snprintf(names[i], sizeof(names[i]), "own:%u", i);
			ck_assert_int_eq(pthread_create(&threads[i], NULL, charge_many, names[i]),
				0);
		}
		for (int i = 0; i < 20; i++)
			ck_assert_int_eq(ledger_file_checkpoint(made_file, &err), 0);
		for (unsigned i = 0; i < 4; i++)
			(void)pthread_join(threads[i], NULL);
		made_ledger_open(NULL);
		ck_assert_uint_eq(problems_count(made_problems), 0);
		for (unsigned i = 0; i < 4; i++)
			ck_assert_uint_eq(made_ledger_used(names[i], 0), 500);
		uint64_t all = 0;

		for (unsigned i = 0; i < 13; i++) {
			(void)snprintf(key, sizeof(key), "login:%u", i);
			all += made_ledger_used(key, 0);
		}
		ck_assert_uint_eq(all, 2000);
	}
END_TEST

static Suite *ledger_checkpoint_suite(void)
{
	Suite *suite = suite_create("ledger_checkpoint");
	TCase *tcase = tcase_create("ledger_checkpoint");

	tcase_add_checked_fixture(tcase, made_ledger_setup, made_ledger_teardown);
	tcase_add_test(tcase, unneeded_journals_are_removed);
	tcase_add_test(tcase, a_journal_whose_name_is_taken_gets_a_higher_number);
	tcase_add_loop_test(tcase, checkpoints_that_fail_leave_one_journal, 0, 2);
	tcase_add_test(tcase, checkpoints_lose_no_charge_of_other_threads);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_checkpoint_suite)
