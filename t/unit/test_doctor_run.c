/*
 * Programs run with their output, errors and exit code kept apart, without input, and are found in
 * the directories sbin; a program that does not exist or is killed is told from one that fails.
 */
#include "ctl/doctor/doctor_run.h"

#include <string.h>
#include <unistd.h>

#include "t/unit/unit.h"

START_TEST(output_errors_and_code_are_kept_apart)
	{
		struct strbuf out = STRBUF_INIT, errors = STRBUF_INIT;
		struct errmsg err;

		ck_assert_int_eq(
			doctor_run((const char *const[]){ "sh", "-c",
					   "cat; echo out; echo errors >&2; echo $LC_ALL; exit 3",
					   NULL },
				&out, &errors, &err),
			3);
		ck_assert_str_eq(out.text, "out\nC\n");
		ck_assert_str_eq(errors.text, "errors\n");
		strbuf_free(&out);
		strbuf_free(&errors);
	}
END_TEST

START_TEST(a_missing_program_is_told_from_a_failure)
	{
		struct errmsg err;

		ck_assert_int_eq(doctor_run((const char *const[]){ "no-such-program", NULL }, NULL,
					 NULL, &err),
			DOCTOR_RUN_MISSING);
		ck_assert_int_eq(doctor_run((const char *const[]){ "sh", "-c", "kill -9 $$", NULL },
					 NULL, NULL, &err),
			-1);
		ck_assert_str_eq(err.text, "sh: it was killed by signal 9");
	}
END_TEST

START_TEST(programs_are_found_in_sbin)
	{
		const char *set = getenv("PATH");
		char *path = strdup(set == NULL ? "/usr/bin:/bin" : set);
		struct errmsg err;

		ck_assert_ptr_nonnull(path);
		ck_assert_int_eq(setenv("PATH", "/nowhere", 1), 0);
		ck_assert_int_ne(doctor_run((const char *const[]){ "chroot", "--help", NULL }, NULL,
					 NULL, &err),
			DOCTOR_RUN_MISSING);
		ck_assert_int_eq(setenv("PATH", path, 1),
			0); /* without fork, for the other tests */
		free(path);
	}
END_TEST

START_TEST(a_program_that_prints_without_end_is_stopped)
	{
		struct strbuf out = STRBUF_INIT;
		struct errmsg err;

		ck_assert_int_eq(doctor_run((const char *const[]){ "cat", "/dev/zero", NULL }, &out,
					 NULL, &err),
			-1);
		ck_assert_str_eq(err.text, "cat: it prints too much");
		strbuf_free(&out);
	}
END_TEST

static const char *const hanging[] = { "exec >&- 2>&-; exec sleep 600", "sleep 600 & wait",
	"sleep 600 & exit 3" };
START_TEST(a_program_that_does_not_end_is_killed)
	{
		struct errmsg err;

		doctor_run_limit(100);
		ck_assert_int_eq(doctor_run((const char *const[]){ "sh", "-c", hanging[_i], NULL },
					 NULL, NULL, &err),
			-1);
		ck_assert_str_eq(err.text, "sh: it did not end within 0 s");
		doctor_run_limit(30000);
	}
END_TEST

static int hang(void *context)
{
	(void)context;
	(void)sleep(600);
	return 0;
}

START_TEST(a_function_that_does_not_end_is_killed)
	{
		const struct doctor_identity identity = { .uid = geteuid(), .gid = getegid() };
		struct errmsg err;

		doctor_run_limit(100);
		ck_assert_int_eq(doctor_run_as(&identity, hang, NULL, &err), -1);
		doctor_run_limit(30000);
	}
END_TEST

static int get_identity(void *context)
{
	(void)context;
	return getuid() == 65534 && getgid() == 65534 && access("/proc", F_OK) != 0 ? 7 : 8;
}

START_TEST(a_function_runs_as_another_user_in_a_chroot)
	{
		const struct doctor_identity identity = { .root = "/usr/lib",
			.uid = 65534,
			.gid = 65534 };
		struct errmsg err;

		ck_assert_int_eq(doctor_run_as(&identity, get_identity, NULL, &err),
			geteuid() == 0 ? 7 : -1);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("doctor_run");
	TCase *tcase = tcase_create("doctor_run");

	tcase_add_test(tcase, output_errors_and_code_are_kept_apart);
	tcase_add_test(tcase, a_missing_program_is_told_from_a_failure);
	tcase_add_test(tcase, programs_are_found_in_sbin);
	tcase_add_loop_test(tcase, a_program_that_does_not_end_is_killed, 0, 3);
	tcase_add_test(tcase, a_function_that_does_not_end_is_killed);
	tcase_add_test(tcase, a_program_that_prints_without_end_is_stopped);
	tcase_add_test(tcase, a_function_runs_as_another_user_in_a_chroot);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
