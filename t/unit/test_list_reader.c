/*
 * Shows that a list is read in another thread, whose end can be waited for or not.
 * t/integration/test_threads.py shows what happens if the system refuses the thread.
 */
#include "milter/cache/list_reader.h"

#include <dlfcn.h>
#include <idn2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "milter/loop/clock.h"
#include "t/unit/unit.h"

#define NAME "mail_from.access.blacklist"
#define WAIT_MS 20000

static char folder[64];
static char path[128];
static struct list_source source;
static int wake_fd;

static void set_up(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/test_list_reader.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/" NAME, folder);
	source = (struct list_source){ .directory = folder, .max_file = 100000 };
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(wake_fd, 0);
}

static void tear_down(void)
{
	(void)close(wake_fd);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void save(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	(void)fclose(f);
}

static struct list_reading read_list(void)
{
	struct job *reader = list_reader_start(&source, LIST_MAIL_DENY, wake_fd);
	struct list_reading reading;

	ck_assert_ptr_nonnull(reader);
	ck_assert_int_le(job_begun(reader), clock_ms());
	ck_assert(job_wait(reader, clock_ms() + WAIT_MS));
	list_reader_finish(&reader, &reading);
	ck_assert_ptr_null(reader);
	return reading;
}

static void forget(struct list_reading *reading)
{
	list_unref(&reading->list);
	problems_free(&reading->problems);
}

START_TEST(a_list_is_read_with_its_stamp_and_problems)
	{
		struct list_reading reading;
		struct file_stamp stamp;
		struct errmsg err;
		uint64_t woken = 0;

		save("a@example.com\na@b@c@\n");
		reading = read_list();
		ck_assert_ptr_nonnull(reading.list);
		ck_assert_uint_eq(list_entries(reading.list), 1);
		ck_assert_uint_eq(problems_count(reading.problems), 1);
		ck_assert_int_eq(file_stamp(path, &stamp, &err), 0);
		ck_assert(file_stamp_equal(&stamp, &reading.stamp));
		ck_assert_int_eq(read(wake_fd, &woken, sizeof(woken)), sizeof(woken));
		ck_assert_uint_eq(woken, 1);
		forget(&reading);
	}
END_TEST

START_TEST(a_file_that_cannot_be_read_gives_the_reason)
	{
		struct list_reading reading;

		source.max_file = 3;
		save("a@example.com\n");
		reading = read_list();
		ck_assert_ptr_null(reading.list);
		ck_assert_ptr_nonnull(strstr(reading.err.text, NAME));
		forget(&reading);
	}
END_TEST

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* each name waits for it */
static unsigned names;					 /* that were read; under gate */

/* libidn2's function, which is called for each name beyond ASCII. */
int idn2_to_ascii_8z(const char *input, char **output, int flags)
{
	int (*real)(const char *, char **, int);

	*(void **)&real = dlsym(RTLD_NEXT, "idn2_to_ascii_8z");
	(void)pthread_mutex_lock(&gate);
	names++;
	(void)pthread_mutex_unlock(&gate);
	return real(input, output, flags);
}

static void pause_ms(long ms)
{
	const struct timespec pause = { 0, ms * 1000000 };

	(void)nanosleep(&pause, NULL);
}

static nlink_t count_threads(void)
{
	struct stat st;

	ck_assert_int_eq(stat("/proc/self/task", &st), 0);
	return st.st_nlink;
}

START_TEST(an_abandoned_reader_reads_no_further_line)
	{
		struct job *reader;
		FILE *f = fopen(path, "w");
		const nlink_t threads = count_threads();
		unsigned read_names;

		ck_assert_ptr_nonnull(f);
		for (int i = 0; i < 1000; i++)
			ck_assert_int_ge(fprintf(f, "@\xc3\xa4%d.example\n", i), 0);
		(void)fclose(f);
		(void)pthread_mutex_lock(&gate);
		reader = list_reader_start(&source, LIST_MAIL_DENY, wake_fd);
		ck_assert_ptr_nonnull(reader);
		job_abandon(&reader);
		(void)pthread_mutex_unlock(&gate);
		for (int waited = 0; count_threads() > threads; waited += 2) {
			ck_assert_int_lt(waited, WAIT_MS);
			pause_ms(2);
		}
		(void)pthread_mutex_lock(&gate);
		read_names = names;
		(void)pthread_mutex_unlock(&gate);
		ck_assert_uint_lt(read_names, 10);
	}
END_TEST

START_TEST(a_reader_may_be_abandoned_at_any_time)
	{
		struct job *reader;

		save("a@example.com\n");
		for (unsigned i = 0; i < unit_times(200); i++) {
			reader = list_reader_start(&source, LIST_MAIL_DENY, wake_fd);
			ck_assert_ptr_nonnull(reader);
			if (i % 2 == 0)
				(void)job_wait(reader, clock_ms() + WAIT_MS);
			job_abandon(&reader);
			ck_assert_ptr_null(reader);
		}
		job_abandon(&reader); /* none */
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("list_reader");
	TCase *tcase = tcase_create("list_reader");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_list_is_read_with_its_stamp_and_problems);
	tcase_add_test(tcase, a_file_that_cannot_be_read_gives_the_reason);
	tcase_add_test(tcase, an_abandoned_reader_reads_no_further_line);
	tcase_add_test(tcase, a_reader_may_be_abandoned_at_any_time);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
