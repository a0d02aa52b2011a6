/*
 * The keeper of the suspensions' file: it loads and saves them, and reports suspensions that could
 * not be saved until they are saved.
 */
#include "milter/shared/suspension_keeper.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/suspensions_file.h"
#include "t/unit/unit.h"

static char folder[64], path[96];
static struct suspensions *suspensions;
static struct suspension_keeper *keeper;

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/check_suspension_keeper.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/in/suspended", folder);
	suspensions = suspensions_new();
	keeper = suspension_keeper_new(path, suspensions);
	ck_assert_int_eq(suspensions_set(suspensions, "bob", true), 1);
}

static void teardown(void)
{
	char inner[96];

	suspension_keeper_free(&keeper);
	suspensions_free(&suspensions);
	(void)unlink(path);
	(void)snprintf(inner, sizeof(inner), "%s/in", folder);
	(void)rmdir(inner);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void make_directory(void)
{
	char inner[96];

	(void)snprintf(inner, sizeof(inner), "%s/in", folder);
	ck_assert_int_eq(mkdir(inner, 0700), 0);
}

START_TEST(a_failure_is_remembered_until_saving_succeeds)
	{
		struct errmsg err = { "" }, error;

		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		ck_assert_int_eq(suspension_keeper_save(keeper, &err), -1);
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, err.text);
		ck_assert_ptr_nonnull(strstr(error.text, path));
		make_directory();
		ck_assert_int_eq(suspension_keeper_save(keeper, &err), 0);
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
	}
END_TEST

START_TEST(saving_is_tried_again_only_after_a_failure)
	{
		struct errmsg err = { "" }, error;

		ck_assert_int_eq(suspension_keeper_retry(keeper), 0);
		ck_assert_int_eq(suspension_keeper_save(keeper, &err), -1);
		ck_assert_int_eq(suspension_keeper_retry(keeper), -1);
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, err.text);
		make_directory();
		ck_assert_int_eq(suspension_keeper_retry(keeper), 1);
		ck_assert_int_eq(access(path, R_OK), 0);
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		ck_assert_int_eq(suspension_keeper_retry(keeper), 0);
	}
END_TEST

START_TEST(all_suspended_logins_are_saved)
	{
		struct suspensions *again = suspensions_new();
		struct errmsg err = { "" };

		make_directory();
		ck_assert_int_eq(suspension_keeper_save(keeper, &err), 0);
		ck_assert_int_eq(suspensions_load(path, again, &err), 0);
		ck_assert(suspensions_has(again, "bob"));
		suspensions_free(&again);
	}
END_TEST

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_file_that_somebody_has_broken_is_found)
	{
		struct errmsg err = { "" }, error;

		ck_assert_int_eq(suspension_keeper_look(keeper), 0); /* there is none */
		make_directory();
		ck_assert_int_eq(suspension_keeper_save(keeper, &err), 0);
		ck_assert_int_eq(suspension_keeper_look(keeper), 0);
		write_file("alice\nbob \n");
		ck_assert_int_eq(suspension_keeper_look(keeper), 1);
		ck_assert_int_eq(suspension_keeper_look(keeper), 0); /* found already */
		suspension_keeper_file_error(keeper, &error);
		ck_assert_ptr_nonnull(strstr(error.text, "/suspended:2: "));
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		write_file("alice and more\n");
		ck_assert_int_eq(suspension_keeper_look(keeper), 0);
		suspension_keeper_file_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		ck_assert(!suspensions_has(suspensions, "alice and more"));
		write_file("bob \n");
		ck_assert_int_eq(suspension_keeper_look(keeper), 1);
		ck_assert_int_eq(suspension_keeper_save(keeper, &err), 0); /* replaces it */
		suspension_keeper_file_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("suspension_keeper");
	TCase *tcase = tcase_create("suspension_keeper");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_failure_is_remembered_until_saving_succeeds);
	tcase_add_test(tcase, saving_is_tried_again_only_after_a_failure);
	tcase_add_test(tcase, all_suspended_logins_are_saved);
	tcase_add_test(tcase, a_file_that_somebody_has_broken_is_found);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
