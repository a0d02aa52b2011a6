/*
 * Shows that suspensions survive a restart in their file, and that a bad file or a failed save
 * changes nothing.
 */
#include "lib/store/suspensions_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf/file.h"
#include "t/unit/unit.h"

static char folder[64], path[96];
static struct suspensions *suspensions;

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/check_suspensions_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/s", folder);
	suspensions = suspensions_new();
}

static void teardown(void)
{
	suspensions_free(&suspensions);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left there */
}

static void put(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	(void)fclose(f);
}

START_TEST(suspensions_survive_a_restart)
	{
		struct suspensions *again = suspensions_new();
		struct errmsg err = { "" };
		struct stat st;

		ck_assert_int_eq(suspensions_set(suspensions, "Bob", true), 1);
		ck_assert_int_eq(suspensions_set(suspensions, "alice@example.com", true), 1);
		ck_assert_int_eq(suspensions_save(path, suspensions, false, &err), 0);
		ck_assert_int_eq(suspensions_load(path, again, &err), 0);
		ck_assert_uint_eq(suspensions_count(again), 2);
		ck_assert(suspensions_has(again, "bob"));
		ck_assert(suspensions_has(again, "alice@example.com"));
		ck_assert_str_eq(err.text, "");
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
		suspensions_free(&again);
	}
END_TEST

START_TEST(resuming_is_saved_too)
	{
		ck_assert_int_eq(suspensions_set(suspensions, "bob", true), 1);
		ck_assert_int_eq(suspensions_save(path, suspensions, false, NULL), 0);
		ck_assert_int_eq(suspensions_set(suspensions, "bob", false), 1);
		ck_assert_int_eq(suspensions_save(path, suspensions, false, NULL), 0);
		ck_assert_int_eq(suspensions_set(suspensions, "eve", true), 1);
		ck_assert_int_eq(suspensions_load(path, suspensions, NULL), 0);
		ck_assert_uint_eq(suspensions_count(suspensions), 0);
	}
END_TEST

START_TEST(a_byte_order_mark_does_not_belong_to_a_login)
	{
		struct errmsg err = { "" };
		FILE *file = fopen(path, "w");

		ck_assert_ptr_nonnull(file);
		(void)fputs("\xef\xbb\xbf"
			    "bob\n",
			file);
		(void)fclose(file);
		ck_assert_int_eq(suspensions_load(path, suspensions, &err), 0);
		ck_assert_uint_eq(suspensions_count(suspensions), 1);
		ck_assert_int_eq(suspensions_set(suspensions, "bob", false), 1);
	}
END_TEST

START_TEST(the_first_line_describes_the_file)
	{
		struct errmsg err = { "" };
		char *text;
		size_t len;

		ck_assert_int_eq(suspensions_set(suspensions, "bob", true), 1);
		ck_assert_int_eq(suspensions_save(path, suspensions, false, &err), 0);
		ck_assert_int_eq(file_read(path, 1000, &text, &len, NULL, &err), FILE_READ);
		ck_assert_int_eq(text[0], '#');
		ck_assert_str_eq(strchr(text, '\n'), "\nbob\n");
		free(text);
	}
END_TEST

START_TEST(without_a_path_or_a_file_nobody_is_suspended)
	{
		struct errmsg err = { "" };

		ck_assert_int_eq(suspensions_load("", suspensions, &err), 0);
		ck_assert_int_eq(suspensions_load(path, suspensions, &err), 0);
		ck_assert_str_eq(err.text, ""); /* a missing file is no error */
		ck_assert_uint_eq(suspensions_count(suspensions), 0);
		ck_assert_int_eq(suspensions_set(suspensions, "bob", true), 1);
		ck_assert_int_eq(suspensions_save("", suspensions, false, &err), 0);
		ck_assert_int_eq(access(path, F_OK), -1);
	}
END_TEST

