/*
 * The keeper of the suspensions' file: it saves them in the order of their changes, reports
 * suspensions that could not be saved until they are saved, and finds errors in the file.
 */
#include "milter/shared/suspension_keeper.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/store/suspensions_file.h"
#include "t/unit/unit.h"

static char folder[64], path[96];
static struct suspensions *suspensions;
static struct suspension_keeper *keeper;
static sem_t writing; /* posted by each fsync() */

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/check_suspension_keeper.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/in/suspended", folder);
	ck_assert_int_eq(sem_init(&writing, 0, 0), 0);
	suspensions = suspensions_new();
	keeper = suspension_keeper_new(path, suspensions);
	ck_assert_int_eq(suspensions_set(suspensions, "bob", true), 1);
}

static void teardown(void)
{
	char inner[96], bad[112];

	suspension_keeper_free(&keeper);
	suspensions_free(&suspensions);
	(void)unlink(path);
	(void)snprintf(bad, sizeof(bad), "%s.bad", path);
	(void)remove(bad);
	(void)snprintf(inner, sizeof(inner), "%s/in", folder);
	(void)rmdir(inner);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void make_directory(void)
{
	char inner[96];

	(void)snprintf(inner, sizeof(inner), "%s/in", folder);
	ck_assert_int_eq(mkdir(inner, 0700), 0);
}

/* The C library's function, which the keeper's writing calls. While it is held, it waits. */
static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool disk_is_full;

int fsync(int fd)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	(void)sem_post(&writing);
	(void)pthread_mutex_lock(&disk);
	(void)pthread_mutex_unlock(&disk);
	if (!atomic_load(&disk_is_full))
		return real(fd);
	errno = ENOSPC;
	return -1;
}

static void wait_for(sem_t *event)
{
	while (sem_wait(event) != 0)
		ck_assert_int_eq(errno, EINTR);
}

struct request {
	struct suspension_save save; /* first, so that a pointer to it is one to the request */
	sem_t saved;
	struct errmsg err;
};

static void on_saved(struct suspension_save *save, const struct errmsg *err)
{
	struct request *request = (struct request *)(void *)save;

	request->err = *err;
	(void)sem_post(&request->saved);
}

static void request_save(struct request *request)
{
	*request = (struct request){ .save = { .saved = on_saved } };
	ck_assert_int_eq(sem_init(&request->saved, 0, 0), 0);
	suspension_keeper_request(keeper, &request->save);
}

static struct errmsg save(void)
{
	struct request request;

	request_save(&request);
	wait_for(&request.saved);
	return request.err;
}

static void start(void)
{
	struct errmsg err;

	ck_assert_int_eq(suspension_keeper_start(keeper, 5, &err), 0);
}

/* Wait until an error is "" or not, and return it. */
static const char *wait_error(void (*get)(struct suspension_keeper *, struct errmsg *),
	bool expected)
{
	static struct errmsg error;

	do {
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		get(keeper, &error);
	} while ((error.text[0] != '\0') != expected);
	return error.text;
}

static bool is_saved(const char *login)
{
	struct suspensions *read = suspensions_new();
	struct errmsg err;
	bool has;

	ck_assert_int_eq(suspensions_load(path, read, &err), 0);
	has = suspensions_has(read, login);
	suspensions_free(&read);
	return has;
}

static bool is_put_aside(void)
{
	char bad[112];

	(void)snprintf(bad, sizeof(bad), "%s.bad", path);
	return access(bad, F_OK) == 0;
}

/* _i: with the thread, or without it */
START_TEST(a_failure_is_remembered_until_saving_succeeds)
	{
		struct errmsg error, err;

		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		if (_i == 1)
			start();
		err = save();
		ck_assert_ptr_nonnull(strstr(err.text, path));
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, err.text);
		make_directory();
		ck_assert_str_eq(save().text, "");
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		ck_assert(is_saved("bob"));
	}
END_TEST

START_TEST(saving_is_tried_again_after_a_failure)
	{
		start();
		ck_assert_ptr_nonnull(strstr(save().text, path));
		make_directory();
		ck_assert_str_eq(wait_error(suspension_keeper_error, false), "");
		ck_assert(is_saved("bob"));
	}
