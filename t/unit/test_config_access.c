/*
 * Shows which sockets of a configuration are reported because strangers can connect to them, and
 * that a note gives the key and its line.
 */
#include "lib/conf/config_access.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	const char *notes[3]; /* parts of the notes, in their order */
} files[] = {
	{ "", { NULL } },
	{ "[milter]\nsocket = unix:/run/m\nsocket_mode = 0660\n", { NULL } },
	{ "[milter]\nsocket = inet:8894@127.0.0.1\n",
		{ "/etc/p.conf:2: [milter] socket: every process of this machine" } },
	{ "[milter]\nsocket = inet6:8894@::1\n", { "[milter] socket: every process" } },
	{ "[milter]\nsocket = inet:8894@0.0.0.0\nallow_remote = yes\n",
		{ "/etc/p.conf:3: [milter] allow_remote: every machine" } },
	{ "[milter]\nsocket = unix:/run/m\nallow_remote = yes\n", { NULL } },
	{ "[milter]\nsocket_mode = 0666\n", { "/etc/p.conf:2: [milter] socket_mode: every user" } },
	{ "[milter]\nsocket_mode = 0662\n", { "[milter] socket_mode" } },
	{ "[milter]\nsocket_mode = 0664\n", { NULL } }, /* connecting needs the bit for writing */
	{ "[milter]\nsocket = inet:8894@127.0.0.1\nsocket_mode = 0666\n", { "[milter] socket:" } },
	{ "[auth]\ninet_socket = inet:8895@127.0.0.1\n",
		{ "/etc/p.conf:2: [auth] inet_socket: every process of this machine" } },
	{ "[auth]\ninet_socket = unix:/run/other\n", { NULL } },
	{ "[auth]\nsocket =\nsaslauthd =\ninet_socket = unix:/run/other\nsocket_mode = 0666\n",
		{ "[auth] socket_mode: every user" } },
	{ "[auth]\nsocket = inet:8895@127.0.0.1\ninet_socket = inet:8896@127.0.0.1\n",
		{ "[auth] socket: every process", "[auth] inet_socket: every process" } },
	{ "[auth]\nsocket_mode = 0666\n", { "[auth] socket_mode: every user" } },
	{ "[auth]\nsocket =\nsocket_mode = 0666\n", { "[auth] socket_mode: every user" } },
	{ "[auth]\nsocket = none\nsaslauthd =\nsocket_mode = 0666\n", { NULL } },
	{ "[control]\nsocket_mode = 0666\n",
		{ "/etc/p.conf:2: [control] socket_mode: it has bits for others" } },
	{ "[control]\nsocket_mode = 0604\n", { "[control] socket_mode" } },
	{ "[control]\nsocket_mode = 0601\n", { "[control] socket_mode" } },
	{ "[control]\nsocket_mode = 0660\n", { NULL } },
	{ "[control]\nsocket =\nsocket_mode = 0666\n", { NULL } },
	{ "[milter]\nsocket_mode = 0666\n[auth]\nsocket_mode = 0666\n[control]\nsocket_mode = 0666\n",
		{ "[milter]", "[auth]", "[control]" } },
};
START_TEST(sockets_for_strangers_are_pointed_out)
	{
		const struct config *config;
		struct problems *problems = problems_new();
		struct errmsg err = { "" };
		size_t count = 0;

		ck_assert_msg(config_parse("/etc/p.conf", files[_i].text, strlen(files[_i].text),
				      &config, &err) == 0,
			"%s", err.text);
		config_note_access(config, problems);
		while (count < 3 && files[_i].notes[count] != NULL)
			count++;
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), count);
		for (size_t i = 0; i < count; i++)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, i),
				files[_i].notes[i]));
		ck_assert_uint_eq(problems_count(problems), 0);
		/* The configuration reports them by itself, too. */
		ck_assert_uint_eq(problems_level_kept(config->warnings, PROBLEM_NOTE), count);
		problems_free(&problems);
		config_unref(&config);
	}
END_TEST

static char folder[64];