static const struct {
	const char *text;
	size_t len;
	const char *why; /* after the path */
} bad[] = {
#define TEXT(literal) literal, sizeof(literal) - 1
	{ TEXT("alice\nbob \n"), ":2: a line cannot begin or end with a space; write \\x20" },
	{ TEXT("# a\n\n alice\n"), ":3: a line cannot begin or end with a space; write \\x20" },
	{ TEXT("alice\nbo\0b\n"), ":2: a control character; write \\xHH" },
	{ TEXT("alice\r\n"), ":1: a control character; write \\xHH" },
	{ TEXT("a\nb\nbob\\x00\n"), ":3: a control character; write \\xHH" },
	{ TEXT("\x7f"
	       "ELF\n"),
		":1: a control character; write \\xHH" },
};
START_TEST(a_foreign_file_is_an_error_and_changes_nothing)
	{
		struct errmsg err = { "" };

		put(bad[_i].text, bad[_i].len);
		ck_assert_int_eq(suspensions_set(suspensions, "eve", true), 1);
		ck_assert_int_eq(suspensions_load(path, suspensions, &err), -1);
		ck_assert_int_eq(strncmp(err.text, path, strlen(path)), 0);
		ck_assert_int_eq(strncmp(err.text + strlen(path), bad[_i].why, strlen(bad[_i].why)),
			0);
		ck_assert_uint_eq(suspensions_count(suspensions), 1);
		ck_assert(suspensions_has(suspensions, "eve"));
		ck_assert_int_eq(suspensions_load(path, suspensions, NULL), -1);
	}
END_TEST

START_TEST(a_directory_in_its_place_is_an_error)
	{
		struct errmsg err = { "" };

		ck_assert_int_eq(suspensions_load(folder, suspensions, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "is a directory"));
	}
END_TEST

START_TEST(a_failed_save_leaves_the_old_file)
	{
		struct errmsg err = { "" };
		char new_path[128];

		ck_assert_int_eq(suspensions_set(suspensions, "bob", true), 1);
		ck_assert_int_eq(suspensions_save(path, suspensions, false, &err), 0);
		(void)snprintf(new_path, sizeof(new_path), "%s.new", path);
		ck_assert_int_eq(mkdir(new_path, 0700), 0);
		ck_assert_int_eq(suspensions_set(suspensions, "eve", true), 1);
		ck_assert_int_eq(suspensions_save(path, suspensions, false, &err), -1);
		ck_assert_str_ne(err.text, "");
		ck_assert_int_eq(suspensions_save(path, suspensions, false, NULL), -1);
		ck_assert_int_eq(rmdir(new_path), 0);
		ck_assert_int_eq(suspensions_load(path, suspensions, NULL), 0);
		ck_assert(suspensions_has(suspensions, "bob"));
		ck_assert(!suspensions_has(suspensions, "eve"));
	}
END_TEST

START_TEST(a_missing_directory_is_an_error)
	{
		struct errmsg err = { "" };
		char deep[128];

		(void)snprintf(deep, sizeof(deep), "%s/none/s", folder);
		ck_assert_int_eq(suspensions_save(deep, suspensions, false, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, strerror(ENOENT)));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("suspensions_file");
	TCase *tcase = tcase_create("suspensions_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, suspensions_survive_a_restart);
	tcase_add_test(tcase, resuming_is_saved_too);
	tcase_add_test(tcase, a_byte_order_mark_does_not_belong_to_a_login);
	tcase_add_test(tcase, the_first_line_describes_the_file);
	tcase_add_test(tcase, without_a_path_or_a_file_nobody_is_suspended);
	tcase_add_loop_test(tcase, a_foreign_file_is_an_error_and_changes_nothing, 0,
		(int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tcase, a_directory_in_its_place_is_an_error);
	tcase_add_test(tcase, a_failed_save_leaves_the_old_file);
	tcase_add_test(tcase, a_missing_directory_is_an_error);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
