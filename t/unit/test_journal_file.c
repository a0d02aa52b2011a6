/*
 * Shows that a journal is appended to only behind its own store and lines, what happens to anything
 * else at its path, and that the store is read with it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/journal_file.h"
#include "lib/store/store_journal.h"
#include "lib/store/store_write.h"
#include "t/unit/unit.h"

#define STATE "state {\"revision\":\"r2\",\"written\":\"2026-01-31T23:59:59Z\"}\n"
#define BOB_GOES "-users {\"username\":\"bob\"}\n" STATE
#define EVE_GOES "-users {\"username\":\"eve\"}\n" STATE

static char folder[] = "/tmp/test_journal_file.XXXXXX";
static struct problems *problems;
static struct store_base base;
static struct errmsg err;

/* Write the store of bob and eve, over any file or over that one. */
static int write_over(const struct store_base *only)
{
	static const char rows[] = "{\"format\": \"postern-store-1\", \"profiles\": [], \"users\": "
				   "[{\"username\": \"bob\"}, {\"username\": \"eve\"}]}";
	const struct store_source source = { 0 };
	char *copy = strdup(rows);
	struct store store;
	int result;

	ck_assert_int_eq(store_parse("s", copy, strlen(rows), NULL, &source, &store, &err),
		STORE_READ);
	free(copy);
	store.written = 1700000000;
	result = store_write_over("s", &store, only, &base, problems, &err);
	store_clear(&store);
	return result;
}

static void write_store(void)
{
	ck_assert_int_eq(write_over(NULL), 1);
}

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	problems = problems_new();
	write_store();
}

static void teardown(void)
{
	static const char *const names[] = { "s", "s.prev", "s.journal", "s.prev.journal", "s.new",
		"s.saved-1700000000", "other" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(names[i]);
	(void)rmdir("s.journal");
	problems_free(&problems);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static enum journal_append append(const char *lines)
{
	return journal_file_append("s", &base, lines, strlen(lines), &err);
}

/* Read the store: which of bob and eve it has. */
static const char *read_names(void)
{
	const struct store_source source = { .problems = problems };
	struct store store = { 0 };
	struct user user;
	bool bob, eve;

	ck_assert_int_eq(store_read_with_prev("s", &source, &store, &err), STORE_READ);
	bob = users_find(store.users, "bob", 3, &user);
	eve = users_find(store.users, "eve", 3, &user);
	store_clear(&store);
	return bob ? eve ? "both" : "bob" : eve ? "eve" : "none";
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(changes_are_read_with_the_store)
	{
		struct stat st;

		ck_assert_str_eq(read_names(), "both");
		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		ck_assert_str_eq(read_names(), "eve");
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_APPENDED);
		ck_assert_str_eq(read_names(), "none");
		ck_assert_int_eq(stat("s.journal", &st), 0);
		ck_assert_uint_eq((uint64_t)st.st_size, base.end.len);
		ck_assert_uint_eq(st.st_mode & 07777, 0600);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), 0);
	}
END_TEST

START_TEST(a_new_store_begins_a_new_journal)
	{
		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		write_store();
		ck_assert_int_ne(access("s.journal", F_OK), 0);
		ck_assert_str_eq(read_names(), "both");
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_APPENDED);
		ck_assert_str_eq(read_names(), "bob");
	}
END_TEST

/* As after a crash between the two steps of writing a store: the old journal is not that of the new
 * store, but of the old one. */
START_TEST(a_journal_that_outlasted_its_store_belongs_to_the_old_one)
	{
		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		ck_assert_int_eq(rename("s.journal", "other"), 0);
		write_store();
		ck_assert_int_eq(rename("other", "s.journal"), 0);
		put("s", "{\"format\":\"postern-store-1\",\"revision\":\"torn");
		ck_assert_str_eq(read_names(), "eve");
	}
END_TEST

/* Without it, the rows of the predecessor would be as old as that file. */
START_TEST(the_predecessor_keeps_its_journal)
	{
		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		write_store();
		put("s", "{\"format\":\"postern-store-1\",\"revision\":\"torn");
		ck_assert_str_eq(read_names(), "eve");
		write_store(); /* the torn file does not become the predecessor */
		put("s", "{\"format\":\"postern-store-1\",\"revision\":\"torn");
		ck_assert_str_eq(read_names(), "eve");
		write_store();
		write_store();
		ck_assert_int_ne(access("s.prev.journal", F_OK), 0);
		put("s", "{\"format\":\"postern-store-1\",\"revision\":\"torn");
		ck_assert_str_eq(read_names(), "both");
	}
