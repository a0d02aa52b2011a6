/*
 * Shows the lines that reach the output, with the log thread and without: in order, one line each,
 * never delaying the caller, and with dropped lines counted.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "t/unit/unit.h"

static int saved_stderr, ends[2];

/* Standard error goes to a pipe that only the test reads. */
static void setup(void)
{
	ck_assert_int_eq(pipe(ends), 0);
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

static const struct log_output output = { .facility = "mail", .level = "info", .to_stderr = true };

static void start_log(void)
{
	struct errmsg err = { "" };

	ck_assert_msg(log_start(&output, &err) == 0, "%s", err.text);
}

/* The output so far; called when the log has stopped. */
static char *read_output(void)
{
	static char text[1 << 20];
	ssize_t got = read(ends[0], text, sizeof(text) - 1);

	ck_assert_int_gt(got, 0);
	text[got] = '\0';
	return text;
}

static size_t count(const char *text, const char *word)
{
	size_t found = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		found++;
	return found;
}

START_TEST(lines_come_in_order_with_their_level)
	{
		char *text;

		start_log();
		log_event(LOG_LEVEL_NOTICE, "first number=%d", 1);
		log_event(LOG_LEVEL_DEBUG, "not wanted");
		log_line(LOG_LEVEL_ERROR, "second", 6);
		log_stop();
		text = read_output();
		ck_assert_ptr_nonnull(strstr(text, " notice: first number=1\n"));
		ck_assert_ptr_nonnull(strstr(text, " error: second\n"));
		ck_assert(strstr(text, "first") < strstr(text, "second"));
		ck_assert_ptr_null(strstr(text, "not wanted"));
		ck_assert_uint_eq(count(text, "\n"), 2);
	}
END_TEST

START_TEST(a_line_is_one_line_of_printable_ascii)
	{
		char *text;

		start_log();
		log_line(LOG_LEVEL_INFO, "a\nb\0c\x1b\xff", 7);
		log_event(LOG_LEVEL_INFO, "%s", "x\r\ny");
		log_stop();
		text = read_output();
		ck_assert_ptr_nonnull(strstr(text, " info: a?b?c?\?\n"));
		ck_assert_ptr_nonnull(strstr(text, " info: x?\?y\n"));
	}
END_TEST

START_TEST(a_long_line_is_cut)
	{
		char *line = malloc(3 * LOG_LINE_MAX);
		char *text;

		memset(line, 'x', 3 * LOG_LINE_MAX);
		line[3 * LOG_LINE_MAX - 1] = '\0';
		start_log();
		log_event(LOG_LEVEL_INFO, "%s", line);
		log_line(LOG_LEVEL_INFO, line, 3 * LOG_LINE_MAX - 1);
		log_stop();
		text = read_output();
		ck_assert_ptr_nonnull(strstr(text, "xxx...\n"));
		ck_assert_uint_eq(count(text, "\n"), 2);
		free(line);
	}
END_TEST

/* The pipe holds 64 KiB: the log thread hangs, and no other thread does. */
START_TEST(a_slow_reader_delays_no_thread_and_lost_lines_are_counted)
	{
		const size_t lines = 3 * LOG_LINES_MAX;
		static char text[16 << 20];
		size_t len = 0, seen, lost;
		uint64_t before = log_dropped();
		const char *at;
		ssize_t got;

		start_log();
		for (size_t i = 0; i < lines; i++)
			log_event(LOG_LEVEL_INFO, "line %06zu %0100d", i, 0);
		lost = (size_t)(log_dropped() - before);
		ck_assert_uint_gt(lost, 0);
		ck_assert_uint_lt(lost, lines);
		(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
		for (int quiet = 0; quiet < 100; quiet++) { /* until nothing arrives for a second */
			while ((got = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0) {
				len += (size_t)got;
				quiet = 0;
			}
			(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		}
		log_stop();
		text[len] = '\0';
		seen = count(text, "line 0");
		ck_assert_uint_eq(seen + lost, lines);
		ck_assert_ptr_nonnull(at = strstr(text, "lines-dropped="));
		ck_assert_uint_eq(strtoul(at + strlen("lines-dropped="), NULL, 10), lost);
	}
END_TEST

/* Log lines until the output is found to take them, or not to. */
static void wait_until_taken(bool is, int64_t patience_ms, struct errmsg *err)
{
	static int number; /* equal lines are bounded */

	do {
		log_event(LOG_LEVEL_INFO, "line %06d %0300d", number++, 0);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	} while (log_is_taken(patience_ms, err) != is);
}

START_TEST(an_output_that_fails_is_told_until_it_takes_lines_again)
	{
		const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
		struct errmsg err = { "" };

		start_log();
		ck_assert(log_is_taken(INT64_MAX, &err));
		(void)dup2(full, STDERR_FILENO);
		wait_until_taken(false, INT64_MAX, &err);
		ck_assert_str_eq(err.text,
			"the lines of the log are lost: standard error: No space left on device");
		(void)dup2(ends[1], STDERR_FILENO);
		wait_until_taken(true, INT64_MAX, &err);
		log_stop();
		(void)close(full);
	}
END_TEST

/* Wait without a line of one's own. */
static void wait_quietly(bool is, struct errmsg *err)
{
	while (log_is_taken(INT64_MAX, err) != is)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

START_TEST(an_output_that_takes_lines_again_is_told_how_many_it_has_lost)
	{
		const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
		const uint64_t before = log_dropped();
		struct errmsg err = { "" };
		char *text;

		start_log();
		(void)dup2(full, STDERR_FILENO);
		log_event(LOG_LEVEL_INFO, "lost one");
		log_event(LOG_LEVEL_INFO, "lost two");
		wait_quietly(false, &err);
		while (log_dropped() < before + 2)
			(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		(void)dup2(ends[1], STDERR_FILENO);
		wait_quietly(true, &err); /* no line comes that could show it */
		log_stop();
		text = read_output();
		ck_assert_ptr_nonnull(strstr(text, "log lines-lost=2 reason=output-failed\n"));
		ck_assert_uint_eq(log_dropped() - before, 2);
		(void)close(full);
	}
END_TEST

/* As when a disk becomes full: the system takes a part of the line. */
START_TEST(a_line_of_which_a_part_is_taken_is_lost)
	{
		char name[] = "/tmp/test_log.XXXXXX";
		const int file = mkstemp(name);
		struct errmsg err = { "" };
		struct rlimit before, limit;

		ck_assert_int_ge(file, 0);
		ck_assert_int_eq(unlink(name), 0);
		ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
		limit = before;
		limit.rlim_cur = 100;
		(void)signal(SIGXFSZ, SIG_IGN);
		start_log();
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		(void)dup2(file, STDERR_FILENO);
		log_event(LOG_LEVEL_INFO, "long %0300d", 0);
		wait_quietly(false, &err);
		ck_assert_str_eq(err.text,
			"the lines of the log are lost: standard error: File too large");
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
		(void)dup2(ends[1], STDERR_FILENO);
		log_stop();
		(void)close(file);
	}
END_TEST

START_TEST(an_output_that_takes_no_line_is_told)
	{
		struct errmsg err = { "" };

		start_log();
		wait_until_taken(false, 10, &err);
		ck_assert_ptr_nonnull(strstr(err.text, "standard error has taken none for "));
		ck_assert(log_is_taken(INT64_MAX, &err));
		(void)read_output();
		log_stop();
	}
END_TEST

/* The clock that people set, which may go back at any time: by that of this test, it is an hour
 * later than by that of the system, which the waits of a wrong clock use. */
static atomic_bool is_clock_changed;

int clock_gettime(clockid_t clock, struct timespec *time_r)
{
	const long ret = syscall(SYS_clock_gettime, clock, time_r);

	if (is_clock_changed && clock == CLOCK_REALTIME)
		time_r->tv_sec += 3600;
	return (int)ret;
}

/* The pipe is full, so that the log thread hangs. */
START_TEST(the_end_waits_for_seconds_whatever_the_time_of_day_is)
	{
		const struct timespec pause = { .tv_nsec = 1000000 };
		char *byte = malloc(1);
		int flags = fcntl(ends[1], F_GETFL);

		(void)fcntl(ends[1], F_SETFL, flags | O_NONBLOCK);
		for (*byte = 'x'; write(ends[1], byte, 1) == 1;)
			;
		free(byte);
		(void)fcntl(ends[1], F_SETFL, flags);
		start_log();
		log_event(LOG_LEVEL_INFO, "this line hangs");
		is_clock_changed = true;
		log_stop(); /* not in an hour */
		is_clock_changed = false;
		ck_assert_int_eq(log_start(&output, NULL), -1); /* the thread still hangs */
		(void)read_output();				/* so that it ends */
		while (log_start(&output, NULL) != 0)
			(void)nanosleep(&pause, NULL);
		log_stop();
	}
END_TEST

START_TEST(equal_lines_are_bounded_and_counted)
	{
		const uint64_t before = log_suppressed();
		char *text;

		start_log();
		for (int i = 0; i < 1000; i++) {
			log_event(LOG_LEVEL_ERROR, "accept error=\"no\\more\"");
			if (i % 100 == 0)
				log_event(LOG_LEVEL_ERROR, "other number=%d", i);
		}
		log_stop();
		text = read_output();
		ck_assert_uint_eq(count(text, " error: accept error="), 10);
		ck_assert_uint_eq(count(text, " error: other number="), 10);
		ck_assert_ptr_nonnull(strstr(text,
			" error: log lines-suppressed=990 reason=equal line=\"accept error='no/more'\"\n"));
		ck_assert_uint_eq(log_suppressed() - before, 990);
	}
END_TEST

START_TEST(without_the_thread_lines_are_written_at_once)
	{
		log_event(LOG_LEVEL_WARNING, "early");
		ck_assert_ptr_nonnull(strstr(read_output(), " warning: early\n"));
		start_log();
		log_stop();
		log_stop();
		log_event(LOG_LEVEL_WARNING, "late");
		ck_assert_ptr_nonnull(strstr(read_output(), " warning: late\n"));
	}
END_TEST

/* No thread can be started with a stack as large as the address space. LeakSanitizer finds the ring
 * that is not freed. */
START_TEST(without_a_thread_the_log_does_not_start)
	{
		struct errmsg err = { "" };
		pthread_attr_t attr;

		ck_assert_int_eq(pthread_attr_init(&attr), 0);
		ck_assert_int_eq(pthread_attr_setstacksize(&attr, (size_t)1 << 46), 0);
		ck_assert_int_eq(pthread_setattr_default_np(&attr), 0);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(log_start(&output, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "cannot start the log thread"));
		ck_assert_int_eq(pthread_attr_setstacksize(&attr, 1 << 20), 0);
		ck_assert_int_eq(pthread_setattr_default_np(&attr), 0);
		(void)pthread_attr_destroy(&attr);
		log_event(LOG_LEVEL_WARNING, "still");
		ck_assert_ptr_nonnull(strstr(read_output(), " warning: still\n"));
		start_log();
		log_stop();
	}
END_TEST

START_TEST(an_error_is_quoted)
	{
		char *text;

		start_log();
		quote_log(LOG_LEVEL_ERROR, "error", "no \"db1\"\nx=y", "loaded %s=%d", "rows", 7);
		quote_log(LOG_LEVEL_DEBUG, "error", "x", "not wanted");
		log_stop();
		text = read_output();
		ck_assert_ptr_nonnull(
			strstr(text, " error: loaded rows=7 error=\"no \\\"db1\\\"\\x0ax=y\"\n"));
		ck_assert_ptr_null(strstr(text, "not wanted"));
	}
END_TEST

START_TEST(levels_and_facilities_have_names)
	{
		const struct log_output bad_facility = { .facility = "x", .level = "info" };
		const struct log_output bad_level = { .facility = "mail", .level = "loud" };
		enum log_level level = LOG_LEVEL_INFO;
		struct errmsg err;

		ck_assert_int_eq(log_level_parse("Debug", &level), 0);
		ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
		ck_assert_str_eq(log_level_name(level), "debug");
		ck_assert_int_eq(log_level_parse("loud", &level), -1);
		ck_assert_int_eq(log_start(&bad_facility, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "'x'"));
		ck_assert_int_eq(log_start(&bad_level, &err), -1);
		log_set_level(LOG_LEVEL_WARNING);
		ck_assert(log_wants(LOG_LEVEL_ERROR) && !log_wants(LOG_LEVEL_INFO));
		log_set_level(LOG_LEVEL_INFO);
	}
END_TEST

START_TEST(what_people_do_is_logged_at_any_level)
	{
		log_set_level(LOG_LEVEL_ERROR);
		log_line(LOG_LEVEL_NOTICE, "hidden", 6);
		log_action(LOG_LEVEL_NOTICE, "resumed=eve uid=0", 17);
		log_set_level(LOG_LEVEL_INFO);
		ck_assert_ptr_null(strstr(read_output(), "hidden"));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lines_come_in_order_with_their_level);
	tcase_add_test(tcase, what_people_do_is_logged_at_any_level);
	tcase_add_test(tcase, a_line_is_one_line_of_printable_ascii);
	tcase_add_test(tcase, a_long_line_is_cut);
	tcase_add_test(tcase, a_slow_reader_delays_no_thread_and_lost_lines_are_counted);
	tcase_add_test(tcase, an_output_that_fails_is_told_until_it_takes_lines_again);
	tcase_add_test(tcase, an_output_that_takes_lines_again_is_told_how_many_it_has_lost);
	tcase_add_test(tcase, a_line_of_which_a_part_is_taken_is_lost);
	tcase_add_test(tcase, an_output_that_takes_no_line_is_told);
	tcase_add_test(tcase, the_end_waits_for_seconds_whatever_the_time_of_day_is);
	tcase_add_test(tcase, equal_lines_are_bounded_and_counted);
	tcase_add_test(tcase, without_the_thread_lines_are_written_at_once);
	tcase_add_test(tcase, without_a_thread_the_log_does_not_start);
	tcase_add_test(tcase, an_error_is_quoted);
	tcase_add_test(tcase, levels_and_facilities_have_names);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
