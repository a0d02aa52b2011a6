/*
 * Shows that changes of files, of their folders and of links are found, with inotify and without,
 * and that no file is read in the middle of a change.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "milter/cache/settle.h"
#include "milter/cache/watch.h"
#include "milter/loop/clock.h"
#include "t/unit/unit.h"

/* Each test runs with inotify and without: _i is 1 or 0. */
static char folder[64];
static int wake_fd;
static struct watch *watch;
static char list[128], other[192];

static void pause_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	(void)fclose(f);
}

/* Locked: looks at `list` wait. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

int stat(const char *restrict path, struct stat *restrict st)
{
	int (*real)(const char *, struct stat *);

	*(void **)&real = dlsym(RTLD_NEXT, "stat");
	if (strcmp(path, list) == 0) {
		(void)pthread_mutex_lock(&gate);
		(void)pthread_mutex_unlock(&gate);
	}
	return real(path, st);
}

/* Have all looks made that are due at that time. */
static void look(int64_t now)
{
	watch_look(watch, now);
	for (int64_t start = clock_ms(); watch_is_looking(watch, now);) {
		ck_assert_int_lt(clock_ms(), start + 20000);
		pause_ms(1);
		watch_look(watch, now);
	}
}

static bool next(int64_t now, size_t *slot)
{
	look(now);
	return watch_next(watch, slot);
}

static bool must_read(size_t slot, int64_t now)
{
	look(now);
	return watch_must_read(watch, slot);
}

static void take(size_t slot, const char *path)
{
	struct file_stamp stamp;

	ck_assert_int_eq(file_stamp(path, &stamp, NULL), 0);
	watch_loaded(watch, slot, &stamp);
}

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/check_watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(wake_fd, 0);
	(void)snprintf(list, sizeof(list), "%s/list", folder);
	(void)snprintf(other, sizeof(other), "%s/other", folder);
}

/* Watch `list` in slot 3, as if it had been read. */
static void begin(int by_events)
{
	size_t slot;

	put(list, "a\n");
	watch = watch_new(by_events, wake_fd);
	ck_assert_ptr_nonnull(watch);
	ck_assert_int_eq(watch_file(watch, 3, list), 0);
	ck_assert(next(clock_ms(), &slot));
	ck_assert_uint_eq(slot, 3);
	take(3, list);
	ck_assert(!next(clock_ms(), &slot));
	ck_assert(!watch_is_pending(watch, 3));
}

static void teardown(void)
{
	watch_free(&watch);
	watch_free(&watch);
	(void)close(wake_fd);
	(void)unlink(list);
	(void)unlink(other);
	(void)rmdir(folder);
}

/* How long it takes until a file must be read. Asks as the cache thread does, but without poll().
 */
static int64_t wait_next(size_t *slot)
{
	int64_t start = clock_ms(), now = start;

	while (!next(now, slot)) {
		ck_assert_int_lt(now, start + 20000);
		pause_ms(2);
		now = clock_ms();
	}
	return now - start;
}

START_TEST(a_saved_file_is_found)
	{
		size_t slot = 99;

		begin(_i);
		put(list, "a\nb\n");
		(void)wait_next(&slot);
		ck_assert_uint_eq(slot, 3);
		take(3, list);
		put(other, "c\n");
		ck_assert_int_eq(rename(other, list), 0);
		(void)wait_next(&slot);
		ck_assert_uint_eq(slot, 3);
	}
END_TEST

START_TEST(other_files_in_the_folder_are_ignored)
	{
		size_t slot;

		begin(_i);
		put(other, "c\n");
		ck_assert(!next(clock_ms(), &slot));
		ck_assert(!next(clock_ms() + 3000, &slot));
	}
END_TEST

START_TEST(a_file_removed_and_created_again_is_one_change)
	{
		struct stat st;
		size_t slot;

		begin(_i);
		ck_assert_int_eq(unlink(list), 0);
		pause_ms(50);
		ck_assert(!next(clock_ms(), &slot));
		ck_assert(watch_is_pending(watch, 3) || !_i);
		put(list, "b\n");
		(void)wait_next(&slot);
		ck_assert_int_eq(stat(list, &st), 0);
		ck_assert_int_eq(st.st_size, 2);
	}
