/*
 * Shows that checkpoints remove the journals that nobody needs, and lose no charge of threads that
 * charge meanwhile.
 */
#include "milter/ledger/ledger_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* ---- a disk that is full -------------------------------------------------------------- */

/* Whether the disk is full, and whether it is so only until PATH.prev is removed. */
static bool disk_is_full, fills_prev;

static bool has_room(void)
{
	char prev[128];

	(void)snprintf(prev, sizeof(prev), "%s.prev", made_path);
	if (fills_prev && !made_exists(prev))
		disk_is_full = false;
	return !disk_is_full;
}

/* This and the next function replace those of libc. */
int fsync(int fd)
{
	if (has_room())
		return (int)syscall(SYS_fsync, fd);
	errno = ENOSPC;
	return -1;
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	(void)fd;
	(void)mode;
	(void)offset;
	if (len > 0 && has_room())
		return 0;
	errno = ENOSPC;
	return -1;
}

/* The files that are kept only in case the checkpoint is damaged are removed to make room for the
 * next one, because they could fill the disk, and only a checkpoint removes them. */
START_TEST(the_previous_checkpoint_gives_way_on_a_full_disk)
	{
		struct errmsg err = { "" };

		made_ledger_open(NULL);
		for (int i = 0; i < 2; i++) {
			(void)made_ledger_charge("login:bob");
			made_ledger_checkpoint();
		}
		ck_assert(made_exists(made_journal(2)) && made_exists(made_journal(3)));
		disk_is_full = fills_prev = true;
		(void)made_ledger_charge("login:bob");
		ck_assert_int_eq(ledger_file_checkpoint(made_file, &err), 0);
		ck_assert_str_eq(err.text, "");
		ck_assert(!made_exists(made_journal(2)));
		made_ledger_open(NULL);
		ck_assert_uint_eq(problems_count(made_problems), 0);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 3);
		fills_prev = false;
	}
END_TEST

/* If that is not enough, or the checkpoint is lost, nothing else is removed. */
START_TEST(nothing_that_is_needed_gives_way_on_a_full_disk)
	{
		char prev[128];
		struct errmsg err = { "" };

		(void)snprintf(prev, sizeof(prev), "%s.prev", made_path);
		made_ledger_open(NULL);
		for (int i = 0; i < 2; i++) {
			(void)made_ledger_charge("login:bob");
			made_ledger_checkpoint();
		}
		if (_i == 1)
			ck_assert_int_eq(unlink(made_path), 0);
		disk_is_full = true;
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(ledger_file_checkpoint(made_file, &err), -1);
			ck_assert_ptr_nonnull(strstr(err.text, "No space left"));
		}
		ck_assert(made_exists(prev) == (_i == 1));
		ck_assert(made_exists(made_path) == (_i == 0));
		ck_assert(made_exists(made_journal(3)));
		disk_is_full = false;
		made_ledger_open(NULL);
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
	tcase_add_test(tcase, the_previous_checkpoint_gives_way_on_a_full_disk);
	tcase_add_loop_test(tcase, nothing_that_is_needed_gives_way_on_a_full_disk, 0, 2);
	tcase_add_loop_test(tcase, checkpoints_that_fail_leave_one_journal, 0, 2);
	tcase_add_test(tcase, checkpoints_lose_no_charge_of_other_threads);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(ledger_checkpoint_suite)
