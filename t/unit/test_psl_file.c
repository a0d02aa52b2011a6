/*
 * Shows which files are read as the public suffix list, and which errors others give.
 * t/unit/test_orgdomain.c shows what the texts mean.
 */
#include "lib/store/psl_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/unit.h"

static int open_text(const char *text, struct orgdomain **psl_r, struct errmsg *err)
{
	char path[] = "/tmp/test_psl_file.XXXXXX";
	int fd = mkstemp(path), ret;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(close(fd), 0);
	ret = psl_file_open(path, psl_r, err);
	ck_assert_int_eq(unlink(path), 0);
	return ret;
}

START_TEST(reads_a_file)
	{
		struct orgdomain *own = NULL;
		struct errmsg err = { "" };

		ck_assert_msg(open_text("com\nco.example\n", &own, &err) == 0, "%s", err.text);
		ck_assert_str_eq(orgdomain_of(own, "a.b.co.example"), "b.co.example");
		orgdomain_unref(&own);
	}
END_TEST

START_TEST(finds_a_change_of_the_text)
	{
		static const struct {
			const char *text;
			bool has_changed;
		} rows[] = { { "com\n", false },
			{ "\xef\xbb\xbf"
			  "com\n",
				false },
			{ "com\norg\n", true }, { "", true } };
		char path[] = "/tmp/test_psl_file.XXXXXX";
		struct orgdomain *own = NULL, *system = NULL;

		ck_assert_int_eq(close(mkstemp(path)), 0);
		ck_assert_int_eq(open_text("com\n", &own, NULL), 0);
		ck_assert_int_eq(psl_file_open("", &system, NULL), 0);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			FILE *file = fopen(path, "w");

			ck_assert_ptr_nonnull(file);
			ck_assert_int_ge(fputs(rows[i].text, file), 0);
			ck_assert_int_eq(fclose(file), 0);
			ck_assert_int_eq(psl_file_has_changed(path, own), rows[i].has_changed);
		}
		ck_assert(psl_file_has_changed(path, system));
		ck_assert_int_eq(unlink(path), 0);
		ck_assert(!psl_file_has_changed(path, own)); /* that is reported elsewhere */
		ck_assert(!psl_file_has_changed("", own));
		orgdomain_unref(&own);
		orgdomain_unref(&system);
	}
END_TEST

START_TEST(opens_the_default_for_no_name)
	{
		struct orgdomain *own = NULL;

		ck_assert_int_eq(psl_file_open("", &own, NULL), 0);
		ck_assert_str_eq(orgdomain_of(own, "a.b.co.uk"), "b.co.uk");
		orgdomain_unref(&own);
	}
END_TEST

START_TEST(an_error_gives_the_file_and_the_reason)
	{
		struct orgdomain *own = NULL;
		struct errmsg err = { "" };

		ck_assert_int_eq(psl_file_open("/nonexistent/psl.dat", &own, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/psl.dat"));
		ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
		ck_assert_int_eq(psl_file_open("/", &own, &err), -1);
		ck_assert_int_eq(open_text("", &own, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "the suffix com is missing"));
		ck_assert_int_eq(psl_file_open("/nonexistent/psl.dat", &own, NULL), -1);
		ck_assert_ptr_null(own);
	}
END_TEST

/* A FIFO would keep its reader waiting. */
START_TEST(refuses_what_is_no_regular_file)
	{
		struct orgdomain *own = NULL;
		struct errmsg err = { "" };
		char path[] = "/tmp/test_psl_file.XXXXXX";
		int fd = mkstemp(path);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(ftruncate(fd, (4 << 20) + 1), 0);
		(void)close(fd);
		ck_assert_int_eq(psl_file_open(path, &own, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "4194304"));
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(mkfifo(path, 0600), 0);
		ck_assert_int_eq(psl_file_open(path, &own, &err), -1);
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
		ck_assert_int_eq(psl_file_open("/dev/zero", &own, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
		ck_assert_ptr_null(own);
	}
END_TEST

START_TEST(names_the_file_that_is_read)
	{
		struct orgdomain *own = NULL;

		ck_assert_str_eq(psl_file_path("/etc/own.dat"), "/etc/own.dat");
		ck_assert_str_eq(psl_file_path(""), psl_file_path(NULL));
		ck_assert_int_eq(psl_file_open(psl_file_path(NULL), &own, NULL), 0);
		orgdomain_unref(&own);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("psl_file");
	TCase *tcase = tcase_create("psl_file");

	tcase_add_test(tcase, reads_a_file);
	tcase_add_test(tcase, finds_a_change_of_the_text);
	tcase_add_test(tcase, opens_the_default_for_no_name);
	tcase_add_test(tcase, an_error_gives_the_file_and_the_reason);
	tcase_add_test(tcase, refuses_what_is_no_regular_file);
	tcase_add_test(tcase, names_the_file_that_is_read);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