END_TEST

START_TEST(a_slow_disk_delays_nobody_and_loses_nothing)
	{
		struct request first, second, third;

		make_directory();
		start();
		(void)pthread_mutex_lock(&disk);
		request_save(&first);
		wait_for(&writing);
		ck_assert_int_eq(suspensions_set(suspensions, "alice", true), 1);
		request_save(&second); /* while the file without alice is being written */
		request_save(&third);
		suspension_keeper_request(keeper, NULL);
		(void)pthread_mutex_unlock(&disk);
		wait_for(&first.saved);
		wait_for(&second.saved);
		wait_for(&third.saved);
		ck_assert(is_saved("alice"));
		ck_assert(is_saved("bob"));
	}
END_TEST

START_TEST(a_disk_that_hangs_holds_up_neither_requests_nor_the_end)
	{
		struct request first, second, third;
		struct errmsg error, err = { "" };

		make_directory();
		start();
		(void)pthread_mutex_lock(&disk);
		request_save(&first);
		wait_for(&writing);
		request_save(&second);
		ck_assert_ptr_nonnull(strstr(wait_error(suspension_keeper_late, true), path));
		suspension_keeper_watch(keeper);
		ck_assert_int_eq(sem_trywait(&first.saved), 0);
		ck_assert_int_eq(sem_trywait(&second.saved), 0);
		ck_assert_ptr_nonnull(strstr(second.err.text, "has not answered"));
		ck_assert_int_eq(suspensions_set(suspensions, "alice", true), 1);
		request_save(&third);
		ck_assert_int_eq(sem_trywait(&third.saved), 0); /* at once */
		suspension_keeper_error(keeper, &error);
		ck_assert_ptr_nonnull(strstr(error.text, "has not answered"));
		ck_assert_int_eq(suspension_keeper_stop(keeper, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, path));
		(void)pthread_mutex_unlock(&disk);
		ck_assert_int_eq(suspension_keeper_stop(keeper, &err), 0);
		suspension_keeper_watch(keeper);
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		ck_assert(is_saved("alice"));
	}
END_TEST

START_TEST(the_end_waits_for_what_was_requested)
	{
		struct request request;

		make_directory();
		start();
		request_save(&request);
		ck_assert_int_eq(suspension_keeper_stop(keeper, &(struct errmsg){ "" }), 0);
		ck_assert_int_eq(sem_trywait(&request.saved), 0);
		ck_assert_str_eq(request.err.text, "");
		ck_assert_int_eq(suspensions_set(suspensions, "alice", true), 1);
		ck_assert_str_eq(save().text, "");
		ck_assert(is_saved("alice"));
	}
END_TEST

