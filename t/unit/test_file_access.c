/*
 * Shows which parts of a path are noted because another user can change what it leads to. Each row
 * changes one thing of a tree in which nothing is noted.
 */
#include "lib/conf/file_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/unit.h"

#define THEIRS 12345 /* some unprivileged user */
#define OURS 12346   /* the user that the daemon becomes */
#define MTA 105	     /* a user of services */
#define SAME ((uid_t)-1)

static char folder[] = "/tmp/check_access.XXXXXX";
static char before[64]; /* the working directory is the folder */

static const char *const folders[] = { "a", "a/b", "other", "other/far" };
static const char *const links[][2] = { { "a/b/near", "file" },
	{ "a/b/up", "../../other/far/file" }, { "a/b/folder", "../../other/far" },
	{ "a/b/twice", "up" }, { "a/b/self", "self" }, { "a/b/nowhere", "../../other/missing" } };

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ck_assert_int_eq(mkdir(folders[i], 0755), 0);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		ck_assert_int_eq(symlink(links[i][1], links[i][0]), 0);
	ck_assert_int_eq(mknod("a/b/file", S_IFREG | 0644, 0), 0);
	ck_assert_int_eq(mknod("other/far/file", S_IFREG | 0644, 0), 0);
}

static void teardown(void)
{
	(void)unlink("a/b/file");
	(void)unlink("other/far/file");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		(void)unlink(links[i][0]);
	for (size_t i = sizeof(folders) / sizeof(folders[0]); i > 0; i--)
		(void)rmdir(folders[i - 1]);
	ck_assert_int_eq(chdir(before), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static const struct {
	const char *path;
	const char *changed;
	mode_t mode; /* 0: as before */
	uid_t owner;
	const char *note; /* NULL: nothing is noted */
	enum { FILE_OF_PEOPLE, MADE, SOCKET } use;
} rows[] = {
	{ .path = "a/b/file", .owner = SAME },
	{ .path = "a/b/twice", .owner = SAME },
	{ .path = "a/b/self", .owner = SAME },
	{ .path = "a/b/nowhere", .owner = SAME },
	{ .path = "missing/file", .owner = SAME },
	{ .path = "a/b/file/below", .owner = SAME },
	/* the file */
	{ "a/b/file", "a/b/file", 0666, SAME, "its mode is 0666", FILE_OF_PEOPLE },
	{ "a/b/file", "a/b/file", 0664, SAME, NULL, FILE_OF_PEOPLE },
	{ "a/b/file", "a/b/file", 0, THEIRS, "file: belongs to user 12345, who can do it",
		FILE_OF_PEOPLE },
	{ "a/b/file", "a/b/file", 0, OURS, NULL, FILE_OF_PEOPLE },
	{ "a/b/near", "a/b/file", 0666, SAME, "its mode is 0666", FILE_OF_PEOPLE },
	{ "a/b/up", "other/far/file", 0666, SAME, "its mode is 0666", FILE_OF_PEOPLE },
	{ "a/b/up", "other/far/file", 0, THEIRS, "up: belongs to user 12345", FILE_OF_PEOPLE },
	/* its directory, and those above */
	{ "a/b/file", "a/b", 0777, SAME, "/a/b is 0777, so that every user", FILE_OF_PEOPLE },
	{ "a/b/file", "a", 0777, SAME,
		"/a is 0777, so that every user of this machine can put another b",
		FILE_OF_PEOPLE },
	{ "a/b/file", "a", 0775, SAME, NULL, FILE_OF_PEOPLE },
	{ "a/b/file", "a", 0, THEIRS, "/a belongs to user 12345, who can replace what is in it",
		FILE_OF_PEOPLE },
	{ "a/b/file", "a/b", 0, OURS, NULL, FILE_OF_PEOPLE },
	{ "a/./b/../b//file", "a", 0777, SAME, "/a is 0777", FILE_OF_PEOPLE },
	{ "a/b/file", "other", 0777, SAME, NULL, FILE_OF_PEOPLE },
	/* the directories to which links lead */
	{ "a/b/up", "other", 0777, SAME, "/other is 0777", FILE_OF_PEOPLE },
	{ "a/b/up", "other/far", 0777, SAME, "/other/far is 0777", FILE_OF_PEOPLE },
	{ "a/b/twice", "other", 0, THEIRS, "/other belongs to user 12345", FILE_OF_PEOPLE },
	{ "a/b/folder/file", "other/far", 0777, SAME, "/other/far is 0777", FILE_OF_PEOPLE },
	{ "a/b/folder/../far/file", "other", 0777, SAME, "/other is 0777", FILE_OF_PEOPLE },
	/* in a sticky directory, only what others own can be replaced, and what is missing made */
	{ "a/b/file", "a/b", 01777, SAME, NULL, FILE_OF_PEOPLE },
	{ "a/b/file", "a", 01777, SAME, NULL, FILE_OF_PEOPLE },
	{ "a/b/missing", "a/b", 01777, SAME, "use another directory", FILE_OF_PEOPLE },
	{ "a/b/nowhere", "other", 01777, SAME, "put another missing in its place", FILE_OF_PEOPLE },
	{ "a/b/missing", "a/b", 0777, SAME, "put another missing in its place", FILE_OF_PEOPLE },
	/* what the daemon makes anew */
	{ "a/b/file", "a/b", 01777, SAME, "put another file in its place", MADE },
	{ "a/b/file", "a", 01777, SAME, NULL, MADE },
	/* the MTA's user may own the directories of sockets, unlike people */
	{ "a/b/file", "a/b", 0, MTA, NULL, SOCKET },
	{ "a/b/file", "a", 0, MTA, NULL, SOCKET },
	{ "a/b/file", "a/b", 0, THEIRS, "/a/b belongs to user 12345, who can replace", SOCKET },
	{ "a/b/file", "a", 0, THEIRS, "/a belongs to user 12345", SOCKET },
	{ "a/b/file", "a/b/file", 0, THEIRS, NULL, SOCKET },
	{ "a/b/file", "a/b/file", 0666, SAME, NULL, SOCKET },
	{ "a/b/file", "a", 0777, SAME, "/a is 0777", SOCKET },
};
START_TEST(each_part_of_a_path_that_others_can_change_is_noted)
	{
		const char *changed = rows[_i].changed;
		struct problems *problems = problems_new();
		const struct file_use use = { .path = rows[_i].path,
			.user = OURS,
			.is_made = rows[_i].use == MADE,
			.is_socket = rows[_i].use == SOCKET,
			.can = "do it" };
		size_t count;

		if (rows[_i].owner != SAME && geteuid() != 0)
			return; /* only root can give files away */
		if (rows[_i].owner != SAME)
			ck_assert_int_eq(lchown(changed, rows[_i].owner, (gid_t)-1), 0);
		if (rows[_i].mode != 0)
			ck_assert_int_eq(chmod(changed, rows[_i].mode), 0);
		file_note_use(&use, problems);
		count = problems_level_kept(problems, PROBLEM_NOTE);
		ck_assert_int_eq(count > 0, rows[_i].note != NULL);
		if (count > 0) {
			const char *note = problems_level_text(problems, PROBLEM_NOTE, 0);

			ck_assert_msg(strstr(note, rows[_i].note) != NULL, "%s", note);
			ck_assert_msg(strstr(note, "do it") != NULL, "%s", note);
		}
		ck_assert_uint_eq(problems_count(problems), 0);
		problems_free(&problems);
	}
END_TEST

/* Others' links and directories in a sticky directory can be replaced by their owners. */
START_TEST(a_link_of_another_user_in_a_sticky_directory_is_noted)
	{
		static const char *const names[] = { "a/b/near", "a/b" };
		struct problems *problems = problems_new();

		if (geteuid() != 0)
			return; /* only root can give files away */
		ck_assert_int_eq(chmod("a", 01777), 0);
		ck_assert_int_eq(chmod("a/b", 01777), 0);
		ck_assert_int_eq(lchown(names[_i], THEIRS, (gid_t)-1), 0);
		file_note_use(&(const struct file_use){ .path = "a/b/near", .can = "do it" },
			problems);
		ck_assert_uint_ge(problems_level_kept(problems, PROBLEM_NOTE), 1);
		ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
			"belongs to user 12345, who can replace it and do it"));
		problems_free(&problems);
	}