END_TEST

START_TEST(a_missing_file_is_read_as_missing)
	{
		size_t slot;

		begin(_i);
		ck_assert_int_eq(unlink(list), 0);
		(void)wait_next(&slot);
		ck_assert_uint_eq(slot, 3);
	}
END_TEST

START_TEST(a_missing_folder_changes_nothing)
	{
		int64_t later;
		size_t slot;

		begin(_i);
		ck_assert_int_eq(unlink(list), 0);
		ck_assert_int_eq(rmdir(folder), 0);
		for (later = 0; later < 10000; later += 500)
			ck_assert(!next(clock_ms() + later, &slot));
		ck_assert(watch_folder_gone(watch, 3));
		ck_assert(!watch_is_pending(watch, 3));
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		put(list, "b\n");
		for (later = 10000; !next(clock_ms() + later, &slot); later += 100)
			ck_assert_int_lt(later, 20000);
		ck_assert_uint_eq(slot, 3);
		ck_assert(!watch_folder_gone(watch, 3));
	}
END_TEST

START_TEST(a_folder_that_replaced_another_is_followed)
	{
		char moved[128];
		size_t slot;

		begin(_i);
		(void)snprintf(moved, sizeof(moved), "%s.old", folder);
		ck_assert_int_eq(rename(folder, moved), 0);
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		put(list, "from the new folder\n");
		(void)wait_next(&slot);
		take(3, list);
		put(list, "and again\n");
		(void)wait_next(&slot);
		ck_assert_uint_eq(slot, 3);
		(void)snprintf(other, sizeof(other), "%s/list", moved);
		ck_assert_int_eq(unlink(other), 0);
		ck_assert_int_eq(rmdir(moved), 0);
	}
END_TEST

START_TEST(a_forced_file_is_read_immediately)
	{
		size_t slot;

		begin(_i);
		watch_force(watch, 3);
		ck_assert(watch_is_pending(watch, 3));
		ck_assert(next(clock_ms(), &slot));
		take(3, list);
		ck_assert(!next(clock_ms(), &slot));
	}
END_TEST

/* Begin a read of `list`, during which it is not found again. Returns the stamp that it has now. */
static struct file_stamp begin_read(int by_events)
{
	struct file_stamp stamp;
	size_t slot;

	begin(by_events);
	watch_force(watch, 3);
	ck_assert(next(clock_ms(), &slot));
	ck_assert_int_eq(file_stamp(list, &stamp, NULL), 0);
	ck_assert(watch_is_reading(watch, 3));
	return stamp;
}

START_TEST(a_file_forced_while_it_is_read_is_read_again)
	{
		const struct file_stamp stamp = begin_read(_i);
		size_t slot;

		ck_assert(!watch_is_forced(watch, 3));
		watch_force(watch, 3);
		ck_assert(watch_is_forced(watch, 3));
		ck_assert(watch_is_pending(watch, 3));
		ck_assert(!next(clock_ms(), &slot));
		watch_loaded(watch, 3, &stamp);
		ck_assert(!watch_is_forced(watch, 3));
		ck_assert(next(clock_ms(), &slot));
		watch_loaded(watch, 3, &stamp);
		ck_assert(!next(clock_ms(), &slot));
	}
END_TEST

START_TEST(a_file_changed_while_it_is_read_is_read_again)
	{
		const struct file_stamp stamp = begin_read(_i);
		int64_t now;
		size_t slot;

		put(list, "a\nb\n");
		pause_ms(50);
		now = clock_ms();
		ck_assert(!next(now, &slot));
		ck_assert_int_gt(watch_due(watch), now);
		watch_loaded(watch, 3, &stamp);
		(void)wait_next(&slot);
		ck_assert_uint_eq(slot, 3);
		take(3, list);
		ck_assert(!next(clock_ms(), &slot));
	}
END_TEST