/* Replace the file, because the keeper may look at any moment. */
static void write_file(const char *text)
{
	char beside[128];
	FILE *file;

	(void)snprintf(beside, sizeof(beside), "%s.edited", path);
	file = fopen(beside, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(rename(beside, path), 0);
}

START_TEST(a_file_that_somebody_has_broken_is_found)
	{
		struct errmsg error;

		make_directory();
		start();
		ck_assert_str_eq(save().text, "");
		write_file("alice\nbob \n");
		ck_assert_ptr_nonnull(
			strstr(wait_error(suspension_keeper_file_error, true), "/suspended:2: "));
		suspension_keeper_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		write_file("# nobody else\nbob\n");
		(void)wait_error(suspension_keeper_file_error, false);
		suspension_keeper_put_aside(keeper, &error);
		ck_assert_str_eq(error.text, "");
		write_file("bob \n");
		(void)wait_error(suspension_keeper_file_error, true);
		ck_assert_str_eq(save().text, ""); /* keeps a copy of it */
		suspension_keeper_put_aside(keeper, &error);
		ck_assert_ptr_nonnull(strstr(error.text, "/suspended.bad"));
		ck_assert(is_put_aside());
		suspension_keeper_file_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
	}
END_TEST

START_TEST(a_file_with_other_logins_than_those_in_force_is_found)
	{
		struct errmsg error;

		make_directory();
		start();
		ck_assert_str_eq(save().text, "");
		write_file("");
		ck_assert_ptr_nonnull(strstr(wait_error(suspension_keeper_file_error, true),
			"a restart will change which logins are suspended"));
		ck_assert(suspensions_has(suspensions, "bob"));
		ck_assert_str_eq(save().text, "");
		suspension_keeper_file_error(keeper, &error);
		ck_assert_str_eq(error.text, "");
		write_file("alice\nbob\n");
		(void)wait_error(suspension_keeper_file_error, true);
		ck_assert(!suspensions_has(suspensions, "alice"));
		write_file("bob\n");
		(void)wait_error(suspension_keeper_file_error, false);
	}
END_TEST

START_TEST(without_suspensions_a_removed_file_is_no_error)
	{
		make_directory();
		ck_assert_int_eq(suspensions_set(suspensions, "bob", false), 1);
		start();
		write_file("alice\n");
		(void)wait_error(suspension_keeper_file_error, true);
		ck_assert_int_eq(unlink(path), 0);
		(void)wait_error(suspension_keeper_file_error, false);
		ck_assert_int_ne(access(path, F_OK), 0);
	}
END_TEST

/* _i: it is removed, or replaced by what cannot be read: a FIFO, a directory */
START_TEST(a_file_that_is_lost_is_written_again)
	{
		struct stat st;

		make_directory();
		ck_assert_str_eq(save().text, "");
		ck_assert_int_eq(unlink(path), 0);
		if (_i > 0)
			ck_assert_int_eq(_i == 1 ? mkfifo(path, 0600) : mkdir(path, 0700), 0);
		start();
		while (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
			(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		ck_assert(is_saved("bob"));
		ck_assert(is_put_aside() == (_i == 2));
	}
END_TEST

/* Without any file, a restart would suspend nobody. */
START_TEST(a_changed_file_stays_until_its_successor_is_on_the_disk)
	{
		make_directory();
		start();
		ck_assert_str_eq(save().text, "");
		write_file("bob\nalice\n");
		(void)wait_error(suspension_keeper_file_error, true);
		atomic_store(&disk_is_full, true);
		ck_assert_ptr_nonnull(strstr(save().text, strerror(ENOSPC)));
		ck_assert(is_saved("alice"));
		ck_assert(!is_put_aside());
		atomic_store(&disk_is_full, false);
		ck_assert_str_eq(wait_error(suspension_keeper_error, false), "");
		ck_assert(!is_saved("alice"));
		ck_assert(is_put_aside());
	}
END_TEST

START_TEST(what_cannot_be_put_aside_is_reported)
	{
		char bad[112];
		FILE *file;

		make_directory();
		(void)snprintf(bad, sizeof(bad), "%s.bad", path);
		ck_assert_ptr_nonnull(file = fopen(bad, "we"));
		ck_assert_int_eq(fclose(file), 0);
		ck_assert_str_eq(save().text, "");
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(mkdir(path, 0700), 0);
		start();
		ck_assert_ptr_nonnull(strstr(wait_error(suspension_keeper_error, true), path));
		ck_assert_int_eq(rmdir(path), 0);
		(void)wait_error(suspension_keeper_error, false);
		ck_assert(is_saved("bob"));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("suspension_keeper");
	TCase *tcase = tcase_create("suspension_keeper");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_failure_is_remembered_until_saving_succeeds, 0, 2);
	tcase_add_test(tcase, saving_is_tried_again_after_a_failure);
	tcase_add_test(tcase, a_slow_disk_delays_nobody_and_loses_nothing);
	tcase_add_test(tcase, a_disk_that_hangs_holds_up_neither_requests_nor_the_end);
	tcase_add_test(tcase, the_end_waits_for_what_was_requested);
	tcase_add_test(tcase, a_file_that_somebody_has_broken_is_found);
	tcase_add_test(tcase, a_file_with_other_logins_than_those_in_force_is_found);
	tcase_add_test(tcase, without_suspensions_a_removed_file_is_no_error);
	tcase_add_loop_test(tcase, a_file_that_is_lost_is_written_again, 0, 3);
	tcase_add_test(tcase, a_changed_file_stays_until_its_successor_is_on_the_disk);
	tcase_add_test(tcase, what_cannot_be_put_aside_is_reported);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