static void setup_folder(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/test_config_access.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown_folder(void)
{
	ck_assert_int_eq(rmdir(folder), 0);
}

/* In a directory of this mode, `key = %s/FILE` has a note that contains the text, or none. */
static const struct {
	const char *section, *key;
	mode_t mode;
	const char *note;
} placed[] = {
	{ "milter", "socket", 01777, "put another file in its place and answer for the daemon" },
	{ "milter", "pid_file", 0777, "have another process stopped" },
	{ "milter", "pid_file", 01777, "have another process stopped" },
	{ "milter", "pid_file", 0775, NULL },
	{ "auth", "suspensions", 0777, "suspend logins or end their suspension" },
	{ "auth", "suspensions", 01777, "suspend logins or end their suspension" },
	{ "auth", "suspensions", 0770, NULL },
	{ "limits", "state", 0777, "change what limits have counted" },
	{ "limits", "state", 01777, "change what limits have counted" },
	{ "limits", "state", 0755, NULL },
	{ "database", "password_file", 0777, "keep the daemon from starting" },
	{ "database", "password_file", 01777, NULL },
	{ "jwt", "secret_file", 0777, "keep the daemon from starting" },
	{ "jwt", "secret_file", 01777, NULL },
	{ "lists", "public_suffix_list", 0777, "change which domains belong together" },
	{ "lists", "public_suffix_list", 01777, NULL },
};
START_TEST(files_in_a_directory_that_everybody_may_write_are_pointed_out)
	{
		const struct config *defaults;
		struct config config;
		struct problems *problems = problems_new();
		struct errmsg err = { "" };
		const char *key = placed[_i].key;
		char path[100], path_of_file[80];

		ck_assert_int_eq(config_parse("/etc/p.conf", "", 0, &defaults, &err), 0);
		config = *defaults;
		(void)snprintf(path, sizeof(path), "%s%s/file",
			strcmp(key, "socket") == 0 ? "unix:" : "", folder);
		*(strcmp(key, "socket") == 0			? &config.milter.socket :
				strcmp(key, "pid_file") == 0	? &config.milter.pid_file :
				strcmp(key, "suspensions") == 0 ? &config.auth.suspensions :
				strcmp(key, "state") == 0	? &config.limits.state :
				strcmp(key, "password_file") == 0 ?
							    &config.given.password_file :
				strcmp(key, "secret_file") == 0 ?
							    &config.given.secret_file :
							    &config.lists.public_suffix_list) =
			path;
		(void)snprintf(path_of_file, sizeof(path_of_file), "%s/file", folder);
		ck_assert_int_eq(mknod(path_of_file, S_IFREG | 0600, 0), 0);
		ck_assert_int_eq(chmod(folder, placed[_i].mode), 0);
		config_note_files(&config, problems);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE),
			placed[_i].note != NULL);
		if (placed[_i].note != NULL)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				placed[_i].note));
		ck_assert_int_eq(unlink(path_of_file), 0);
		problems_free(&problems);
		config_unref(&defaults);
	}
END_TEST

static const struct {
	mode_t folder;
	uint32_t socket;
	const char *group;  /* NULL: that of the directory */
	const char *remedy; /* NULL: no note */
} closed[] = {
	{ 0700, 0660, NULL, "chmod g+x" },
	{ 0705, 0660, NULL, "chmod g+x" },
	{ 0710, 0660, NULL, NULL },
	{ 02750, 0660, NULL, NULL },
	{ 0700, 0600, NULL, NULL },
	{ 0710, 0660, "daemon", "chmod o+x" },
	{ 0711, 0660, "daemon", NULL },
	{ 0700, 0660, "", NULL },
	{ 0700, 0660, "no such group", NULL },
};
START_TEST(a_socket_that_its_group_cannot_reach_is_pointed_out)
	{
		/* cppcheck-suppress getgrgidCalled ; this is the only thread */
		const struct group *own = getgrgid(getegid());
		const struct config *defaults;
		struct config config;
		struct problems *problems = problems_new();
		struct errmsg err = { "" };
		char path[100];

		ck_assert_ptr_nonnull(own);
		ck_assert_int_eq(config_parse("/etc/p.conf", "", 0, &defaults, &err), 0);
		config = *defaults;
		(void)snprintf(path, sizeof(path), "unix:%s/socket", folder);
		config.user = geteuid();
		config.milter.socket = path;
		config.milter.socket_mode = closed[_i].socket;
		config.milter.socket_group =
			closed[_i].group == NULL ? own->gr_name : closed[_i].group;
		ck_assert_int_eq(chmod(folder, closed[_i].folder), 0);
		config_note_files(&config, problems);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE),
			closed[_i].remedy != NULL);
		if (closed[_i].remedy != NULL)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				closed[_i].remedy));
		problems_free(&problems);
		config_unref(&defaults);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("config_access");
	TCase *tcase = tcase_create("config_access");

	tcase_add_loop_test(tcase, sockets_for_strangers_are_pointed_out, 0,
		(int)(sizeof(files) / sizeof(files[0])));
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("folders");
	tcase_add_checked_fixture(tcase, setup_folder, teardown_folder);
	tcase_add_loop_test(tcase, files_in_a_directory_that_everybody_may_write_are_pointed_out, 0,
		(int)(sizeof(placed) / sizeof(placed[0])));
	tcase_add_loop_test(tcase, a_socket_that_its_group_cannot_reach_is_pointed_out, 0,
		(int)(sizeof(closed) / sizeof(closed[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
