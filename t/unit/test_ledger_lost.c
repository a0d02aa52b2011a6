/*
 * Shows that the ledger writes its files again when others remove, cut or replace them while the
 * daemon runs, so that the next start has all counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "milter/ledger/ledger_file.h"
#include "t/unit/lib/made_ledger.h"
#include "t/unit/unit.h"

static const struct timespec pause_10ms = { .tv_nsec = 10000000 };

enum harm {
	JOURNAL_REMOVED, /* what is written to a file without a name is lost */
	JOURNAL_CUT,
	CHECKPOINT_REMOVED,
	CHECKPOINT_CUT,
	CHECKPOINT_REPLACED, /* by a FIFO, of which nothing needs to be kept */
	CHECKPOINT_COPIED,   /* back from a copy, such as a backup */
	CHECKPOINT_IS_A_DIRECTORY,
	LOCK_REMOVED, /* another daemon could use the files */
	DIRECTORY_REPLACED,
	HARMS,
};

static bool is_replaced(enum harm harm)
{
	return harm == CHECKPOINT_REPLACED || harm == CHECKPOINT_COPIED ||
		harm == CHECKPOINT_IS_A_DIRECTORY;
}

static void harm_files(enum harm harm)
{
	char directory[96], away[112], lock[112], *text;
	size_t len;

	(void)strcpy(directory, made_path);
	*strrchr(directory, '/') = '\0';
	(void)snprintf(away, sizeof(away), "%s-away", directory);
	(void)snprintf(lock, sizeof(lock), "%s.lock", made_path);
	if (harm == JOURNAL_CUT)
		ck_assert_int_eq(truncate(made_journal(2), 10), 0);
	if (harm == CHECKPOINT_CUT)
		ck_assert_int_eq(truncate(made_path, 10), 0);
	if (harm == JOURNAL_REMOVED)
		ck_assert_int_eq(unlink(made_journal(2)), 0);
	if (harm == LOCK_REMOVED)
		ck_assert_int_eq(unlink(lock), 0);
	text = made_read(made_path, &len);
	if (harm == CHECKPOINT_REMOVED || is_replaced(harm))
		ck_assert_int_eq(unlink(made_path), 0);
	if (harm == CHECKPOINT_COPIED)
		made_write(made_path, text, len);
	free(text);
	if (harm == CHECKPOINT_IS_A_DIRECTORY)
		ck_assert_int_eq(mkdir(made_path, 0700), 0);
	if (harm == CHECKPOINT_REPLACED)
		ck_assert_int_eq(mkfifo(made_path, 0600), 0);
	if (harm == DIRECTORY_REPLACED) {
		ck_assert_int_eq(rename(directory, away), 0);
		ck_assert_int_eq(mkdir(directory, 0700), 0);
		made_remove_all(away);
	}
}

/* Wait until the ledger's thread has told that a file was renamed. */
static void await_note(void)
{
	struct errmsg note;

	do {
		(void)nanosleep(&pause_10ms, NULL);
		ledger_file_put_aside(made_file, &note);
	} while (note.text[0] == '\0');
	ck_assert_ptr_nonnull(strstr(note.text, "limits.state.bad"));
}

/* _i: enum harm */
START_TEST(files_that_others_harm_are_written_again)
	{
		const bool leaves_file = _i == CHECKPOINT_CUT ||
			(is_replaced((enum harm)_i) && _i != CHECKPOINT_REPLACED);
		struct errmsg err;
		char bad[112];

		made_ledger_open(NULL);
		(void)made_ledger_charge("login:bob");
		made_ledger_checkpoint();
		(void)made_ledger_charge("login:bob");
		harm_files((enum harm)_i);
		ck_assert_int_eq(ledger_file_start(made_file, &err), 0);
		while (!made_exists(made_path) || !made_exists(made_journal(3)))
			(void)nanosleep(&pause_10ms, NULL); /* the test's time is limited */
		(void)snprintf(bad, sizeof(bad), "%s.bad", made_path);
		ck_assert(made_exists(bad) == leaves_file);
		if (leaves_file)
			await_note();
		ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		made_ledger_open(NULL);
		ck_assert_uint_eq(problems_count(made_problems), 0);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 3);
		(void)rmdir(bad);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_lost");
	TCase *tcase = tcase_create("ledger_lost");

	tcase_add_checked_fixture(tcase, made_ledger_setup, made_ledger_teardown);
	tcase_add_loop_test(tcase, files_that_others_harm_are_written_again, 0, HARMS);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
