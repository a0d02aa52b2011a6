/*
 * Shows which folder is chosen for sockets that are not set, and the sockets that a configuration
 * has then.
 */
#include "lib/conf/config_sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/unit.h"

static char top[64], folder[96];
static struct errmsg why;

static void setup(void)
{
	(void)snprintf(top, sizeof(top), "/tmp/test_config_sockets.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	(void)snprintf(folder, sizeof(folder), "%s/postern", top);
	ck_assert_int_eq(mkdir(folder, 0750), 0);
}

static void teardown(void)
{
	(void)chmod(top, 0700);
	(void)rmdir(folder);
	(void)unlink(folder);
	(void)rmdir(top);
}

/* ---- the folder ------------------------------------------------------------------ */

static const struct {
	mode_t mode;
	const char *why; /* "": the folder is ours */
} modes[] = {
	{ 0750, "" },
	{ 02750, "" }, /* the package's */
	{ 02770, "" },
	{ 0755, "" },
	{ 0757, "every user may write in it" },
	{ 01777, "every user may write in it" },
};
START_TEST(a_folder_of_the_user_is_chosen_unless_everybody_may_write_in_it)
	{
		const bool is_ours = modes[_i].why[0] == '\0';

		ck_assert_int_eq(chmod(folder, modes[_i].mode), 0);
		ck_assert_str_eq(config_sockets_folder(folder, getuid(), &why),
			is_ours ? folder : SOCKETS_RUN_FOLDER);
		ck_assert_str_eq(why.text, modes[_i].why);
	}
END_TEST

START_TEST(the_folder_of_another_user_is_not_chosen)
	{
		ck_assert_str_eq(config_sockets_folder(folder, getuid() + 1, &why),
			SOCKETS_RUN_FOLDER);
		ck_assert_str_eq(why.text, "it does not belong to the daemon's user");
	}
END_TEST

START_TEST(a_missing_folder_is_not_chosen_and_needs_no_reason)
	{
		char below[128];

		ck_assert_int_eq(rmdir(folder), 0);
		ck_assert_str_eq(config_sockets_folder(folder, getuid(), &why), SOCKETS_RUN_FOLDER);
		ck_assert_str_eq(why.text, "");
		(void)snprintf(below, sizeof(below), "%s/below", folder);
		ck_assert_str_eq(config_sockets_folder(below, getuid(), &why), SOCKETS_RUN_FOLDER);
		ck_assert_str_eq(why.text, "");
	}
END_TEST

START_TEST(links_and_files_are_not_chosen)
	{
		ck_assert_int_eq(rmdir(folder), 0);
		ck_assert_int_eq(symlink(top, folder), 0);
		ck_assert_str_eq(config_sockets_folder(folder, getuid(), &why), SOCKETS_RUN_FOLDER);
		ck_assert_str_eq(why.text, "it is not a directory");
		ck_assert_str_eq(config_sockets_folder("/dev/null", getuid(), &why),
			SOCKETS_RUN_FOLDER);
		ck_assert_str_eq(why.text, "it is not a directory");
	}
END_TEST

/* ---- the settings ---------------------------------------------------------------- */

static const struct {
	const char *milter, *auth;		 /* as they are read */
	const char *chosen_milter, *chosen_auth; /* FOLDER/: in the chosen folder */
} settings[] = {
	{ "", "", "FOLDER/postern.sock", "FOLDER/auth" },
	{ "unix:/m/s", "", "unix:/m/s", "FOLDER/auth" },
	{ "inet:8894@127.0.0.1", "", "inet:8894@127.0.0.1", "FOLDER/auth" },
	{ "", "none", "FOLDER/postern.sock", "" },
	{ "unix:/m/s", "none", "unix:/m/s", "" },
	{ "unix:/m/s", "unix:/a/s", "unix:/m/s", "unix:/a/s" },
};

static void check_socket(const char *got, const char *wanted, const char *chosen)
{
	char text[128];

	if (strncmp(wanted, "FOLDER", 6) == 0)
		(void)snprintf(text, sizeof(text), "unix:%s%s", chosen, wanted + 6);
	else
		(void)snprintf(text, sizeof(text), "%s", wanted);
	ck_assert_str_eq(got, text);
}

START_TEST(an_empty_setting_becomes_a_socket_in_the_chosen_folder)
	{
		const bool is_any_chosen =
			settings[_i].milter[0] == '\0' || settings[_i].auth[0] == '\0';

		for (uid_t other = 0; other < 2; other++) {
			struct config config = { .path = "/etc/p.conf",
				.arena = arena_new(1024),
				.warnings = problems_new(),
				.milter.socket = settings[_i].milter,
				.auth.socket = settings[_i].auth };
			const char *chosen = other ? SOCKETS_RUN_FOLDER : folder;
			const size_t notes = other && is_any_chosen ? 1 : 0;

			ck_assert_int_eq(config_choose_sockets(&config, folder, getuid() + other,
						 &why),
				0);
			check_socket(config.milter.socket, settings[_i].chosen_milter, chosen);
			check_socket(config.auth.socket, settings[_i].chosen_auth, chosen);
			ck_assert(config.milter.socket_chosen == (settings[_i].milter[0] == '\0'));
			ck_assert(config.auth.socket_chosen == (settings[_i].auth[0] == '\0'));
			ck_assert_uint_eq(problems_level_kept(config.warnings, PROBLEM_NOTE),
				notes);
			if (notes > 0)
				ck_assert_ptr_nonnull(strstr(problems_level_text(config.warnings,
								     PROBLEM_NOTE, 0),
					"cannot be used: it does not belong to the daemon's user"));
			problems_free(&config.warnings);
			arena_free(&config.arena);
		}
	}
END_TEST

/* Which folder this is depends on the machine. */
START_TEST(a_file_without_sockets_has_both_in_one_of_the_folders)
	{
		const struct config *config;
		const char *chosen;

		ck_assert_msg(config_parse("/etc/p.conf", "", 0, &config, &why) == 0, "%s",
			why.text);
		chosen = strstr(config->milter.socket, SOCKETS_RUN_FOLDER) != NULL ?
			SOCKETS_RUN_FOLDER :
			SOCKETS_POSTFIX_FOLDER;
		check_socket(config->milter.socket, "FOLDER/postern.sock", chosen);
		check_socket(config->auth.socket, "FOLDER/auth", chosen);
		config_unref(&config);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("config_sockets");
	TCase *tcase = tcase_create("config_sockets");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_folder_of_the_user_is_chosen_unless_everybody_may_write_in_it,
		0, (int)(sizeof(modes) / sizeof(modes[0])));
	tcase_add_test(tcase, the_folder_of_another_user_is_not_chosen);
	tcase_add_test(tcase, a_missing_folder_is_not_chosen_and_needs_no_reason);
	tcase_add_test(tcase, links_and_files_are_not_chosen);
	tcase_add_loop_test(tcase, an_empty_setting_becomes_a_socket_in_the_chosen_folder, 0,
		(int)(sizeof(settings) / sizeof(settings[0])));
	tcase_add_test(tcase, a_file_without_sockets_has_both_in_one_of_the_folders);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
