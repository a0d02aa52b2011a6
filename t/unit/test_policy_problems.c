#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "milter/cache/policy_problems.h"
#include "t/unit/unit.h"

/* Before log_start() the log goes to standard error: here, into a file. */
static struct policy_problems *policy_problems;
static FILE *log_file;
static int standard_error;
static char text[65536];

static void setup(void)
{
	policy_problems = policy_problems_new();
	ck_assert_ptr_nonnull(policy_problems);
	log_file = tmpfile();
	ck_assert_ptr_nonnull(log_file);
	standard_error = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fileno(log_file), STDERR_FILENO), 0);
}

static void teardown(void)
{
	policy_problems_free(&policy_problems);
	policy_problems_free(&policy_problems);
	ck_assert_int_ge(dup2(standard_error, STDERR_FILENO), 0);
	(void)close(standard_error);
	(void)fclose(log_file);
}

/* What policy_problems_log_changes() logs. */
static const char *settle(void)
{
	ssize_t len;

	ck_assert_int_eq(ftruncate(fileno(log_file), 0), 0);
	ck_assert_int_eq(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
	policy_problems_log_changes(policy_problems);
	len = pread(fileno(log_file), text, sizeof(text) - 1, 0);
	ck_assert_int_ge(len, 0);
	text[len] = '\0';
	return text;
}

static void bad(size_t part, const char *one, const char *two)
{
	struct problems *problems = problems_new();

	if (one != NULL)
		problems_add(problems, "%s", one);
	if (two != NULL)
		problems_add(problems, "%s", two);
	policy_problems_set(policy_problems, part, problems);
}

START_TEST(a_fault_is_said_once)
	{
		bad(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		ck_assert_ptr_nonnull(strstr(settle(), "users id 17 (bob): no"));
		ck_assert_str_eq(settle(), "");
		bad(POLICY_PROBLEMS_USERS, "users id 17 (bob): no",
			NULL); /* a reload finds it again */
		ck_assert_str_eq(settle(), "");
		ck_assert_uint_eq(policy_problems_count(policy_problems), 1);
	}
END_TEST

START_TEST(only_what_is_new_is_said)
	{
		bad(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		(void)settle();
		bad(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", "users id 18 (eve): no");
		(void)settle();
		ck_assert_ptr_null(strstr(text, "bob"));
		ck_assert_ptr_nonnull(strstr(text, "eve"));
	}
END_TEST

START_TEST(it_is_said_when_it_is_mended)
	{
		bad(LIST_MAIL_DENY, "mail_from.access.blacklist:1: no", NULL);
		bad(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		(void)settle();
		policy_problems_set(policy_problems, POLICY_PROBLEMS_USERS, NULL);
		(void)settle();
		ck_assert_ptr_nonnull(strstr(text, "resolved: users id 17 (bob): no"));
		ck_assert_ptr_null(strstr(text, "blacklist"));
		bad(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		ck_assert_ptr_nonnull(strstr(settle(), "users id 17 (bob): no"));
	}
END_TEST

START_TEST(a_fault_that_moves_to_another_part_is_no_news)
	{
		bad(POLICY_PROBLEMS_PROFILES, "users id 17 (bob): no",
			NULL); /* of a store: all in one part */
		(void)settle();
		policy_problems_set(policy_problems, POLICY_PROBLEMS_PROFILES, NULL);
		bad(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		ck_assert_str_eq(settle(), "");
	}
END_TEST

START_TEST(notes_are_said_once_and_not_counted)
	{
		struct problems *problems = problems_new();
		char *listed;

		problems_note(problems, "profiles id 3: rcpt_re[1] has no $");
		policy_problems_set(policy_problems, POLICY_PROBLEMS_PROFILES, problems);
		ck_assert_ptr_nonnull(strstr(settle(), "rcpt_re[1] has no $"));
		ck_assert_str_eq(settle(), "");
		ck_assert_uint_eq(policy_problems_count(policy_problems), 0);
		listed = policy_problems_text(policy_problems);
		ck_assert_ptr_null(listed);
		policy_problems_set(policy_problems, POLICY_PROBLEMS_PROFILES, NULL);
		ck_assert_str_eq(settle(), "");
	}
END_TEST

START_TEST(many_are_counted_and_not_all_said)
	{
		struct problems *problems = problems_new();
		char *listed;
		int i;

		for (i = 0; i < 5000; i++)
			problems_add(problems, "users id %d: no", i);
		policy_problems_set(policy_problems, POLICY_PROBLEMS_USERS, problems);
		ck_assert_ptr_nonnull(strstr(settle(), "900 more"));
		ck_assert_uint_eq(policy_problems_count(policy_problems), 5000);
		listed = policy_problems_text(policy_problems);
		ck_assert_ptr_nonnull(strstr(listed, "users id 999: no\n"));
		ck_assert_ptr_null(strstr(listed, "users id 1000: no\n"));
		free(listed);
		policy_problems_set(policy_problems, POLICY_PROBLEMS_USERS, NULL);
		ck_assert_ptr_null(strstr(settle(), "mended")); /* nobody knows all that were bad */
	}
END_TEST

START_TEST(the_text_has_them_all_a_line_each)
	{
		char *listed;

		bad(LIST_DOMAINS, "access.domains:3: no", NULL);
		bad(POLICY_PROBLEMS_USERS, "users id 1: no", "users id 2: no");
		listed = policy_problems_text(policy_problems);
		ck_assert_str_eq(listed, "access.domains:3: no\nusers id 1: no\nusers id 2: no\n");
		free(listed);
	}
END_TEST

static Suite *policy_problems_suite(void)
{
	Suite *suite = suite_create("policy_problems");
	TCase *tcase = tcase_create("policy_problems");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_fault_is_said_once);
	tcase_add_test(tcase, only_what_is_new_is_said);
	tcase_add_test(tcase, it_is_said_when_it_is_mended);
	tcase_add_test(tcase, a_fault_that_moves_to_another_part_is_no_news);
	tcase_add_test(tcase, notes_are_said_once_and_not_counted);
	tcase_add_test(tcase, many_are_counted_and_not_all_said);
	tcase_add_test(tcase, the_text_has_them_all_a_line_each);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(policy_problems_suite)
