/*
 * Shows what survives the end of the process, even by kill -9, and that two daemons cannot use the
 * same files.
 */
#include "milter/ledger/ledger_file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
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

/* ---- files that cannot be written at the start ---------------------------------------- */

static atomic_bool disk_is_full;

/* Replaces libc's: on a full disk, a new journal cannot be forced to it. */
int fsync(int fd)
{
	if (!atomic_load(&disk_is_full))
		return (int)syscall(SYS_fsync, fd);
	errno = ENOSPC;
	return -1;
}

/* Keep the files from being written: 0: the disk is full; 1: the lock cannot be opened. */
static void obstruct(int how, bool begins)
{
	char lock[128];

	(void)snprintf(lock, sizeof(lock), "%s.lock", made_path);
	if (how == 0) {
		atomic_store(&disk_is_full, begins);
	} else if (begins) {
		(void)unlink(lock);
		ck_assert_int_eq(mkdir(lock, 0700), 0);
	} else {
		ck_assert_int_eq(rmdir(lock), 0);
	}
}

static const struct timespec pause_10ms = { .tv_nsec = 10000000 };

/* The ledger's thread tries again every second. */
static void wait_until_saved(void)
{
	struct errmsg err;

	for (int i = 0; i < 2000; i++) {
		ledger_file_error(made_file, &err);
		if (err.text[0] == '\0')
			return;
		(void)nanosleep(&pause_10ms, NULL);
	}
	ck_abort_msg("not within 20 s: %s", err.text);
}

START_TEST(counts_that_can_be_read_are_kept_when_nothing_can_be_written)
	{
		struct ledger_hold *hold = NULL;
		struct errmsg err;

		made_ledger_open(NULL);
		for (int i = 0; i < 5; i++)
			(void)made_ledger_charge("login:bob");
		made_ledger_checkpoint();
		(void)made_ledger_reserve(&hold, "login:bob");
		ledger_on_charge(made_ledger, NULL, NULL); /* as if killed while it is open */
		ledger_give_back(made_ledger, 0, &hold);
		made_ledger_close();

		obstruct(_i, true);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 6);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FAILED);
		ledger_file_error(made_file, &err);
		ck_assert_ptr_nonnull(strstr(err.text, made_path));
		ck_assert_int_eq(ledger_file_checkpoint(made_file, &err), -1);
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FAILED);
		obstruct(_i, false);
		wait_until_saved();
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 7);
		ck_assert_uint_eq(problems_count(made_problems), 0);
	}
END_TEST

/* It may be mounted late. Until then, charges count in memory. */
START_TEST(counts_are_saved_as_soon_as_their_directory_exists)
	{
		char directory[128];
		struct errmsg err;

		(void)strcpy(strrchr(made_path, '/'), "/late/limits.state");
		(void)snprintf(directory, sizeof(directory), "%.*s",
			(int)(strrchr(made_path, '/') - made_path), made_path);
		made_ledger_open(NULL);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		ledger_file_error(made_file, &err);
		ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		ck_assert_int_eq(mkdir(directory, 0700), 0);
		wait_until_saved();
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		while (!made_exists(made_path))
			(void)nanosleep(&pause_10ms, NULL);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 4);
		made_ledger_close();
		made_remove_all(directory);
	}
END_TEST

/* The directory cannot be read at first. */
START_TEST(counts_are_saved_as_soon_as_their_directory_can_be_read)
	{
		char directory[128];
		struct errmsg err;

		(void)strcpy(strrchr(made_path, '/'), "/late/limits.state");
		(void)snprintf(directory, sizeof(directory), "%.*s",
			(int)(strrchr(made_path, '/') - made_path), made_path);
		made_write(directory, "", 0);
		made_ledger_open(NULL);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		ledger_file_error(made_file, &err);
		ck_assert_ptr_nonnull(strstr(err.text, "Not a directory"));
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		ck_assert_int_eq(unlink(directory), 0);
		ck_assert_int_eq(mkdir(directory, 0700), 0);
		wait_until_saved();
		while (!made_exists(made_path)) /* the test's time is limited */
			(void)nanosleep(&pause_10ms, NULL);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 1);
		made_ledger_close();
		made_remove_all(directory);
	}
