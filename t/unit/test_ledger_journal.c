/*
 * Shows that a full disk refuses charges only while it is full, that syncing meets new journals,
 * and which files are journals.
 */
#include "milter/ledger/ledger_journal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "t/unit/lib/made_ledger.h"
#include "t/unit/unit.h"

START_TEST(a_full_disk_refuses_charges_until_there_is_space)
	{
		struct rlimit limit, full;
		struct errmsg err;

		(void)signal(SIGXFSZ, SIG_IGN);
		(void)getrlimit(RLIMIT_FSIZE, &limit);
		made_ledger_open(NULL);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		full = (struct rlimit){ 600, limit.rlim_max }; /* in the middle of a record */
		(void)setrlimit(RLIMIT_FSIZE, &full);
		while (made_ledger_charge("login:bob") == LEDGER_FREE)
			;
		ledger_file_error(made_file, &err);
		ck_assert_ptr_nonnull(strstr(err.text, made_path));
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FAILED);
		full.rlim_cur = 100;
		(void)setrlimit(RLIMIT_FSIZE, &full);
		ck_assert_int_eq(ledger_file_checkpoint(made_file, &err), -1);
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		uint64_t before = made_ledger_used("login:bob", 0);

		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		ledger_file_error(made_file, &err);
		ck_assert_str_eq(err.text, "");
		made_ledger_checkpoint();
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), before + 1);
		ck_assert_uint_eq(problems_count(made_problems), 0);
	}
END_TEST

/* A sync writes the time, too, and its error must not hide that charges cannot be written. */
START_TEST(the_error_of_a_write_is_logged_once_also_if_a_sync_meets_it_first)
	{
		struct rlimit limit, full;
		char log[4096];
		int ends[2], stderr_fd = dup(STDERR_FILENO);
		ssize_t len;

		(void)signal(SIGXFSZ, SIG_IGN);
		(void)getrlimit(RLIMIT_FSIZE, &limit);
		made_ledger_open(NULL);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		ck_assert_int_eq(pipe(ends), 0); /* for the log */
		ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
		full = (struct rlimit){ 1, limit.rlim_max };
		(void)setrlimit(RLIMIT_FSIZE, &full);
		ledger_file_sync(made_file);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FAILED);
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		(void)dup2(stderr_fd, STDERR_FILENO);
		(void)close(stderr_fd);
		(void)close(ends[1]);
		len = read(ends[0], log, sizeof(log) - 1);
		ck_assert_int_gt(len, 0);
		log[len] = '\0';
		ck_assert_ptr_nonnull(strstr(log, "limits written=no"));
		ck_assert_ptr_null(
			strstr(strstr(log, "limits written=no") + 1, "limits written=no"));
		(void)close(ends[0]);
	}
END_TEST

static atomic_bool is_done;

static void *sync_often(void *file)
{
	while (!atomic_load(&is_done))
		ledger_file_sync(file);
	return NULL;
}

START_TEST(a_sync_may_meet_a_new_journal)
	{
		const unsigned journals = unit_times_or(20, 5);
		pthread_t thread;

		made_ledger_open(NULL);
		atomic_store(&is_done, false);
		ck_assert_int_eq(pthread_create(&thread, NULL, sync_often, made_file), 0);
		for (unsigned i = 0; i < journals; i++) {
			ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
			made_ledger_checkpoint();
		}
		atomic_store(&is_done, true);
		(void)pthread_join(thread, NULL);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), journals);
	}
END_TEST

static void add_number(void *context, uint64_t number, const char *name)
{
	*(uint64_t *)context += number;
	ck_assert_ptr_nonnull(strstr(name, made_path));
}

START_TEST(only_names_with_a_number_are_journals)
	{
		static const char *const others[] = { "", ".0", ".01", ".1x", ".x1", ".bad",
			".prev", ".lock", "1", ".99999999999999999999" };
		char name[128];
		uint64_t sum = 0;
		struct errmsg err = { "" };

		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
			(void)snprintf(name, sizeof(name), "%s%s", made_path, others[i]);
			made_write(name, "x", 1);
		}
		made_write(made_journal(7), "x", 1);
		made_write(made_journal(1000), "x", 1);
		ck_assert_int_eq(ledger_journal_each(made_path, add_number, &sum, &err), 0);
		ck_assert_uint_eq(sum, 1007);
		ck_assert_int_eq(ledger_journal_each("/nonexistent/state", add_number, &sum, &err),
			-1);
		ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent: No such file"));
	}
END_TEST

static Suite *ledger_journal_suite(void)
{
	Suite *suite = suite_create("ledger_journal");
	TCase *tcase = tcase_create("ledger_journal");

	tcase_add_checked_fixture(tcase, made_ledger_setup, made_ledger_teardown);
	tcase_add_test(tcase, a_full_disk_refuses_charges_until_there_is_space);
	tcase_add_test(tcase, the_error_of_a_write_is_logged_once_also_if_a_sync_meets_it_first);
	tcase_add_test(tcase, a_sync_may_meet_a_new_journal);
	tcase_add_test(tcase, only_names_with_a_number_are_journals);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_journal_suite)