END_TEST

START_TEST(another_file_than_the_named_one_is_not_replaced)
	{
		const struct store_base first = base;
		struct file_stamp present, later;

		ck_assert_int_eq(write_over(&first), 1);
		ck_assert_int_eq(file_stamp("s", &present, NULL), 0);
		ck_assert_int_eq(write_over(&first), 0);
		ck_assert_int_eq(file_stamp("s", &later, NULL), 0);
		ck_assert(file_stamp_equal(&present, &later));
	}
END_TEST

/* It has rows that whoever read the file before does not know. */
START_TEST(a_file_whose_journal_has_grown_is_not_replaced)
	{
		struct store_base first = base;

		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		ck_assert_int_eq(write_over(&first), 0);
		ck_assert_str_eq(read_names(), "eve");
		first = base;
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_APPENDED);
		ck_assert_int_eq(write_over(&first), 0);
		ck_assert_str_eq(read_names(), "none");
		first = base;
		ck_assert_int_eq(write_over(&first), 1);
	}
END_TEST

/* An older copy of the store that was put back, or another edition of it. */
START_TEST(a_journal_beside_another_store_is_not_replayed)
	{
		struct store other = { .revision = (char *)"r0" };

		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		ck_assert_int_eq(rename("s.journal", "other"), 0);
		ck_assert_int_eq(store_write("s", &other, NULL, NULL, &err), 0);
		ck_assert_int_eq(rename("other", "s.journal"), 0);
		ck_assert_str_eq(read_names(), "none");
		ck_assert_ptr_nonnull(
			strstr(problems_text(problems, 0), "is the journal of another file"));
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_OUTDATED);
		ck_assert_ptr_nonnull(strstr(err.text, "s: was changed"));
	}
END_TEST

static void put_link(void)
{
	put("other", "precious");
	ck_assert_int_eq(symlink("other", "s.journal"), 0);
}

static void put_fifo(void)
{
	ck_assert_int_eq(mkfifo("s.journal", 0600), 0);
}

static void put_text(void)
{
	put("s.journal", "not a journal\n");
}

static void put_folder(void)
{
	ck_assert_int_eq(mkdir("s.journal", 0700), 0);
}

/* What may be at the path of a journal, the problem, and whether it makes way. */
static const struct {
	void (*put)(void);
	const char *want;
	enum journal_append appended;
} others[] = {
	{ put_link, "is a symbolic link", JOURNAL_APPENDED },
	{ put_fifo, "is not a regular file", JOURNAL_APPENDED },
	{ put_text, "the last 14 bytes were not written", JOURNAL_APPENDED },
	{ put_folder, "is not a regular file", JOURNAL_OUTDATED },
};

START_TEST(what_is_no_journal_is_reported_and_makes_way)
	{
		char *text;
		size_t len;

		others[_i].put();
		ck_assert_str_eq(read_names(), "both");
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), others[_i].want));
		ck_assert_int_eq(append(BOB_GOES), others[_i].appended);
		ck_assert_str_eq(read_names(),
			others[_i].appended == JOURNAL_APPENDED ? "eve" : "both");
		if (others[_i].put != put_link)
			return;
		ck_assert_int_eq(file_read("other", 100, &text, &len, NULL, &err), FILE_READ);
		ck_assert_str_eq(text, "precious");
		free(text);
	}
END_TEST

START_TEST(a_journal_of_another_user_is_not_read)
	{
		if (geteuid() != 0)
			return; /* only root can make one */
		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		ck_assert_int_eq(chown("s.journal", 65534, 65534), 0);
		ck_assert_str_eq(read_names(), "both");
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0),
			"s.journal: belongs to another user than the store, so that the changes in it"));
		ck_assert_int_eq(chown("s", 65534, 65534), 0);
		ck_assert_str_eq(read_names(), "eve");
	}
END_TEST

/* Something that another process did to the journal. */
static void cut_it(void)
{
	ck_assert_int_eq(truncate("s.journal", (off_t)base.end.len - 1), 0);
}

static void remove_it(void)
{
	ck_assert_int_eq(unlink("s.journal"), 0);
}

static void copy_it(void)
{
	char *text;
	size_t len;

	ck_assert_int_eq(file_read("s.journal", 1 << 20, &text, &len, NULL, &err), FILE_READ);
	ck_assert_int_eq(rename("s.journal", "other"), 0);
	put("s.journal", text);
	free(text);
}

