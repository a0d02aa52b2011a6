/*
 * Shows that a file is replaced completely or not at all, with its predecessor kept, also on a full
 * disk.
 */
#include "lib/conf/file_writer.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "t/unit/unit.h"

static char folder[] = "/tmp/check_file_writer.XXXXXX";
static char path[64], prev[64], new_path[64];

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/f", folder);
	(void)snprintf(prev, sizeof(prev), "%s/f.prev", folder);
	(void)snprintf(new_path, sizeof(new_path), "%s/f.new", folder);
}

static void teardown(void)
{
	(void)unlink(path);
	(void)unlink(prev);
	(void)unlink(new_path);
	ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left there */
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
	ck_assert_int_eq(chmod(name, mode), 0);
}

static void assert_holds(const char *name, const char *want)
{
	struct errmsg err = { "" };
	char *text;
	size_t len;

	ck_assert_int_eq(file_read(name, 1000, &text, &len, NULL, &err), FILE_READ);
	ck_assert_str_eq(text, want);
	ck_assert_uint_eq(len, strlen(want));
	free(text);
}

static void write_once(const char *text, bool keep_prev)
{
	struct errmsg err = { "" };
	struct file_writer *writer = file_begin(path, &err);
	struct file_stamp stamp, now;

	ck_assert_ptr_nonnull(writer);
	ck_assert_int_eq(file_add(writer, text, strlen(text), &err), 0);
	ck_assert_int_eq(file_commit(&writer, keep_prev, &stamp, &err), 0);
	ck_assert_ptr_null(writer);
	ck_assert_int_eq(file_stamp(path, &now, &err), 0);
	ck_assert(file_stamp_equal(&stamp, &now));
}

START_TEST(replaces_a_file_and_keeps_its_predecessor)
	{
		struct stat st;

		write_once("one", true);
		ck_assert_int_eq(access(prev, F_OK), -1);
		write_once("two", true);
		assert_holds(path, "two");
		assert_holds(prev, "one");
		write_once("three", true);
		assert_holds(prev, "two");
		write_once("four", false);
		assert_holds(path, "four");
		assert_holds(prev, "two");
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);
	}
END_TEST

static bool has_links = true;

/* The C library's function, which the writer calls. */
int link(const char *from, const char *to)
{
	int (*real)(const char *, const char *);

	if (!has_links) {
		errno = EPERM;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "link");
	return real(from, to);
}

/* A file system without them, or a file of another user. */
START_TEST(keeps_the_predecessor_where_no_file_may_have_two_names)
	{
		write_once("one", true);
		write_once("two", true);
		has_links = false;
		write_once("three", true);
		assert_holds(path, "three");
		assert_holds(prev, "two");
	}
END_TEST

START_TEST(does_not_keep_what_is_no_file)
	{
		struct errmsg err = { "" };
		struct file_writer *writer;

		ck_assert_int_eq(mkfifo(path, 0600), 0);
		write_once("one", true);
		ck_assert_int_eq(access(prev, F_OK), -1);
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(mkdir(path, 0700), 0);
		ck_assert_ptr_nonnull(writer = file_begin(path, &err));
		ck_assert_int_eq(file_commit(&writer, true, NULL, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/f: Is a directory"));
		ck_assert_int_eq(access(prev, F_OK), -1);
		ck_assert_int_eq(rmdir(path), 0);
	}
END_TEST

START_TEST(leaves_the_old_file_until_the_commit)
	{
		struct errmsg err = { "" };
		struct file_writer *writer;

		put(path, "old", 0600);
		put(new_path, "left behind by one that died", 0644);
		ck_assert_ptr_nonnull(writer = file_begin(path, &err));
		ck_assert_int_eq(file_add(writer, "new", 3, &err), 0);
		assert_holds(path, "old");
		file_abandon(&writer);
		file_abandon(&writer);
		assert_holds(path, "old");
		ck_assert_int_eq(access(new_path, F_OK), -1);
	}
END_TEST

static bool folders_fail;

/* The C library's function, which fails for directories if folders_fail. */
int fsync(int fd)
{
	struct stat st;

	if (!folders_fail || fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
		return (int)syscall(SYS_fsync, fd);
	errno = EIO;
	return -1;
}

/* Otherwise its owner would take it for a file of somebody else. */
START_TEST(a_file_whose_folder_cannot_be_synced_has_its_stamp)
	{
		struct errmsg err = { "" };
		struct file_writer *writer;
		struct file_stamp stamp, now;

		ck_assert_ptr_nonnull(writer = file_begin(path, &err));
		folders_fail = true;
		ck_assert_int_eq(file_commit(&writer, false, &stamp, &err), -1);
		folders_fail = false;
		ck_assert_int_eq(file_stamp(path, &now, &err), 0);
		ck_assert(file_stamp_equal(&stamp, &now));
	}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file)
	{
		struct errmsg err = { "" };
		struct rlimit before, tight;
		struct file_writer *writer;
		static const char big[1 << 20];

		put(path, "old", 0600);
		ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
		tight = before;
		tight.rlim_cur = 1 << 19; /* as a full disk: the file cannot grow past that */
		ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
		ck_assert_ptr_nonnull(writer = file_begin(path, &err));
		ck_assert_int_eq(file_add(writer, big, sizeof(big), &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/f.new: File too large"));
		file_abandon(&writer);
		ck_assert_ptr_nonnull(writer = file_begin(path, &err));
		ck_assert_int_eq(file_add(writer, big, 1 << 17, &err), 0);
		ck_assert_int_eq(file_add(writer, big, (1 << 19) - (1 << 17), &err), 0);
		ck_assert_int_eq(file_add(writer, big, 1, &err), 0); /* it waits in the buffer */
		ck_assert_int_eq(file_commit(&writer, true, NULL, &err), -1);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_holds(path, "old");
		ck_assert_int_eq(access(prev, F_OK), -1);
	}
END_TEST

START_TEST(an_error_gives_the_path_that_cannot_be_written)
	{
		struct errmsg err = { "" };

		ck_assert_ptr_null(file_begin("/nonexistent/f", &err));
		ck_assert_str_eq(err.text, "/nonexistent/f.new: No such file or directory");
	}
END_TEST

START_TEST(a_small_file_has_room)
	{
		ck_assert(file_has_room(path, 1));
		ck_assert_int_eq(access(path, F_OK), -1);
		ck_assert(file_has_room("/nowhere/f", 1));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("file_writer");
	TCase *tcase = tcase_create("file_writer");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, replaces_a_file_and_keeps_its_predecessor);
	tcase_add_test(tcase, keeps_the_predecessor_where_no_file_may_have_two_names);
	tcase_add_test(tcase, does_not_keep_what_is_no_file);
	tcase_add_test(tcase, leaves_the_old_file_until_the_commit);
	tcase_add_test(tcase, a_file_whose_folder_cannot_be_synced_has_its_stamp);
	tcase_add_test(tcase, a_full_disk_leaves_the_old_file);
	tcase_add_test(tcase, an_error_gives_the_path_that_cannot_be_written);
	tcase_add_test(tcase, a_small_file_has_room);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
