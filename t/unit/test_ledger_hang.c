/*
 * Shows that a disk whose write() hangs holds up at most the one thread that writes, that charges
 * meanwhile are treated as on a full disk, and that the files have all counts afterwards.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "milter/ledger/ledger_file.h"
#include "t/unit/lib/hanging_write.h"
#include "t/unit/lib/made_ledger.h"
#include "t/unit/unit.h"

static const struct timespec pause_10ms = { .tv_nsec = 10000000 };
static pthread_t writer;

static void *charge_ann(void *answer)
{
	*(enum ledger_answer *)answer = made_ledger_charge("login:ann");
	return NULL;
}

static void teardown(void)
{
	hanging_write_release();
	made_ledger_teardown();
}

static void open_files(void)
{
	made_ledger_open(NULL);
	ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
}

static void start(void)
{
	struct errmsg err;

	ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
}

/* Let the disk hang in a charge of another thread. The files' threads start later, because that
 * charge would have one of them write. */
static void let_hang(enum ledger_answer *answer_r)
{
	hanging_write_hold();
	ck_assert_int_eq(pthread_create(&writer, NULL, charge_ann, answer_r), 0);
	hanging_write_await();
	start();
}

static void await_late(bool expected)
{
	struct errmsg late;

	for (;;) {
		ledger_file_late(made_file, &late);
		if ((late.text[0] != '\0') == expected)
			break;
		(void)nanosleep(&pause_10ms, NULL);
	}
	if (expected)
		ck_assert_ptr_nonnull(strstr(late.text, "limits.state"));
}

static enum ledger_answer reserve(struct ledger_hold **hold, bool must_save)
{
	const struct ledger_request request = { "login:bob", 9, made_limits, 2, 1, 10,
		{ 0, { 0 } } };
	struct ledger_usage usage;

	return ledger_reserve(made_ledger, ledger_file_now(made_file), hold, &request, 1, must_save,
		&usage);
}

/* After a restart, the files have the counts that the memory has. */
static void check_files(void)
{
	const uint64_t ann = made_ledger_used("login:ann", 0),
		       bob = made_ledger_used("login:bob", 0);

	await_late(false);
	/* The thread makes good what was not written. */
	while (!made_exists(made_path))
		(void)nanosleep(&pause_10ms, NULL);
	made_ledger_open(NULL);
	ck_assert_uint_eq(problems_count(made_problems), 0);
	ck_assert_uint_eq(made_ledger_used("login:ann", 0), ann);
	ck_assert_uint_eq(made_ledger_used("login:bob", 0), bob);
}

START_TEST(only_the_charge_that_writes_waits_for_the_disk)
	{
		enum ledger_answer answer = LEDGER_FAILED;
		struct ledger_hold *hold = NULL;

		open_files();
		let_hang(&answer);
		ck_assert_uint_eq(made_ledger_used("login:ann", 0), 1); /* no lock is held */
		ck_assert_uint_eq(ledger_size(made_ledger).keys, 2);
		ck_assert_int_eq(reserve(&hold, true), LEDGER_FAILED);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 1); /* taken back */
		await_late(true);
		for (int i = 0; i < 40; i++) { /* within the time of a test: at once */
			ck_assert_int_eq(reserve(&hold, true), LEDGER_FAILED);
			ck_assert_int_eq(made_ledger_charge("login:ann"), LEDGER_FAILED);
		}
		ledger_commit(made_ledger, ledger_file_now(made_file), &hold);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 1);
		ck_assert_int_eq(ledger_forget(made_ledger, 0, "login:bob", 9), -1);
		hanging_write_release();
		(void)pthread_join(writer, NULL);
		ck_assert_int_eq(answer, LEDGER_FREE);
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		check_files();
	}
END_TEST

/* Its record is written when the disk answers, but to the journal before the checkpoint. */
START_TEST(what_was_refused_does_not_count_after_a_checkpoint)
	{
		enum ledger_answer answer = LEDGER_FAILED;
		struct ledger_hold *hold = NULL;

		open_files();
		hanging_write_hold();
		ck_assert_int_eq(pthread_create(&writer, NULL, charge_ann, &answer), 0);
		hanging_write_await();
		ck_assert_int_eq(made_ledger_reserve(&hold, "login:carol"), LEDGER_FAILED);
		hanging_write_release();
		(void)pthread_join(writer, NULL);
		ledger_give_back(made_ledger, ledger_file_now(made_file), &hold);
		made_ledger_checkpoint();
		ck_assert_uint_eq(made_ledger_used("login:carol", 0), 0);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:carol", 0), 0);
		ck_assert_uint_eq(made_ledger_used("login:ann", 0), 1);
	}
END_TEST

/* _i: the message is sent, or not */
START_TEST(what_need_not_be_saved_counts_in_memory)
	{
		enum ledger_answer answer = LEDGER_FAILED;
		struct ledger_hold *hold = NULL;

		open_files();
		let_hang(&answer);
		ck_assert_int_eq(reserve(&hold, false), LEDGER_FREE); /* waits in vain */
		ck_assert_int_eq(reserve(&hold, false), LEDGER_FREE);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 3);
		ck_assert_uint_eq(ledger_size(made_ledger).unsaved, 2);
		if (_i == 0)
			ledger_commit(made_ledger, ledger_file_now(made_file), &hold);
		else
			ledger_give_back(made_ledger, ledger_file_now(made_file), &hold);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), _i == 0 ? 3 : 1);
		hanging_write_release();
		(void)pthread_join(writer, NULL);
		check_files();
	}
END_TEST

/* The server thread serves it, and all logins. */
START_TEST(a_request_of_a_person_never_writes)
	{
		open_files();
		start();
		hanging_write_hold();
		/* It is refused if the files' thread has been writing for two seconds already. */
		ck_assert_int_ne(ledger_forget(made_ledger, ledger_file_now(made_file), "login:bob",
					 9),
			0);
		hanging_write_await();
		await_late(true);
		ck_assert_int_eq(made_ledger_charge("login:ann"), LEDGER_FAILED);
		hanging_write_release();
		check_files();
	}
END_TEST

START_TEST(the_end_of_the_daemon_does_not_wait_for_the_disk)
	{
		enum ledger_answer answer = LEDGER_FAILED;
		struct errmsg err = { "" };

		open_files();
		let_hang(&answer);
		ck_assert_int_eq(ledger_file_end(made_file, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, made_path));
		hanging_write_release();
		(void)pthread_join(writer, NULL);
		ck_assert_int_eq(ledger_file_end(made_file, &err), 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_hang");
	TCase *tcase = tcase_create("ledger_hang");

	tcase_add_checked_fixture(tcase, made_ledger_setup, teardown);
	tcase_add_test(tcase, only_the_charge_that_writes_waits_for_the_disk);
	tcase_add_test(tcase, what_was_refused_does_not_count_after_a_checkpoint);
	tcase_add_loop_test(tcase, what_need_not_be_saved_counts_in_memory, 0, 2);
	tcase_add_test(tcase, a_request_of_a_person_never_writes);
	tcase_add_test(tcase, the_end_of_the_daemon_does_not_wait_for_the_disk);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
