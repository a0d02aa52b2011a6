/*
 * Shows which errors of accept() delay a listener, and that delays are counted and logged once a
 * minute.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "milter/log/log.h"
#include "milter/loop/accept_delay.h"
#include "t/unit/unit.h"

static int saved_stderr, ends[2];

/* The log is not started, so that lines go to standard error at once: here, to a pipe. */
static void setup(void)
{
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	saved_stderr = dup(STDERR_FILENO);
	(void)dup2(ends[1], STDERR_FILENO);
}

static void teardown(void)
{
	(void)dup2(saved_stderr, STDERR_FILENO);
	(void)close(saved_stderr);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* The log lines since the last call. */
static const char *read_log(void)
{
	static char text[4096];
	ssize_t got = read(ends[0], text, sizeof(text) - 1);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

static const struct {
	int error;
	bool is_needed;
} errors[] = {
	{ EMFILE, true },
	{ ENFILE, true },
	{ ENOBUFS, true },
	{ ENOMEM, true },
	{ EINVAL, true },
	{ EAGAIN, false },
	{ EINTR, false },
	{ ECONNABORTED, false },
	{ EPERM, false },
	{ EPROTO, false },
};
START_TEST(only_some_errors_delay_the_listener)
	{
		ck_assert_int_eq(accept_delay_is_needed(errors[_i].error), errors[_i].is_needed);
	}
END_TEST

START_TEST(delays_are_logged_once_a_minute_with_their_number)
	{
		struct accept_delay delay = { .socket = "auth" };
		const uint64_t before = accept_delays().count;

		accept_delay_add(&delay, EMFILE, 1000);
		ck_assert_ptr_nonnull(strstr(read_log(),
			" error: accept=delayed socket=auth times=1 error=\"Too many open files\"\n"));
		for (int i = 0; i < 57; i++)
			accept_delay_add(&delay, EMFILE, 2000 + i * 1000);
		accept_delay_end(&delay, 60999);
		ck_assert_str_eq(read_log(), "");
		accept_delay_add(&delay, ENFILE, 61000);
		ck_assert_ptr_nonnull(
			strstr(read_log(), " times=58 error=\"Too many open files in system\"\n"));
		accept_delay_end(&delay, 200000);
		ck_assert_str_eq(read_log(), "");
		ck_assert_uint_eq(accept_delays().count, before + 59);
		ck_assert_int_eq(accept_delays().last, 61000);
		ck_assert_int_eq(accept_delays().error, ENFILE);
	}
END_TEST

START_TEST(a_connection_that_is_accepted_later_logs_the_rest)
	{
		struct accept_delay delay = { .socket = "auth" };

		accept_delay_add(&delay, EMFILE, 1000);
		accept_delay_add(&delay, EMFILE, 2000);
		(void)read_log();
		accept_delay_end(&delay, 70000);
		ck_assert_ptr_nonnull(strstr(read_log(), " times=1 "));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("accept_delay");
	TCase *tcase = tcase_create("accept_delay");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, only_some_errors_delay_the_listener, 0,
		(int)(sizeof(errors) / sizeof(errors[0])));
	tcase_add_test(tcase, delays_are_logged_once_a_minute_with_their_number);
	tcase_add_test(tcase, a_connection_that_is_accepted_later_logs_the_rest);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