END_TEST

START_TEST(counts_that_appear_after_the_start_are_not_overwritten)
	{
		char late[64], away[96];
		struct errmsg err = { "" };

		made_ledger_open(NULL);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		made_ledger_close();
		(void)snprintf(late, sizeof(late), "%.*s",
			(int)(strrchr(made_path, '/') - made_path), made_path);
		(void)snprintf(away, sizeof(away), "%s.away", late);
		ck_assert_int_eq(rename(late, away), 0);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 0);
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		ck_assert_int_eq(rename(away, late), 0);
		for (int i = 0; i < 2000 && strstr(err.text, "restart postern") == NULL; i++) {
			(void)nanosleep(&pause_10ms, NULL);
			ledger_file_error(made_file, &err);
		}
		ck_assert_ptr_nonnull(strstr(err.text, "restart postern"));
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 1);
	}
END_TEST

/* Charges of the meantime, which on_error accepts, are in the first checkpoint. */
START_TEST(what_could_not_be_saved_is_saved_later)
	{
		const struct ledger_request request = { "login:bob", 9, made_limits, 2, 1, 0,
			{ 0, { 0 } } };
		struct ledger_usage usage;
		struct errmsg err;

		obstruct(0, true);
		made_ledger_open(NULL);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(ledger_charge(made_ledger, ledger_file_now(made_file),
						 &request, 1, false, &usage),
				LEDGER_FREE);
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		obstruct(0, false);
		wait_until_saved();
		while (!made_exists(made_path)) /* the test's time is limited */
			(void)nanosleep(&pause_10ms, NULL);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 3);
	}
END_TEST

/* Let no file grow, or let files grow again. */
static void stop_growth(bool begins)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = begins ? 0 : limit.rlim_max;
	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A message that was not sent does not count after a restart, though this could not be written at
 * its end: once the files can be written again, a checkpoint follows. */
START_TEST(an_end_that_could_not_be_saved_is_saved_later)
	{
		struct ledger_hold *hold = NULL;
		struct errmsg err;

		made_ledger_open(NULL);
		ck_assert_int_eq(made_ledger_reserve(&hold, "login:bob"), LEDGER_FREE);
		stop_growth(true);
		ledger_give_back(made_ledger, ledger_file_now(made_file), &hold);
		stop_growth(false);
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		while (!made_exists(made_path)) /* the test's time is limited */
			(void)nanosleep(&pause_10ms, NULL);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 0);
	}
END_TEST

/* Also when the thread has just written a checkpoint, and when an attempt failed meanwhile. Nothing
 * is charged after the disk has room again. */
START_TEST(a_full_disk_is_soon_noticed_to_have_room_again)
	{
		struct errmsg err = { "" };

		for (int i = 0; i < 3; i++) {
			made_ledger_open(NULL);
			ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
			made_ledger_close();
		}
		made_ledger_open(NULL);
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		while (!made_exists(made_path)) /* the test's time is limited */
			(void)nanosleep(&pause_10ms, NULL);
		stop_growth(true);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FAILED);
		while (err.text[0] == '\0') {
			(void)nanosleep(&pause_10ms, NULL);
			ledger_file_checkpoint_error(made_file, &err);
		}
		stop_growth(false);
		wait_until_saved();
	}
END_TEST

/* Each attempt begins a journal, which only a checkpoint removes. */
START_TEST(checkpoints_that_fail_leave_few_journals)
	{
		const struct timespec pause = { .tv_sec = 4 };
		struct errmsg err;
		char obstacle[128];

		(void)snprintf(obstacle, sizeof(obstacle), "%s.new", made_path);
		ck_assert_int_eq(mkdir(obstacle, 0700), 0);
		obstruct(0, true);
		made_ledger_open(NULL);
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		obstruct(0, false);
		wait_until_saved();
		(void)nanosleep(&pause, NULL);
		ledger_file_checkpoint_error(made_file, &err);
		ck_assert_ptr_nonnull(strstr(err.text, obstacle));
		ck_assert(!made_exists(made_journal(4)));
		ck_assert_int_eq(rmdir(obstacle), 0);
	}
