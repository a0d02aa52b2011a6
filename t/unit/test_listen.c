/*
 * Shows that a listening unix socket has its mode from the start, replaces one that nobody answers
 * on, and leaves other files alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "milter/loop/listen.h"
#include "t/unit/unit.h"

static char folder[] = "/tmp/postern-listen-XXXXXX";
static char path[sizeof(folder) + 10];
static struct errmsg err;
static const struct listen_owner owner = { .mode = 0620, .uid = (uid_t)-1, .gid = (gid_t)-1 };

static void setup(void)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
}

static void teardown(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

START_TEST(a_socket_has_its_mode_from_the_start)
	{
		mode_t mask = umask(0);
		struct stat st;
		int fd;

		(void)umask(mask);
		ck_assert_int_eq(listen_unix(path, &owner, &fd, &err), 0);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert(S_ISSOCK(st.st_mode));
		ck_assert_uint_eq(st.st_mode & 0777, 0620);
		ck_assert_uint_eq(umask(mask), mask);
		(void)close(fd);
	}
END_TEST

START_TEST(a_socket_in_use_is_not_replaced)
	{
		int fd, second;

		ck_assert_int_eq(listen_unix(path, &owner, &fd, &err), 0);
		ck_assert_int_eq(listen_unix(path, &owner, &second, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "another daemon uses it"));
		ck_assert_ptr_nonnull(strstr(err.text, path));
		(void)close(fd); /* as if the daemon had been killed: the path remains */
		ck_assert_int_eq(listen_unix(path, &owner, &second, &err), 0);
		(void)close(second);
	}
END_TEST

START_TEST(another_file_is_not_replaced)
	{
		FILE *file = fopen(path, "w");
		int fd;

		(void)fclose(file);
		ck_assert_int_eq(listen_unix(path, &owner, &fd, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "is not a socket"));
		ck_assert_int_eq(access(path, F_OK), 0);
	}
END_TEST

/* What somebody else puts at the path between bind() and the change of owner and group */
static void put_file(void)
{
	(void)fclose(fopen(path, "w"));
}

static void put_folder(void)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void put_link(void)
{
	ck_assert_int_eq(symlink("/dev/null", path), 0);
}

static void put_link_to_socket(void)
{
	char other[sizeof(path) + 10];
	int fd;

	ck_assert_int_eq(listen_unix(path, &owner, &fd, &err), 0);
	(void)close(fd);
	(void)snprintf(other, sizeof(other), "%s.moved", path);
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert_int_eq(symlink(other, path), 0);
}

static void put_second_name(void)
{
	char other[sizeof(path) + 10];

	put_link_to_socket();
	(void)snprintf(other, sizeof(other), "%s.moved", path);
	(void)unlink(path);
	ck_assert_int_eq(link(other, path), 0);
}

static void put_socket_of_another(void)
{
	int fd;

	ck_assert_int_eq(listen_unix(path, &owner, &fd, &err), 0);
	(void)close(fd);
	ck_assert_int_eq(lchown(path, 12345, (gid_t)-1), 0);
}

static void put_nothing(void)
{
}