START_TEST(a_text_that_has_not_settled_is_dropped)
	{
		struct file_stamp stamp = begin_read(_i);
		size_t slot;

		ck_assert(watch_had_settled(watch, 3, &stamp, clock_ms()));
		stamp.size--;
		ck_assert(!watch_had_settled(watch, 3, &stamp, clock_ms()));
		watch_dropped(watch, 3, clock_ms());
		ck_assert(!watch_is_reading(watch, 3));
		ck_assert(watch_is_pending(watch, 3));
		(void)wait_next(&slot);
		ck_assert_uint_eq(slot, 3);
	}
END_TEST

START_TEST(the_text_of_an_earlier_folder_is_of_no_use)
	{
		char moved[128];
		int64_t later;
		size_t slot;

		(void)begin_read(_i);
		(void)snprintf(moved, sizeof(moved), "%s.old", folder);
		ck_assert_int_eq(rename(folder, moved), 0);
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		put(list, "from the new folder\n");
		for (later = 0; watch_is_reading(watch, 3); later += 100) {
			ck_assert_int_lt(later, 20000);
			ck_assert(!next(clock_ms() + later, &slot));
		}
		ck_assert(watch_folder_replaced(watch, 3));
		(void)snprintf(other, sizeof(other), "%s/list", moved);
		ck_assert_int_eq(unlink(other), 0);
		ck_assert_int_eq(rmdir(moved), 0);
	}
END_TEST

/* A file that must be read again and again does not keep others waiting. */
START_TEST(files_are_read_in_turn)
	{
		size_t slot = 99, last = 99;

		put(other, "c\n");
		begin(_i);
		ck_assert_int_eq(watch_file(watch, 5, other), 0);
		(void)wait_next(&slot);
		ck_assert_uint_eq(slot, 5);
		take(5, other);
		for (int i = 0; i < 4; i++) {
			watch_force(watch, 3);
			watch_force(watch, 5);
			ck_assert(next(clock_ms(), &slot));
			ck_assert(slot == 3 || slot == 5);
			ck_assert_uint_ne(slot, last);
			take(slot, slot == 3 ? list : other);
			last = slot;
		}
	}
END_TEST

/* Of an exception and the rule that needs it, the exception is written first, and so is read first.
 */
START_TEST(changes_are_found_in_their_order)
	{
		const size_t slots[] = { 5, 3 };
		size_t slot = 99;

		put(other, "c\n");
		begin(1);
		ck_assert_int_eq(watch_file(watch, 5, other), 0);
		(void)wait_next(&slot);
		take(5, other);
		for (int i = 0; i < 4; i++) {
			size_t first = slots[i / 2], second = slots[1 - i / 2];

			put(first == 3 ? list : other, i % 2 ? "x\ny\n" : "z\n");
			put(second == 3 ? list : other, i % 2 ? "x\ny\n" : "z\n");
			(void)wait_next(&slot);
			ck_assert_uint_eq(slot, first);
			take(slot, slot == 3 ? list : other);
			(void)wait_next(&slot);
			ck_assert_uint_eq(slot, second);
			take(slot, slot == 3 ? list : other);
		}
	}
END_TEST

START_TEST(a_file_can_be_read_before_the_others)
	{
		size_t slot = 99;

		put(other, "c\n");
		begin(_i);
		ck_assert_int_eq(watch_file(watch, 5, other), 0);
		(void)wait_next(&slot);
		take(5, other);
		ck_assert(!must_read(5, clock_ms()));
		ck_assert(!must_read(7, clock_ms()));
		watch_force(watch, 3);
		watch_force(watch, 5);
		ck_assert(must_read(5, clock_ms()));
		take(5, other);
		ck_assert(!must_read(5, clock_ms()));
		ck_assert(next(clock_ms(), &slot));
		ck_assert_uint_eq(slot, 3);
	}
END_TEST

START_TEST(a_failed_read_does_not_delay_a_reload)
	{
		size_t slot;

		begin(_i);
		watch_force(watch, 3);
		ck_assert(next(clock_ms(), &slot));
		watch_failed(watch, 3, clock_ms());
		ck_assert(!watch_is_pending(watch, 3));
		ck_assert(!next(clock_ms(), &slot));
		ck_assert(next(clock_ms() + SETTLE_RETRY_MS, &slot));
	}