END_TEST

static struct ledger_file *other_file;

/* The second one, with which somebody may have replaced a first one that hangs, counts what it can
 * read. When the first one has ended, only a start reads all that it has written. */
START_TEST(two_daemons_cannot_use_the_same_files)
	{
		struct ledger *other = ledger_new();
		struct errmsg err = { "" };

		made_ledger_open(NULL);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		ck_assert_int_eq(ledger_file_open(made_path, other, NULL, &other_file,
					 made_problems),
			0);
		ck_assert_uint_eq(ledger_size(other).keys, 1);
		ledger_file_error(other_file, &err);
		ck_assert_msg(strstr(err.text, "limits.state.lock") != NULL &&
				strstr(err.text, "another") != NULL &&
				strstr(err.text, "restart postern when") != NULL,
			"%s", err.text);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		ledger_file_close(&made_file);
		ck_assert_int_eq(ledger_file_start(other_file, &err), 0);
		for (int i = 0; i < 2000 && strstr(err.text, "has not read") == NULL; i++) {
			(void)nanosleep(&pause_10ms, NULL);
			ledger_file_error(other_file, &err);
		}
		ck_assert_ptr_nonnull(strstr(err.text, "restart postern"));
		ledger_file_close(&other_file);
		ledger_free(&other);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 2);
	}
END_TEST

/* Set the least and the greatest difference between the ledger's time and the time since boot. */
static void measure_offset(const struct ledger_file *file, int64_t *least_r, int64_t *most_r)
{
	struct ledger_clocks before, after;
	uint64_t ledger_now;

	ledger_clocks_read(&before);
	ledger_now = ledger_file_now(file);
	ledger_clocks_read(&after);
	*least_r = (int64_t)(ledger_now - after.boottime);
	*most_r = (int64_t)(ledger_now - before.boottime);
}

static void *open_other(void *argument)
{
	(void)ledger_file_open(made_path, argument, NULL, &other_file, made_problems);
	return NULL;
}

/* A daemon that waits for an earlier one to end does not count that time twice. */
START_TEST(the_time_goes_on_while_a_daemon_waits_for_the_lock)
	{
		const struct timespec pause = { .tv_nsec = 200000000 };
		struct ledger *other = ledger_new();
		int64_t least, most, other_least, other_most;
		pthread_t thread;

		made_ledger_open(NULL);
		measure_offset(made_file, &least, &most);
		ck_assert_int_eq(pthread_create(&thread, NULL, open_other, other), 0);
		(void)nanosleep(&pause, NULL);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		made_ledger_checkpoint();
		ledger_file_close(&made_file);
		(void)pthread_join(thread, NULL);
		measure_offset(other_file, &other_least, &other_most);
		ck_assert_int_le(other_least, most);
		ck_assert_int_ge(other_most, least);
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
	tcase_add_loop_test(tcase, counts_that_can_be_read_are_kept_when_nothing_can_be_written, 0,
		2);
	tcase_add_test(tcase, counts_are_saved_as_soon_as_their_directory_exists);
	tcase_add_test(tcase, counts_are_saved_as_soon_as_their_directory_can_be_read);
	tcase_add_test(tcase, counts_that_appear_after_the_start_are_not_overwritten);
	tcase_add_test(tcase, what_could_not_be_saved_is_saved_later);
	tcase_add_test(tcase, an_end_that_could_not_be_saved_is_saved_later);
	tcase_add_test(tcase, a_full_disk_is_soon_noticed_to_have_room_again);
	tcase_add_test(tcase, checkpoints_that_fail_leave_few_journals);
	tcase_add_test(tcase, two_daemons_cannot_use_the_same_files);
	tcase_add_test(tcase, the_time_goes_on_while_a_daemon_waits_for_the_lock);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(ledger_file_suite)
