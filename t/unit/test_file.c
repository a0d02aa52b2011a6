/*
 * Shows how whole files and secrets are read, which files are refused, and that the standard
 * descriptors never become files.
 */
#include "lib/conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/unit.h"

static char folder[] = "/tmp/check_file.XXXXXX";
static char path[64];

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/f", folder);
}

static void teardown(void)
{
	(void)unlink(path);
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

START_TEST(reads_a_whole_file)
	{
		struct errmsg err = { "" };
		struct file_stamp stamp, now;
		char *text;
		size_t len;

		put(path, "12345", 0644);
		ck_assert_int_eq(file_read(path, 5, &text, &len, &stamp, &err), FILE_READ);
		ck_assert_str_eq(text, "12345");
		free(text);
		ck_assert_int_eq(file_stamp(path, &now, &err), 0);
		ck_assert(file_stamp_equal(&stamp, &now));
		put(path, "1234567", 0644);
		ck_assert_int_eq(file_stamp(path, &now, &err), 0);
		ck_assert(!file_stamp_equal(&stamp, &now));
		ck_assert_int_eq(file_read(path, 5, &text, &len, NULL, &err), FILE_FAILED);
		ck_assert_ptr_nonnull(strstr(err.text, "/f: has 7 bytes; at most 5 are read"));
	}
END_TEST

/* Threads read it in parallel. Each block of the file begins with its number. */
START_TEST(reads_a_large_file)
	{
		const size_t block = 1 << 20, blocks = 40;
		const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		struct errmsg err = { "" };
		char *text, mark[16];
		size_t len;

		ck_assert_int_ge(fd, 0);
		for (size_t i = 0; i < blocks; i++) {
			(void)snprintf(mark, sizeof(mark), "block %zu", i);
			ck_assert_int_gt(pwrite(fd, mark, strlen(mark), (off_t)(i * block)), 0);
		}
		ck_assert_int_eq(ftruncate(fd, (off_t)(blocks * block + 1)), 0);
		(void)close(fd);
		ck_assert_int_eq(file_read(path, blocks * block + 1, &text, &len, NULL, &err),
			FILE_READ);
		ck_assert_uint_eq(len, blocks * block + 1);
		for (size_t i = 0; i < blocks; i++) {
			(void)snprintf(mark, sizeof(mark), "block %zu", i);
			ck_assert_str_eq(text + i * block, mark);
			ck_assert_int_eq(text[(i + 1) * block - 1], '\0');
		}
		free(text);
	}
END_TEST

START_TEST(tells_missing_from_unreadable)
	{
		struct errmsg err = { "" };
		struct file_stamp stamp = { .exists = true };
		char *text;
		size_t len;

		ck_assert_int_eq(file_read(path, 5, &text, &len, NULL, &err), FILE_MISSING);
		ck_assert_ptr_nonnull(strstr(err.text, "/f: No such file or directory"));
		ck_assert_int_eq(file_stamp(path, &stamp, &err), 0);
		ck_assert(!stamp.exists);
		ck_assert_int_eq(file_read(folder, 5, &text, &len, NULL, &err), FILE_FAILED);
		ck_assert_ptr_nonnull(strstr(err.text, ": is a directory"));
		ck_assert_int_eq(mkfifo(path, 0600), 0);
		ck_assert_int_eq(file_read(path, 5, &text, &len, NULL, &err), FILE_FAILED);
		ck_assert_ptr_nonnull(strstr(err.text, ": is not a regular file"));
		(void)unlink(path);
		put(path, "", 0600);
		(void)strcat(path, "/below");
		ck_assert_int_eq(file_read(path, 5, &text, &len, NULL, &err), FILE_FAILED);
		ck_assert_int_eq(file_stamp(path, &stamp, &err), -1);
		*strrchr(path, '/') = '\0';
	}
END_TEST

/* Somebody has put the link there, so that the file is not merely missing. */
START_TEST(a_link_to_nothing_is_an_error)
	{
		struct errmsg err = { "" };
		struct file_stamp stamp;
		char *text;
		size_t len;

		ck_assert_int_eq(symlink("nowhere", path), 0);
		ck_assert_int_eq(file_read(path, 5, &text, &len, NULL, &err), FILE_FAILED);
		ck_assert_ptr_nonnull(
			strstr(err.text, "/f: is a symbolic link to a file that does not exist"));
		ck_assert_int_eq(file_stamp(path, &stamp, &err), -1);
		ck_assert_int_eq(file_try_open(path, &err), FILE_FAILED);
		ck_assert_str_eq(err.text, "is a symbolic link to a file that does not exist");
	}
END_TEST

START_TEST(tries_to_open_and_to_create)
	{
		struct errmsg err = { "" };

		ck_assert_int_eq(file_try_open(path, &err), FILE_MISSING);
		ck_assert_int_eq(file_try_open(folder, &err), FILE_FAILED);
		ck_assert_str_eq(err.text, "is a directory");
		ck_assert_int_eq(mkfifo(path, 0600), 0);
		ck_assert_int_eq(file_try_open(path, &err), FILE_FAILED);
		ck_assert_str_eq(err.text, "is not a regular file");
		(void)unlink(path);
		put(path, "", 0600);
		ck_assert_int_eq(file_try_open(path, &err), FILE_READ);
		ck_assert_int_eq(file_try_create(folder, &err), 0); /* and leaves nothing there */
		ck_assert_int_eq(file_try_create(path, &err), -1);
		ck_assert_int_eq(file_try_create("/nonexistent", &err), -1);
		ck_assert_str_eq(err.text, "No such file or directory");
	}
END_TEST

static const struct {
	mode_t mode;
	enum file_result want;
} modes[] = {
	{ 0600, FILE_READ },
	{ 0400, FILE_READ },
	{ 0640, FILE_FAILED },
	{ 0604, FILE_FAILED },
	{ 0620, FILE_FAILED },
	{ 0601, FILE_FAILED },
};
START_TEST(refuses_secrets_that_others_can_access)
	{
		struct errmsg err = { "" };
		char *text;
		size_t len;

		put(path, "hush", modes[_i].mode);
		ck_assert_int_eq(file_read_secret(path, 100, (uid_t)-1, &text, &len, &err),
			modes[_i].want);
		if (modes[_i].want == FILE_READ)
			free(text);
		else
			ck_assert_ptr_nonnull(strstr(err.text, "make it 0600"));
		ck_assert_ptr_null(strstr(err.text, "hush"));
	}
END_TEST

#define THEIRS 12345 /* some unprivileged user */
#define OURS 12346   /* the user that the daemon becomes */

static const struct {
	uid_t owner, user;
	enum file_result want;
} owners[] = {
	{ 0, OURS, FILE_READ },
	{ 0, (uid_t)-1, FILE_READ },
	{ OURS, OURS, FILE_READ },
	{ THEIRS, OURS, FILE_FAILED },
	{ THEIRS, (uid_t)-1, FILE_FAILED },
	{ THEIRS, 0, FILE_FAILED },
};
START_TEST(refuses_secrets_of_other_users)
	{
		struct errmsg err = { "" };
		char *text;
		size_t len;

		if (geteuid() != 0)
			return; /* others' secrets can't be read anyway */
		put(path, "hush", 0600);
		ck_assert_int_eq(chown(path, owners[_i].owner, (gid_t)-1), 0);
		ck_assert_int_eq(file_read_secret(path, 100, owners[_i].user, &text, &len, &err),
			owners[_i].want);
		if (owners[_i].want == FILE_READ)
			free(text);
		else
			ck_assert_ptr_nonnull(strstr(err.text, "belongs to user 12345"));
	}
END_TEST

START_TEST(detects_a_file_that_grows_meanwhile)
	{
		struct errmsg err = { "" };
		char *text;
		size_t len;

		/* stat() reports an empty file, but reading it returns text. */
		ck_assert_int_eq(file_read("/proc/self/status", 1000, &text, &len, NULL, &err),
			FILE_FAILED);
		ck_assert_str_eq(err.text, "/proc/self/status: changed while it was read");
	}
END_TEST

START_TEST(makes_a_path_absolute_and_leaves_links_alone)
	{
		char target[96], want[160], *absolute;

		(void)snprintf(target, sizeof(target), "%s/x", folder);
		ck_assert_int_eq(symlink(target, path), 0);
		ck_assert_int_eq(chdir(folder), 0);
		ck_assert_ptr_nonnull(absolute = file_absolute("f"));
		ck_assert_str_eq(absolute, path);
		free(absolute);
		ck_assert_ptr_nonnull(absolute = file_absolute("./a/../f"));
		(void)snprintf(want, sizeof(want), "%s/./a/../f", folder);
		ck_assert_str_eq(absolute, want);
		free(absolute);
		ck_assert_ptr_nonnull(absolute = file_absolute(path));
		ck_assert_str_eq(absolute, path);
		free(absolute);
		ck_assert_int_eq(chdir("/"), 0);
		ck_assert_ptr_nonnull(absolute = file_absolute("f"));
		ck_assert_str_eq(absolute, "/f");
		free(absolute);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *path, *directory;
} directories[] = { { "a", "." }, { "/a", "/" }, { "/a/b", "/a" }, { "a/b", "a" },
	{ "/a/b/", "/a/b" } };
START_TEST(the_directory_of_a_path_ends_before_its_last_slash)
	{
		char *directory = file_directory(directories[_i].path);

		ck_assert_ptr_nonnull(directory);
		ck_assert_str_eq(directory, directories[_i].directory);
		free(directory);
	}
END_TEST

/* In a child: exit with 0 if the standard descriptors are occupied and of no use. */
static void occupy_all(void)
{
	char byte = 0;
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)close(fd);
	file_occupy_closed();
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	_exit(fd > STDERR_FILENO && read(STDIN_FILENO, &byte, 1) < 0 && errno == EBADF &&
				write(STDOUT_FILENO, &byte, 1) < 0 && errno == EBADF &&
				write(STDERR_FILENO, &byte, 1) < 0 && errno == EBADF ?
			0 :
			1);
}