END_TEST

START_TEST(a_link_to_another_folder_is_followed)
	{
		size_t slot;

		begin(_i);
		ck_assert_int_eq(unlink(list), 0);
		(void)snprintf(other, sizeof(other), "%s.target", folder);
		put(other, "a\n");
		ck_assert_int_eq(symlink(other, list), 0);
		(void)wait_next(&slot);
		take(3, list);
		put(other, "a\nb\n");
		(void)wait_next(&slot);
		ck_assert_uint_eq(slot, 3);
	}
END_TEST

START_TEST(slots_can_change)
	{
		size_t slot;

		begin(_i);
		put(other, "c\n");
		ck_assert_int_eq(watch_file(watch, 3, list), 0); /* the same path changes nothing */
		ck_assert(!next(clock_ms(), &slot));
		ck_assert_int_eq(watch_file(watch, 3, other), 0);
		ck_assert(next(clock_ms(), &slot));
		take(3, other);
		ck_assert_int_eq(watch_file(watch, 3, NULL), 0);
		put(other, "d\n");
		ck_assert(!next(clock_ms() + 5000, &slot));
	}
END_TEST

/* Let a look at everything begin, and wait until it has seen the files. Returns its time. */
static int64_t begin_look(void)
{
	const int64_t now = clock_ms() + 5000;
	struct pollfd ended = { .fd = wake_fd, .events = POLLIN };
	uint64_t count;

	pause_ms(10); /* looks are not made more often */
	if (read(wake_fd, &count, sizeof(count)) < 0)
		ck_assert_int_eq(errno, EAGAIN);
	watch_look(watch, now);
	ck_assert_int_eq(poll(&ended, 1, 20000), 1);
	return now;
}

START_TEST(a_change_that_a_look_has_just_missed_is_found)
	{
		int64_t now;

		begin(1);
		now = begin_look();
		ck_assert_int_eq(chmod(list, 0640), 0);
		look(now);
		ck_assert(watch_is_pending(watch, 3));
	}
END_TEST

START_TEST(a_change_seen_by_a_slow_look_is_left_alone_from_its_end_on)
	{
		const int64_t began = clock_ms() + 5000, ended = began + 10000;
		size_t slot;

		begin(0);
		pause_ms(10); /* looks are not made more often */
		put(list, "a\nb\n");
		(void)pthread_mutex_lock(&gate);
		watch_look(watch, began);
		ck_assert(!watch_next(watch, &slot));
		(void)pthread_mutex_unlock(&gate);
		ck_assert(!next(ended, &slot));
		ck_assert(!next(ended + SETTLE_UNSURE_MS - 1, &slot));
		ck_assert(next(ended + SETTLE_UNSURE_MS, &slot));
	}
END_TEST

START_TEST(the_reason_for_which_stamps_are_compared_is_known)
	{
		const char *refused = NULL;

		begin(_i);
		look(clock_ms());
		ck_assert_int_eq(watch_polled_for(watch, &refused), _i == 1 ? 0 : ENOSYS);
		ck_assert_str_eq(refused, "");
	}
END_TEST

/* Return how many folders inotify watches for the watch. */
static int count_watches(void)
{
	char path[64], line[256];
	int count = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", watch_fd(watch));
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		count += strncmp(line, "inotify ", 8) == 0;
	(void)fclose(f);
	return count;
}

/* As a look leaves one that is abandoned while it begins to watch a folder. */
START_TEST(a_watch_of_which_nobody_knows_is_removed)
	{
		begin(1);
		(void)snprintf(other, sizeof(other), "%s/folder", folder);
		ck_assert_int_eq(mkdir(other, 0700), 0);
		look(clock_ms());
		ck_assert_int_ge(inotify_add_watch(watch_fd(watch), other, IN_ATTRIB), 0);
		ck_assert_int_eq(count_watches(), 2);
		ck_assert_int_eq(chmod(other, 0750), 0);
		look(clock_ms());
		ck_assert_int_eq(count_watches(), 1);
		ck_assert_int_eq(rmdir(other), 0);
	}
END_TEST

