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

		ck_assert_int_eq(orgdomain_default(&source.psl, &err), 0);
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

		ck_assert_int_eq(orgdomain_default(&source.psl, &err), 0);
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

/* Names of files, and the lists that are probably meant. */
static const struct {
	const char *name, *list; /* list: NULL if the file is not reported */
} names[] = {
	{ "rcpt_to.access.witelist", "rcpt_to.access.whitelist" },
	{ "rcpt_to.access.denylist", "rcpt_to.access.blacklist" },
	{ "mail_from.access.Allowlist_regex", "mail_from.access.whitelist_regex" },
	{ "rcpt_to.access.Whitelist", "rcpt_to.access.whitelist" },
	{ "rcpt-to.access.whitelist", "rcpt_to.access.whitelist" },
	{ "rcpt.access.whitelist", "rcpt_to.access.whitelist" },
	{ "mail_from.access.blocklist", "mail_from.access.blacklist" },
	{ "mail_from.access.blacklist_regexp", "mail_from.access.blacklist_regex" },
	{ "mail_from.access.blacklist.txt", "mail_from.access.blacklist" },
	{ "mail_from.access.blacklist_cidr", "mail_from.access.blacklist" },
	{ "helo.checks.regexp", "helo.checks.regexps" },
	{ "access.domain", "access.domains" },
	{ "access.domains.txt", "access.domains" },
	{ "connect.rdns_access.blacklist_re", "connect.rdns_access.blacklist" },
	{ "rcpt_to.access.whitelist", NULL },
	{ "rcpt_to.access.whitelist~", NULL },
	{ "rcpt_to.access.whitelist.bak", NULL },
	{ "rcpt_to.access.whitelist.dpkg-old", NULL },
	{ "rcpt_to.access.whitelist.rpmsave", NULL },
	{ "rcpt_to.access.whitelist.2026-11-29", NULL },
	{ ".rcpt_to.access.whitelist.swp", NULL },
	{ "#rcpt_to.access.whitelist#", NULL },
	{ "access.ini", NULL },
	{ "mail_from.access.ini", NULL },
	{ "mail_from.is_resolvable.ini", NULL },
	{ "README", NULL },
	{ "Makefile", NULL },
	{ "host_list", NULL },
};
START_TEST(a_name_that_is_nearly_a_lists_is_reported)
	{
		char want[200] = "";
		FILE *f = fopen(names[_i].name, "w");

		ck_assert_ptr_nonnull(f);
		(void)fclose(f);
		list_files_report_names(
			&(const struct list_source){ .directory = folder, .problems = problems });
		ck_assert_int_eq(unlink(names[_i].name), 0);
		ck_assert_uint_eq(problems_count(problems), names[_i].list != NULL);
		if (names[_i].list == NULL)
			return;
		(void)snprintf(want, sizeof(want),
			"%s/%s: the file is not read, because no list has "
			"this name; did you mean %s?",
			folder, names[_i].name, names[_i].list);
		ck_assert_str_eq(problems_text(problems, 0), want);
	}
END_TEST

/* Whether a directory with these files is noted: it is probably not the right one. */
static const struct {
	const char *names[2];
	bool is_noted;
} folders[] = {
	{ { NULL, NULL }, false },
	{ { "README", "postern.conf" }, true },
	{ { "README", "access.domains" }, false },
	{ { ".hidden", NULL }, false },
};
START_TEST(a_folder_with_other_files_than_lists_is_noted)
	{
		char want[200];

		for (int i = 0; i < 2 && folders[_i].names[i] != NULL; i++) {
			FILE *f = fopen(folders[_i].names[i], "w");

			ck_assert_ptr_nonnull(f);
			(void)fclose(f);
		}
		list_files_report_names(
			&(const struct list_source){ .directory = folder, .problems = problems });
		for (int i = 0; i < 2 && folders[_i].names[i] != NULL; i++)
			ck_assert_int_eq(unlink(folders[_i].names[i]), 0);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			folders[_i].is_noted);
		if (!folders[_i].is_noted)
			return;
		(void)snprintf(want, sizeof(want),
			"%s: none of the files in this directory is a list, so that all lists are "
			"empty; check [lists] directory",
			folder);
		ck_assert_str_eq(problems_level_text(problems, PROBLEM_NOTE, 0), want);
	}
END_TEST

START_TEST(a_folder_that_is_missing_has_no_names)
	{
		list_files_report_names(&(
			const struct list_source){ .directory = "/nowhere", .problems = problems });
		ck_assert_uint_eq(problems_count(problems), 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("list_files");
	TCase *tcase = tcase_create("list_files");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_list_can_be_read_again);
	tcase_add_test(tcase, a_bad_line_is_reported_and_a_long_file_refused);
	tcase_add_loop_test(tcase, a_name_that_is_nearly_a_lists_is_reported, 0,
		sizeof(names) / sizeof(names[0]));
	tcase_add_loop_test(tcase, a_folder_with_other_files_than_lists_is_noted, 0,
		sizeof(folders) / sizeof(folders[0]));
	tcase_add_test(tcase, a_folder_that_is_missing_has_no_names);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
