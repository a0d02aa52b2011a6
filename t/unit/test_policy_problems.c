/*
 * Shows that each problem of a policy is logged when it appears and when it is gone, and how many
 * are logged and listed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "milter/cache/policy_problems.h"
#include "milter/log/log_bound.h"
#include "milter/loop/clock.h"
#include "t/unit/unit.h"

/* Before log_start(), the log goes to standard error, which is a file here. */
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

/* The lines that policy_problems_log_changes() logs. */
static const char *log_changes(void)
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

static void set_problems(size_t part, const char *one, const char *two)
{
	struct problems *problems = problems_new();

	if (one != NULL)
		problems_add(problems, "%s", one);
	if (two != NULL)
		problems_add(problems, "%s", two);
	policy_problems_set(policy_problems, part, problems);
}

START_TEST(a_problem_is_logged_once)
	{
		set_problems(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		ck_assert_ptr_nonnull(strstr(log_changes(), "users id 17 (bob): no"));
		ck_assert_str_eq(log_changes(), "");
		set_problems(POLICY_PROBLEMS_USERS, "users id 17 (bob): no",
			NULL); /* a reload finds it again */
		ck_assert_str_eq(log_changes(), "");
		ck_assert_uint_eq(policy_problems_count(policy_problems, PROBLEM), 1);
	}
END_TEST

START_TEST(only_new_problems_are_logged)
	{
		set_problems(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		(void)log_changes();
		set_problems(POLICY_PROBLEMS_USERS, "users id 17 (bob): no",
			"users id 18 (eve): no");
		(void)log_changes();
		ck_assert_ptr_null(strstr(text, "bob"));
		ck_assert_ptr_nonnull(strstr(text, "eve"));
	}
END_TEST

START_TEST(a_resolved_problem_is_logged)
	{
		set_problems(LIST_MAIL_DENY, "mail_from.access.blacklist:1: no", NULL);
		set_problems(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		(void)log_changes();
		policy_problems_set(policy_problems, POLICY_PROBLEMS_USERS, NULL);
		(void)log_changes();
		ck_assert_ptr_nonnull(strstr(text, "resolved: users id 17 (bob): no"));
		ck_assert_ptr_null(strstr(text, "blacklist"));
		set_problems(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		ck_assert_ptr_nonnull(strstr(log_changes(), "users id 17 (bob): no"));
	}
END_TEST

START_TEST(a_problem_that_moves_to_another_part_is_not_logged)
	{
		set_problems(POLICY_PROBLEMS_PROFILES, "users id 17 (bob): no",
			NULL); /* a store's problems are all in one part */
		(void)log_changes();
		policy_problems_set(policy_problems, POLICY_PROBLEMS_PROFILES, NULL);
		set_problems(POLICY_PROBLEMS_USERS, "users id 17 (bob): no", NULL);
		ck_assert_str_eq(log_changes(), "");
	}
END_TEST

START_TEST(notes_are_logged_once_and_counted_apart)
	{
		struct problems *problems = problems_new();
		char *listed;

		problems_note(problems, "profiles id 3: rcpt_re[1] has no $");
		policy_problems_set(policy_problems, POLICY_PROBLEMS_PROFILES, problems);
		ck_assert_ptr_nonnull(strstr(log_changes(), "rcpt_re[1] has no $"));
		ck_assert_str_eq(log_changes(), "");
		ck_assert_uint_eq(policy_problems_count(policy_problems, PROBLEM), 0);
		ck_assert_ptr_null(policy_problems_text(policy_problems, PROBLEM));
		ck_assert_uint_eq(policy_problems_count(policy_problems, PROBLEM_NOTE), 1);
		listed = policy_problems_text(policy_problems, PROBLEM_NOTE);
		ck_assert_str_eq(listed, "profiles id 3: rcpt_re[1] has no $\n");
		free(listed);
		policy_problems_set(policy_problems, POLICY_PROBLEMS_PROFILES, NULL);
		ck_assert_str_eq(log_changes(), "");
	}
END_TEST

START_TEST(many_problems_are_counted_but_not_all_logged)
	{
		struct problems *problems = problems_new();
		char *listed;
		int i;

		for (i = 0; i < 5000; i++)
			problems_add(problems, "users id %d: no", i);
		policy_problems_set(policy_problems, POLICY_PROBLEMS_USERS, problems);
		ck_assert_ptr_nonnull(strstr(log_changes(), "900 more"));
		ck_assert_uint_eq(policy_problems_count(policy_problems, PROBLEM), 5000);
		listed = policy_problems_text(policy_problems, PROBLEM);
		ck_assert_ptr_nonnull(strstr(listed, "users id 999: no\n"));
		ck_assert_ptr_null(strstr(listed, "users id 1000: no\n"));
		free(listed);
		policy_problems_set(policy_problems, POLICY_PROBLEMS_USERS, NULL);
		ck_assert_ptr_null(strstr(log_changes(), "resolved")); /* not all texts are known */
	}
END_TEST

START_TEST(the_text_has_one_line_for_each_problem)
	{
		char *listed;

		set_problems(LIST_DOMAINS, "access.domains:3: no", NULL);
		set_problems(POLICY_PROBLEMS_USERS, "users id 1: no", "users id 2: no");
		listed = policy_problems_text(policy_problems, PROBLEM);
		ck_assert_str_eq(listed, "access.domains:3: no\nusers id 1: no\nusers id 2: no\n");
		free(listed);
	}
END_TEST

START_TEST(a_newline_in_a_name_does_not_begin_another_problem)
	{
		char *listed;

		set_problems(LIST_DOMAINS, "access.domains.\nx: no", NULL);
		listed = policy_problems_text(policy_problems, PROBLEM);
		ck_assert_str_eq(listed, "access.domains.\\x0ax: no\n");
		free(listed);
	}
END_TEST

static size_t count_lines(const char *lines)
{
	size_t count = 0;

	for (; *lines != '\0'; lines++)
		count += *lines == '\n';
	return count;
}

/* Whoever writes a list can make a hundred problems appear with each save. */
START_TEST(problems_that_come_and_go_do_not_fill_the_log)
	{
		const int64_t begun = clock_ms();
		size_t lines = 0, most;

		for (int i = 0; i < 100; i++) {
			struct problems *problems = problems_new();

			for (int line = 0; line < 50; line++)
				problems_add(problems, "access.domains:%d: no %d", line, i);
			policy_problems_set(policy_problems, LIST_DOMAINS, problems);
			lines += count_lines(log_changes());
		}
		most = LOG_BOUND_BURST + (size_t)(clock_ms() - begun + 1) * LOG_BOUND_PER_S / 1000 +
			1;
		ck_assert_uint_le(lines, most);
		ck_assert_int_eq(ftruncate(fileno(log_file), 0), 0);
		ck_assert_int_eq(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
		policy_problems_report_unlogged(policy_problems, clock_ms() + LOG_BOUND_REPORT_MS);
		ck_assert_int_gt(pread(fileno(log_file), text, sizeof(text) - 1, 0), 0);
		ck_assert_ptr_nonnull(strstr(text, "posternctl status"));
	}
END_TEST

static Suite *policy_problems_suite(void)
{
	Suite *suite = suite_create("policy_problems");
	TCase *tcase = tcase_create("policy_problems");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_problem_is_logged_once);
	tcase_add_test(tcase, only_new_problems_are_logged);
	tcase_add_test(tcase, a_resolved_problem_is_logged);
	tcase_add_test(tcase, a_problem_that_moves_to_another_part_is_not_logged);
	tcase_add_test(tcase, notes_are_logged_once_and_counted_apart);
	tcase_add_test(tcase, many_problems_are_counted_but_not_all_logged);
	tcase_add_test(tcase, the_text_has_one_line_for_each_problem);
	tcase_add_test(tcase, a_newline_in_a_name_does_not_begin_another_problem);
	tcase_add_test(tcase, problems_that_come_and_go_do_not_fill_the_log);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(policy_problems_suite)