static void link_it(void)
{
	ck_assert_int_eq(rename("s.journal", "other"), 0);
	ck_assert_int_eq(symlink("other", "s.journal"), 0);
}

static void (*const doings[])(void) = { cut_it, remove_it, copy_it, link_it };

START_TEST(a_journal_that_somebody_changed_is_not_appended_to)
	{
		struct store_base before;

		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		doings[_i]();
		before = base;
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_OUTDATED);
		ck_assert_uint_eq(base.end.len, before.end.len);
	}
END_TEST

START_TEST(a_torn_end_is_cut_off)
	{
		FILE *f;

		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		ck_assert_ptr_nonnull(f = fopen("s.journal", "a"));
		ck_assert_int_ge(fputs("01234567 users {\"username\":\"dave", f), 0);
		ck_assert_int_eq(fclose(f), 0);
		ck_assert_str_eq(read_names(), "eve");
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_APPENDED);
		ck_assert_str_eq(read_names(), "none");
	}
END_TEST

/* A full disk: the limit of a file's size has the same effect on write(). */
START_TEST(a_failed_append_leaves_the_journal_as_it_was)
	{
		struct rlimit limit, small;
		struct stat st;

		(void)signal(SIGXFSZ, SIG_IGN);
		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
		small = limit;
		small.rlim_cur = base.end.len + 20;
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_FAILED);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		ck_assert_int_eq(stat("s.journal", &st), 0);
		ck_assert_uint_eq((uint64_t)st.st_size, base.end.len);
		ck_assert_str_eq(read_names(), "eve");
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_APPENDED);
		ck_assert_str_eq(read_names(), "none");
	}
END_TEST

/* A reader would refuse all of it. */
START_TEST(a_journal_that_is_full_is_not_appended_to)
	{
		ck_assert_int_eq(append(BOB_GOES), JOURNAL_APPENDED);
		base.end.len = STORE_JOURNAL_MAX - 10;
		ck_assert_int_eq(append(EVE_GOES), JOURNAL_FAILED);
		ck_assert_str_eq(err.text, "s.journal: is full");
		ck_assert_str_eq(read_names(), "eve");
	}
END_TEST

/* The disk is full when the new store is written. */
START_TEST(a_store_made_by_hand_stays_until_the_new_one_is_complete)
	{
		static const char rows[] = "{\"format\":\"postern-store-1\",\"users\":"
					   "[{\"username\":\"bob\"}]}";
		struct rlimit limit, small;

		(void)signal(SIGXFSZ, SIG_IGN);
		put("s", rows);
		ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
		small = limit;
		small.rlim_cur = 20;
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
		ck_assert_int_eq(write_over(NULL), -1);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		ck_assert_str_eq(read_names(), "bob");
		write_store();
		ck_assert_str_eq(read_names(), "both");
		ck_assert_int_eq(access("s.saved-1700000000", F_OK), 0);
	}
END_TEST

static Suite *journal_file_suite(void)
{
	Suite *suite = suite_create("journal_file");
	TCase *tcase = tcase_create("journal_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, changes_are_read_with_the_store);
	tcase_add_test(tcase, a_new_store_begins_a_new_journal);
	tcase_add_test(tcase, a_journal_that_outlasted_its_store_belongs_to_the_old_one);
	tcase_add_test(tcase, the_predecessor_keeps_its_journal);
	tcase_add_test(tcase, another_file_than_the_named_one_is_not_replaced);
	tcase_add_test(tcase, a_file_whose_journal_has_grown_is_not_replaced);
	tcase_add_test(tcase, a_journal_beside_another_store_is_not_replayed);
	tcase_add_loop_test(tcase, what_is_no_journal_is_reported_and_makes_way, 0,
		sizeof(others) / sizeof(others[0]));
	tcase_add_test(tcase, a_journal_of_another_user_is_not_read);
	tcase_add_loop_test(tcase, a_journal_that_somebody_changed_is_not_appended_to, 0,
		sizeof(doings) / sizeof(doings[0]));
	tcase_add_test(tcase, a_torn_end_is_cut_off);
	tcase_add_test(tcase, a_failed_append_leaves_the_journal_as_it_was);
	tcase_add_test(tcase, a_journal_that_is_full_is_not_appended_to);
	tcase_add_test(tcase, a_store_made_by_hand_stays_until_the_new_one_is_complete);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(journal_file_suite)