static const struct {
	void (*put)(void);
	bool needs_root;
} strangers[] = {
	{ put_file, false },
	{ put_folder, false },
	{ put_link, false },
	{ put_link_to_socket, false },
	{ put_second_name, false },
	{ put_socket_of_another, true },
	{ put_nothing, false },
};
START_TEST(only_our_own_socket_is_given_away)
	{
		const struct listen_owner gift = { .mode = 0620,
			.uid = geteuid(),
			.gid = getegid() };
		char other[sizeof(path) + 10];
		struct stat before = { 0 }, after = { 0 };
		mode_t mask = umask(022);

		(void)umask(mask);
		if (strangers[_i].needs_root && geteuid() != 0)
			return;
		strangers[_i].put();
		(void)lstat(path, &before);
		ck_assert_int_eq(listen_own(path, &gift, mask, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, path));
		(void)lstat(path, &after);
		ck_assert_uint_eq(after.st_uid, before.st_uid);
		ck_assert_int_eq(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
		(void)snprintf(other, sizeof(other), "%s.moved", path);
		(void)unlink(other);
		(void)rmdir(path);
	}
END_TEST

#define USER 65534 /* who owns the folder, and may put links in it */

/* Root must not follow a link that the daemon's user can make. */
static const struct {
	bool is_link; /* folder/sub: to a directory of root */
	uid_t owner;  /* of the folder */
	gid_t group;
	mode_t mode;
	bool has_list; /* an access control list lets the user write to the folder */
} places[] = {
	{ true, USER, 0, 0755, false },
	{ false, USER, 0, 0755, false },
	{ true, 0, USER, 02770, false }, /* nobody's group has the same number */
	{ false, 0, USER, 02770, false },
	{ true, 0, 0, 0777, false },
	{ true, 0, 0, 01777, false },
	{ true, 0, 0, 0755, true },
	{ false, 0, 0, 0755, true },
};

/* Let the user write to the folder by a list as in acl(5). Returns whether the file system has such
 * lists. */
static bool set_list(void)
{
	static const struct {
		uint32_t version;
		struct {
			uint16_t tag, rights;
			uint32_t id;
		} entries[5];
	} list = { 2,
		{ { 0x01, 7, UINT32_MAX }, { 0x02, 7, USER }, { 0x04, 5, UINT32_MAX },
			{ 0x10, 7, UINT32_MAX }, { 0x20, 5, UINT32_MAX } } };

	return setxattr(folder, "system.posix_acl_access", &list, sizeof(list), 0) == 0;
}

START_TEST(root_makes_nothing_where_a_link_of_the_user_leads)
	{
		const struct listen_owner gift = { .mode = 0600, .uid = USER, .gid = (gid_t)-1 };
		char sub[sizeof(folder) + 10], victim[sizeof(folder) + 10],
			socket_path[sizeof(folder) + 30], made[sizeof(folder) + 30];
		struct listen_file file;
		struct stat st;
		int fd;

		if (geteuid() != 0)
			return;
		(void)snprintf(sub, sizeof(sub), "%s/sub", folder);
		(void)snprintf(victim, sizeof(victim), "%s.root", folder);
		(void)snprintf(socket_path, sizeof(socket_path), "%s/socket", sub);
		(void)snprintf(made, sizeof(made), "%s/socket", places[_i].is_link ? victim : sub);
		ck_assert_int_eq(mkdir(victim, 0755), 0);
		ck_assert_int_eq(chown(folder, places[_i].owner, places[_i].group), 0);
		ck_assert_int_eq(chmod(folder, places[_i].mode), 0);
		if (places[_i].has_list && !set_list()) {
			ck_assert_int_eq(errno, EOPNOTSUPP);
			ck_assert_int_eq(rmdir(victim), 0);
			return;
		}
		if (places[_i].is_link)
			ck_assert_int_eq(symlink(victim, sub) + lchown(sub, USER, (gid_t)-1), 0);
		else
			ck_assert_int_eq(mkdir(sub, 0755) + chown(sub, USER, (gid_t)-1), 0);
		ck_assert_int_eq(listen_unix(socket_path, &gift, &fd, &err),
			places[_i].is_link ? -1 : 0);
		ck_assert_uint_eq(geteuid(), 0);
		ck_assert_int_eq(lstat(made, &st), places[_i].is_link ? -1 : 0);
		if (!places[_i].is_link) {
			ck_assert_uint_eq(st.st_uid, USER);
			(void)close(fd);
		}
		listen_note_file(socket_path, &file);
		listen_remove(&file, USER);
		ck_assert_int_eq(lstat(made, &st), -1);
		(void)unlink(sub);
		(void)rmdir(sub);
		(void)rmdir(victim);
	}
END_TEST

START_TEST(what_is_in_the_place_of_a_socket_is_not_removed)
	{
		struct listen_file file, none = { .path = NULL };
		int fd, other;

		ck_assert_int_eq(listen_unix(path, &owner, &fd, &err), 0);
		listen_note_file(path, &file);
		ck_assert_int_eq(unlink(path), 0);
		listen_remove(&file, (uid_t)-1);
		ck_assert_int_eq(listen_unix(path, &owner, &other, &err), 0);
		listen_remove(&file, (uid_t)-1);
		listen_remove(&none, (uid_t)-1);
		ck_assert_int_eq(access(path, F_OK), 0);
		listen_note_file(path, &file);
		listen_remove(&file, (uid_t)-1);
		ck_assert_int_eq(access(path, F_OK), -1);
		(void)close(fd);
		(void)close(other);
	}
END_TEST

START_TEST(an_impossible_path_is_an_error)
	{
		char long_path[200];
		int fd;

		memset(long_path, 'x', sizeof(long_path) - 1);
		long_path[0] = '/';
		long_path[sizeof(long_path) - 1] = '\0';
		ck_assert_int_eq(listen_unix(long_path, &owner, &fd, &err), -1);
		ck_assert_int_eq(listen_unix("", &owner, &fd, &err), -1);
		ck_assert_int_eq(listen_unix("/nonexistent/socket", &owner, &fd, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
	}
END_TEST

/* What the next lookup of a group gives; 0: what the C library's does. */
static int group_error;

/* Called in place of the C library's. */
int getgrnam_r(const char *name, struct group *group, char *text, size_t size, struct group **found)
{
	static int (*real)(const char *, struct group *, char *, size_t, struct group **);

	if (group_error != 0) {
		*found = NULL;
		return group_error;
	}
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "getgrnam_r");
	return real(name, group, text, size, found);
}

START_TEST(a_group_that_cannot_be_looked_up_may_exist)
	{
		gid_t gid = 7;

		group_error = EIO;
		ck_assert_int_eq(listen_group("root", &gid, &err), LISTEN_LOOKUP_FAILED);
		ck_assert_ptr_nonnull(strstr(err.text, "cannot look up the group 'root'"));
		group_error = 0;
	}
END_TEST

START_TEST(a_group_is_found_by_its_name)
	{
		gid_t gid = 7;

		ck_assert_int_eq(listen_group("root", &gid, &err), 0);
		ck_assert_uint_eq(gid, 0);
		ck_assert_int_eq(listen_group("", &gid, &err), 0);
		ck_assert_uint_eq(gid, (gid_t)-1);
		ck_assert_int_eq(listen_group("no-such-group", &gid, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "no-such-group"));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("listen");
	TCase *tcase = tcase_create("listen");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_socket_has_its_mode_from_the_start);
	tcase_add_test(tcase, a_socket_in_use_is_not_replaced);
	tcase_add_test(tcase, another_file_is_not_replaced);
	tcase_add_loop_test(tcase, only_our_own_socket_is_given_away, 0,
		(int)(sizeof(strangers) / sizeof(strangers[0])));
	tcase_add_loop_test(tcase, root_makes_nothing_where_a_link_of_the_user_leads, 0,
		(int)(sizeof(places) / sizeof(places[0])));
	tcase_add_test(tcase, what_is_in_the_place_of_a_socket_is_not_removed);
	tcase_add_test(tcase, an_impossible_path_is_an_error);
	tcase_add_test(tcase, a_group_is_found_by_its_name);
	tcase_add_test(tcase, a_group_that_cannot_be_looked_up_may_exist);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
