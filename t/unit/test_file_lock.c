/*
 * Shows who gets the lock on a path, that it ends with its owner, and that it is taken anew if
 * somebody removes its file.
 */
#include "lib/conf/file_lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/unit.h"

static char folder[64], path[96];
static int first, second;
static struct errmsg err;

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/test_file_lock.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/lock", folder);
	first = second = -1;
}

static void teardown(void)
{
	file_lock_release(&first);
	file_lock_release(&second);
	(void)unlink(path);
	(void)rmdir(folder);
}

START_TEST(a_path_is_locked_once_until_it_is_released)
	{
		struct stat st;

		ck_assert(!file_lock_is_busy(path));
		ck_assert_int_ne(access(path, F_OK), 0); /* a look makes no file */
		ck_assert_int_eq(file_lock_take(path, &first, &err), FILE_LOCKED);
		ck_assert_int_eq(file_lock_take(path, &first, &err), FILE_LOCKED);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
		ck_assert(file_lock_is_busy(path));
		ck_assert_int_eq(file_lock_take(path, &second, &err), FILE_LOCK_BUSY);
		ck_assert_int_eq(second, -1);
		file_lock_release(&first);
		ck_assert(!file_lock_is_busy(path));
		ck_assert_int_eq(file_lock_take(path, &second, &err), FILE_LOCKED);
	}
END_TEST

START_TEST(a_lock_whose_file_was_removed_is_taken_anew)
	{
		ck_assert_int_eq(file_lock_take(path, &first, &err), FILE_LOCKED);
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(file_lock_take(path, &first, &err), FILE_LOCKED);
		ck_assert(file_lock_is_busy(path));
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(file_lock_take(path, &second, &err), FILE_LOCKED);
		ck_assert_int_eq(file_lock_take(path, &first, &err), FILE_LOCK_BUSY);
		ck_assert_int_eq(first, -1);
	}
END_TEST

START_TEST(a_link_is_not_followed)
	{
		ck_assert_int_eq(symlink("elsewhere", path), 0);
		ck_assert_int_eq(file_lock_take(path, &first, &err), FILE_LOCK_FAILED);
		ck_assert_ptr_nonnull(strstr(err.text, strerror(ELOOP)));
		ck_assert_int_eq(first, -1);
		ck_assert(!file_lock_is_busy(path));
	}
END_TEST

static Suite *file_lock_suite(void)
{
	Suite *suite = suite_create("file_lock");
	TCase *tcase = tcase_create("file_lock");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_path_is_locked_once_until_it_is_released);
	tcase_add_test(tcase, a_lock_whose_file_was_removed_is_taken_anew);
	tcase_add_test(tcase, a_link_is_not_followed);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(file_lock_suite)