START_TEST(all_files_of_another_folder_are_looked_at)
	{
		char linked[96], first[96], second[96], path[2][128];
		size_t slot;

		put(other, "c\n");
		(void)snprintf(linked, sizeof(linked), "%s/link", folder);
		(void)snprintf(first, sizeof(first), "%s/first", folder);
		(void)snprintf(second, sizeof(second), "%s/second", folder);
		for (int i = 0; i < 2; i++) {
			(void)snprintf(path[i], sizeof(path[i]), "%s", i == 0 ? first : second);
			ck_assert_int_eq(mkdir(path[i], 0700), 0);
		}
		ck_assert_int_eq(symlink("first", linked), 0);
		watch = watch_new(true, wake_fd);
		for (int i = 0; i < 2; i++) {
			(void)snprintf(path[i], sizeof(path[i]), "%s/file%d", linked, i);
			put(path[i], "a\n");
			ck_assert_int_eq(watch_file(watch, (size_t)i, path[i]), 0);
		}
		while (next(clock_ms(), &slot))
			take(slot, path[slot]);
		ck_assert_int_eq(unlink(linked), 0);
		ck_assert_int_eq(symlink("second", linked), 0);
		for (int i = 0; i < 2; i++)
			put(path[i], "b\n");
		watch_force(watch, 0);
		look(clock_ms());
		ck_assert(watch_folder_replaced(watch, 0));
		ck_assert(watch_is_pending(watch, 1));
		for (int i = 0; i < 4; i++) {
			(void)snprintf(path[0], sizeof(path[0]), "%s/file%d",
				i < 2 ? first : second, i % 2);
			ck_assert_int_eq(unlink(path[0]), 0);
		}
		ck_assert_int_eq(unlink(linked), 0);
		ck_assert_int_eq(rmdir(first), 0);
		ck_assert_int_eq(rmdir(second), 0);
	}
END_TEST

static Suite *watch_suite(void)
{
	Suite *suite = suite_create("watch");
	TCase *tcase = tcase_create("watch");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_saved_file_is_found, 0, 2);
	tcase_add_loop_test(tcase, other_files_in_the_folder_are_ignored, 0, 2);
	tcase_add_loop_test(tcase, a_file_removed_and_created_again_is_one_change, 0, 2);
	tcase_add_loop_test(tcase, a_missing_file_is_read_as_missing, 0, 2);
	tcase_add_loop_test(tcase, a_missing_folder_changes_nothing, 0, 2);
	tcase_add_loop_test(tcase, a_folder_that_replaced_another_is_followed, 0, 2);
	tcase_add_loop_test(tcase, a_forced_file_is_read_immediately, 0, 2);
	tcase_add_loop_test(tcase, a_file_forced_while_it_is_read_is_read_again, 0, 2);
	tcase_add_loop_test(tcase, a_file_changed_while_it_is_read_is_read_again, 0, 2);
	tcase_add_loop_test(tcase, a_text_that_has_not_settled_is_dropped, 0, 2);
	tcase_add_loop_test(tcase, the_text_of_an_earlier_folder_is_of_no_use, 0, 2);
	tcase_add_loop_test(tcase, files_are_read_in_turn, 0, 2);
	tcase_add_test(tcase, changes_are_found_in_their_order);
	tcase_add_loop_test(tcase, a_file_can_be_read_before_the_others, 0, 2);
	tcase_add_loop_test(tcase, a_failed_read_does_not_delay_a_reload, 0, 2);
	tcase_add_loop_test(tcase, a_link_to_another_folder_is_followed, 0, 2);
	tcase_add_loop_test(tcase, slots_can_change, 0, 2);
	tcase_add_test(tcase, a_change_that_a_look_has_just_missed_is_found);
	tcase_add_test(tcase, a_change_seen_by_a_slow_look_is_left_alone_from_its_end_on);
	tcase_add_loop_test(tcase, the_reason_for_which_stamps_are_compared_is_known, 0, 2);
	tcase_add_test(tcase, a_watch_of_which_nobody_knows_is_removed);
	tcase_add_test(tcase, all_files_of_another_folder_are_looked_at);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN_ALONE(watch_suite)
