/*
 * Shows what survives the end of the process, even by kill -9, and that two daemons cannot use the
 * same files.
 */
#include "milter/ledger/ledger_file.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/lib/made_ledger.h"
#include "t/unit/unit.h"

START_TEST(charges_survive_a_restart)
	{
		struct stat st;

		made_ledger_open(NULL);
		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		ck_assert_int_eq(made_ledger_charge("login:al"), LEDGER_FREE);
		for (int round = 0; round < 6; round++) {
			made_ledger_open(NULL);
			ck_assert_uint_eq(problems_count(made_problems), 0);
			ck_assert_uint_eq(made_ledger_used("login:bob", 0), 5 + (uint64_t)round);
			ck_assert_uint_eq(made_ledger_used("login:al", 1), 1);
			if (round % 2 == 1)
				made_ledger_checkpoint();
			ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		}
		ck_assert_int_eq(stat(made_path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
	}
END_TEST

START_TEST(a_kill_loses_no_charge)
	{
		pid_t child;
		int status;

		for (int round = 0; round < 3; round++) {
			if ((child = fork()) == 0) {
				struct errmsg err;

				made_ledger_open(NULL);
				(void)ledger_file_start(made_file, &err);
				for (int i = 0; i < 100; i++)
					(void)made_ledger_charge("login:bob");
				(void)kill(getpid(), SIGKILL);
			}
			ck_assert_int_eq(waitpid(child, &status, 0), child);
			ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		}
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 300);
		ck_assert_uint_eq(problems_count(made_problems), 0);
	}
END_TEST

/* Three processes are killed with an open message each; they have sent one and aborted one. */
START_TEST(reservations_that_are_open_at_a_kill_are_final)
	{
		pid_t child;
		int status;

		for (int round = 0; round < 3; round++) {
			if ((child = fork()) == 0) {
				struct ledger_hold *hold = NULL, *sent = NULL, *aborted = NULL;

				made_ledger_open(NULL);
				if (round == 1)
					made_ledger_checkpoint();
				for (int i = 0; i < 10; i++) {
					(void)made_ledger_reserve(&hold, "login:bob");
					(void)made_ledger_reserve(&sent, "login:bob");
					(void)made_ledger_reserve(&aborted, "login:bob");
				}
				if (round == 2)
					made_ledger_checkpoint();
				ledger_commit(made_ledger, ledger_file_now(made_file), &sent);
				ledger_give_back(made_ledger, ledger_file_now(made_file), &aborted);
				(void)kill(getpid(), SIGKILL);
			}
			ck_assert_int_eq(waitpid(child, &status, 0), child);
			ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		}
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 60);
		ck_assert_uint_eq(problems_count(made_problems), 0);
	}
END_TEST

START_TEST(a_forgotten_key_stays_forgotten)
	{
		made_ledger_open(NULL);
		(void)made_ledger_charge("login:bob");
		ck_assert_int_eq(ledger_forget(made_ledger, ledger_file_now(made_file), "login:bob",
					 9),
			1);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 0);
	}
END_TEST

START_TEST(without_a_path_charges_are_counted_and_not_saved)
	{
		struct errmsg err;

		made_path[0] = '\0';
		made_ledger_open(NULL);
		ck_assert_uint_gt(ledger_file_now(made_file), 0);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		ck_assert_int_eq(ledger_file_checkpoint(made_file, &err), -1);
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
	}
END_TEST

START_TEST(a_missing_directory_is_reported)
	{
		struct errmsg err = { "" };

		made_ledger = ledger_new();
		(void)strcpy(strrchr(made_path, '/'), "/none/limits.state");
		ck_assert_int_eq(ledger_file_open(made_path, made_ledger, NULL, &made_file,
					 made_problems, &err),
			-1);
		ck_assert_ptr_nonnull(strstr(err.text, "/none/limits.state.lock: No such file"));
		ck_assert_ptr_null(made_file);
	}
END_TEST

START_TEST(two_daemons_cannot_use_the_same_files)
	{
		struct ledger *other = ledger_new();
		struct ledger_file *other_file = NULL;
		struct errmsg err = { "" };

		made_ledger_open(NULL);
		ck_assert_int_eq(ledger_file_open(made_path, other, NULL, &other_file,
					 made_problems, &err),
			-1);
		ck_assert_ptr_null(other_file);
		ck_assert_msg(strstr(err.text, "limits.state.lock") != NULL &&
				strstr(err.text, "another") != NULL,
			"%s", err.text);
		ck_assert_int_eq(made_ledger_charge("bob"), LEDGER_FREE);
		ledger_file_close(&made_file);
		ck_assert_int_eq(ledger_file_open(made_path, other, NULL, &other_file,
					 made_problems, &err),
			0);
		ck_assert_uint_eq(ledger_size(other).keys, 1);
		ledger_file_close(&other_file);
		ledger_free(&other);
	}
END_TEST

static Suite *ledger_file_suite(void)
{
	Suite *suite = suite_create("ledger_file");
	TCase *tcase = tcase_create("ledger_file");

	tcase_add_checked_fixture(tcase, made_ledger_setup, made_ledger_teardown);
	tcase_add_test(tcase, charges_survive_a_restart);
	tcase_add_test(tcase, a_kill_loses_no_charge);
	tcase_add_test(tcase, reservations_that_are_open_at_a_kill_are_final);
	tcase_add_test(tcase, a_forgotten_key_stays_forgotten);
	tcase_add_test(tcase, without_a_path_charges_are_counted_and_not_saved);
	tcase_add_test(tcase, a_missing_directory_is_reported);
	tcase_add_test(tcase, two_daemons_cannot_use_the_same_files);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_file_suite)
