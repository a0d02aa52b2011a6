/*
 * Shows that a store of people is changed only if each access to its path has found the file that
 * was read. t/integration/test_store_commands.py shows the changes themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/store_file.h"
#include "t/unit/unit.h"

static char folder[] = "/tmp/test_store_file.XXXXXX", path[64], link_path[64], victim[64];
static const struct config *config;
static struct errmsg err;

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
	static const char store[] =
		"{\"format\": \"postern-store-1\", \"profiles\": [], \"users\": []}";
	char text[128];
	int len;

	memcpy(strchr(folder, '.') + 1, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/store.json", folder);
	(void)snprintf(link_path, sizeof(link_path), "%s/link", folder);
	(void)snprintf(victim, sizeof(victim), "%s/victim", folder);
	write_file(path, store);
	write_file(victim, store);
	ck_assert_int_eq(symlink("victim", link_path), 0);
	len = snprintf(text, sizeof(text), "[store]\npath = %s\n", path);
	ck_assert_msg(config_parse("/x/postern.conf", text, (size_t)len, &config, &err) == 0, "%s",
		err.text);
}

static void teardown(void)
{
	config_unref(&config);
	(void)unlink(path);
	(void)unlink(link_path);
	(void)unlink(victim);
	(void)rmdir(folder);
}

START_TEST(the_file_that_was_read_may_be_changed)
	{
		struct store_file file;

		ck_assert_int_eq(store_file_read(config, &file, &err), 0);
		ck_assert_int_eq(store_file_check_own(&file, &err), 0);
		store_file_clear(&file);
	}
END_TEST

/* The daemon's user may exchange the store and a link to a file of root at any time. */
START_TEST(a_file_behind_a_link_that_is_gone_may_not)
	{
		struct store_file file;

		ck_assert_int_eq(rename(path, victim) + rename(link_path, path), 0);
		write_file(link_path, "");
		ck_assert_int_eq(store_file_read(config, &file, &err), 0); /* the victim */
		ck_assert_int_eq(rename(link_path, path), 0);
		ck_assert_int_eq(store_file_check_own(&file, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "changed the file meanwhile"));
		store_file_clear(&file);
	}
END_TEST

START_TEST(nor_one_that_was_read_after_a_look_at_another)
	{
		struct store_file file;

		ck_assert_int_eq(store_file_read(config, &file, &err), 0);
		free(file.path); /* as found by a link in between */
		ck_assert_ptr_nonnull(file.path = strdup(victim));
		ck_assert_int_eq(store_file_check_own(&file, &err), -1);
		store_file_clear(&file);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store_file");
	TCase *tcase = tcase_create("store_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_file_that_was_read_may_be_changed);
	tcase_add_test(tcase, a_file_behind_a_link_that_is_gone_may_not);
	tcase_add_test(tcase, nor_one_that_was_read_after_a_look_at_another);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
