/*
 * Shows how one list file is read, and read again after a change: by list_file_read(), which the
 * daemon calls. All files together are read in t/unit/test_policy_files.c.
 */
#include "lib/store/list_files.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/unit.h"

static char folder[] = "/tmp/test_list_files.XXXXXX";
static struct problems *problems;
static struct errmsg err;

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	problems = problems_new();
	err.text[0] = '\0';
}

static void teardown(void)
{
	problems_free(&problems);
	(void)unlink("access.domains");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void put_domains(const char *text)
{
	FILE *f = fopen("access.domains", "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

START_TEST(one_list_can_be_read_again)
	{
		struct list_source source = { .directory = ".", .max_file = 1000 };
		struct file_stamp stamp, now;
		struct list *list = NULL;

		ck_assert_int_eq(orgdomain_open("", &source.psl, &err), 0);
		ck_assert_int_eq(list_file_read(&source, LIST_DOMAINS, &list, &stamp, &err), 0);
		ck_assert(!stamp.exists);
		ck_assert_uint_eq(list_entries(list), 0);
		list_unref(&list);
		put_domains("example.com\nexample.org\n");
		ck_assert_int_eq(list_file_read(&source, LIST_DOMAINS, &list, &stamp, &err), 0);
		ck_assert_int_eq(file_stamp("access.domains", &now, &err), 0);
		ck_assert(file_stamp_equal(&stamp, &now));
		ck_assert_uint_eq(list_entries(list), 2);
		list_unref(&list);
		orgdomain_unref(&source.psl);
	}
END_TEST

START_TEST(a_bad_line_is_reported_and_a_long_file_refused)
	{
		struct list_source source = {
			.directory = ".",
			.max_file = 20,
			.problems = problems,
		};
		struct list *list = NULL;

		ck_assert_int_eq(orgdomain_open("", &source.psl, &err), 0);
		put_domains("a b\nexample.com\n");
		ck_assert_int_eq(list_file_read(&source, LIST_DOMAINS, &list, NULL, &err), 0);
		ck_assert_uint_eq(list_entries(list), 1);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), "access.domains:1: "));
		list_unref(&list);
		put_domains("twenty-one.example.com\n");
		ck_assert_int_eq(list_file_read(&source, LIST_DOMAINS, &list, NULL, &err), -1);
		ck_assert_ptr_null(list);
		ck_assert_str_eq(err.text, "./access.domains: has 23 bytes; at most 20 are read");
		orgdomain_unref(&source.psl);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("list_files");
	TCase *tcase = tcase_create("list_files");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_list_can_be_read_again);
	tcase_add_test(tcase, a_bad_line_is_reported_and_a_long_file_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