END_TEST

/* A directory that is noted by itself, such as that of lists, is not noted for each file. */
START_TEST(only_what_is_below_a_known_directory_is_noted)
	{
		struct problems *problems = problems_new();

		ck_assert_int_eq(chmod("a/b", 0777), 0);
		file_note_use(&(const struct file_use){ .path = "a/b/file",
				      .folder = "a/b",
				      .can = "do it" },
			problems);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), 0);
		ck_assert_int_eq(chmod("other", 0777), 0);
		file_note_use(&(const struct file_use){ .path = "a/b/up",
				      .folder = "a/b",
				      .can = "do it" },
			problems);
		/* The link leads back through the directory, and on. */
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), 1);
		ck_assert_ptr_nonnull(
			strstr(problems_level_text(problems, PROBLEM_NOTE, 0), "/other is 0777"));
		problems_free(&problems);
	}
END_TEST

static const struct {
	const char *changed;
	mode_t mode;
	bool is_noted;
} secrets[] = { { "a", 0755, true }, { "a", 0750, false }, { "a/b", 0700, false },
	{ "a/b/file", 0640, false } };
START_TEST(a_secret_that_every_user_can_reach_and_read_is_noted)
	{
		struct problems *problems = problems_new();

		ck_assert_int_eq(chmod(secrets[_i].changed, secrets[_i].mode), 0);
		file_note_use(&(const struct file_use){ .path = "a/b/file",
				      .can = "do it",
				      .secret = "the hashes" },
			problems);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE),
			secrets[_i].is_noted);
		problems_free(&problems);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("file_access");
	TCase *tcase = tcase_create("file_access");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_part_of_a_path_that_others_can_change_is_noted, 0,
		ROWS(rows));
	tcase_add_loop_test(tcase, a_link_of_another_user_in_a_sticky_directory_is_noted, 0, 2);
	tcase_add_test(tcase, only_what_is_below_a_known_directory_is_noted);
	tcase_add_loop_test(tcase, a_secret_that_every_user_can_reach_and_read_is_noted, 0,
		ROWS(secrets));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