START_TEST(closed_standard_descriptors_are_occupied)
	{
		struct stat before, after;
		pid_t child;
		int status;

		ck_assert_int_eq(fstat(STDOUT_FILENO, &before), 0);
		file_occupy_closed(); /* changes none that is open */
		ck_assert_int_eq(fstat(STDOUT_FILENO, &after), 0);
		ck_assert_uint_eq(before.st_ino, after.st_ino);
		if ((child = fork()) == 0)
			occupy_all();
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("file");
	TCase *tcase = tcase_create("file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, reads_a_whole_file);
	tcase_add_test(tcase, reads_a_large_file);
	tcase_add_test(tcase, tells_missing_from_unreadable);
	tcase_add_test(tcase, a_link_to_nothing_is_an_error);
	tcase_add_test(tcase, tries_to_open_and_to_create);
	tcase_add_loop_test(tcase, refuses_secrets_that_others_can_access, 0, ROWS(modes));
	tcase_add_loop_test(tcase, refuses_secrets_of_other_users, 0, ROWS(owners));
	tcase_add_test(tcase, detects_a_file_that_grows_meanwhile);
	tcase_add_test(tcase, makes_a_path_absolute_and_leaves_links_alone);
	tcase_add_loop_test(tcase, the_directory_of_a_path_ends_before_its_last_slash, 0,
		sizeof(directories) / sizeof(directories[0]));
	tcase_add_test(tcase, closed_standard_descriptors_are_occupied);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
