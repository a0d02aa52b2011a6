/*
 * Shows when the JSON file is written, that a failed writing is repeated, and that stopping leaves
 * no half-written file.
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/store/store_read.h"
#include "milter/cache/store_sync.h"
#include "milter/loop/clock.h"
#include "t/unit/unit.h"

#define RIGHT_AT 1700000000 /* when the rows were known to be right */

static char folder[64], path[96];
static struct store_sync *sync_;
static struct profiles *profiles;
static struct users *users;
static int wake_fd;

static void pause_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
}

static struct users *make_users(const char *name)
{
	struct users_builder *builder = users_builder_new();
	struct cell row[USER_COLUMNS] = { 0 };

	row[USER_ID] = (struct cell){ CELL_TEXT, "1", 1 };
	row[USER_NAME] = (struct cell){ CELL_TEXT, name, strlen(name) };
	ck_assert_int_eq(users_builder_add(builder, row, NULL), 1);
	return users_builder_finish(&builder, NULL, NULL, NULL);
}

static void setup(void)
{
	struct profiles_builder *builder = profiles_builder_new(false);

	(void)snprintf(folder, sizeof(folder), "/tmp/test_store_sync.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/s", folder);
	profiles = profiles_builder_finish(&builder, NULL);
	users = make_users("bob");
	wake_fd = eventfd(0, EFD_NONBLOCK);
	sync_ = store_sync_new(wake_fd);
	ck_assert_ptr_nonnull(sync_);
	ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
}

static void teardown(void)
{
	char command[128];

	store_sync_free(&sync_, 20000);
	store_sync_free(&sync_, 0);
	profiles_unref(&profiles);
	users_unref(&users);
	(void)close(wake_fd);
	(void)snprintf(command, sizeof(command), "%s.prev", path);
	(void)unlink(command);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* Wait until a writing has ended. The thread does not use `now`. */
static void wait_for_end(int64_t now)
{
	int64_t start = clock_ms();

	while (!store_sync_attend(sync_, now)) {
		ck_assert_int_lt(clock_ms(), start + 20000);
		pause_ms(1);
	}
}

/* Read the file: the name of its only user, and its revision. */
static void ck_store(const char *name, const char *revision)
{
	const struct store_source source = { 0 };
	struct store store = { 0 };
	struct errmsg err = { "" };
	struct user user;

	ck_assert_int_eq(store_read(path, &source, &store, &err), STORE_READ);
	ck_assert_uint_eq(users_count(store.users), 1);
	ck_assert(users_find(store.users, name, strlen(name), &user));
	ck_assert_str_eq(store.revision, revision);
	ck_assert_int_eq(store.written, RIGHT_AT);
	store_clear(&store);
}

START_TEST(a_change_is_written_soon)
	{
		uint64_t woken = 0;

		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, 1000);
		ck_assert_int_eq(store_sync_due(sync_), 1000 + STORE_SYNC_SOON_MS);
		ck_assert(!store_sync_attend(sync_, 1000));
		ck_assert_int_eq(store_sync_written(sync_), 0);
		wait_for_end(1000 + STORE_SYNC_SOON_MS);
		ck_assert_int_ne(store_sync_written(sync_), 0);
		ck_assert_str_eq(store_sync_error(sync_)->text, "");
		ck_assert_int_eq(read(wake_fd, &woken, sizeof(woken)), sizeof(woken));
		ck_store("bob", "r1");
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
	}
END_TEST

START_TEST(constant_change_is_written_now_and_then_and_at_its_end)
	{
		struct users *eve = make_users("eve");
		int64_t now = clock_ms();

		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, now);
		wait_for_end(now + STORE_SYNC_SOON_MS);
		now = clock_ms();
		store_sync_want(sync_, path, profiles, users, "r2", RIGHT_AT, now);
		store_sync_want(sync_, path, profiles, eve, "r3", RIGHT_AT, now);
		ck_assert_int_gt(store_sync_due(sync_), now + STORE_SYNC_PAUSE_MS - 2000);
		ck_assert(!store_sync_attend(sync_, now + 100));
		ck_store("bob", "r1");
		wait_for_end(store_sync_due(sync_));
		ck_store("eve", "r3");
		users_unref(&eve);
	}
END_TEST

START_TEST(a_failed_writing_is_reported_and_repeated)
	{
		int64_t now = clock_ms();

		ck_assert_int_eq(rmdir(folder), 0);
		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, now);
		wait_for_end(now + STORE_SYNC_SOON_MS);
		ck_assert_ptr_nonnull(strstr(store_sync_error(sync_)->text, "No such file"));
		ck_assert_int_eq(store_sync_written(sync_), 0);
		ck_assert_int_ne(store_sync_due(sync_), CLOCK_NEVER);
		now = store_sync_due(sync_);
		ck_assert(!store_sync_attend(sync_, now)); /* there is no room for it yet */
		ck_assert_int_gt(store_sync_due(sync_), now);
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		wait_for_end(store_sync_due(sync_));
		ck_assert_str_eq(store_sync_error(sync_)->text, "");
		ck_store("bob", "r1");
	}
END_TEST

START_TEST(forgotten_rows_are_not_written)
	{
		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, clock_ms());
		store_sync_forget(sync_);
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
		store_sync_free(&sync_, 20000);
		ck_assert_int_ne(access(path, F_OK), 0);
	}
END_TEST

START_TEST(the_end_writes_the_wanted_rows)
	{
		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, clock_ms());
		store_sync_free(&sync_, 20000);
		ck_store("bob", "r1");
	}
END_TEST

START_TEST(the_end_writes_what_could_not_be_written_before)
	{
		int64_t now = clock_ms();

		ck_assert_int_eq(rmdir(folder), 0);
		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, now);
		wait_for_end(now + STORE_SYNC_SOON_MS);
		ck_assert_str_ne(store_sync_error(sync_)->text, "");
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		store_sync_free(&sync_, 20000);
		ck_store("bob", "r1");
	}
END_TEST

START_TEST(an_impatient_end_leaves_no_half_written_file)
	{
		const struct store_source source = { 0 };
		struct store store = { 0 };
		enum store_result result;
		struct errmsg err;
		int64_t now = clock_ms();

		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, now);
		(void)store_sync_attend(sync_, now + STORE_SYNC_SOON_MS);
		store_sync_free(&sync_, 0);
		pause_ms(200); /* the thread ends by itself and frees its memory */
		result = store_read(path, &source, &store, &err);
		ck_assert(result == STORE_READ || result == STORE_MISSING);
		store_clear(&store);
	}
END_TEST

static Suite *store_sync_suite(void)
{
	Suite *suite = suite_create("store_sync");
	TCase *tcase = tcase_create("store_sync");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_change_is_written_soon);
	tcase_add_test(tcase, constant_change_is_written_now_and_then_and_at_its_end);
	tcase_add_test(tcase, a_failed_writing_is_reported_and_repeated);
	tcase_add_test(tcase, forgotten_rows_are_not_written);
	tcase_add_test(tcase, the_end_writes_the_wanted_rows);
	tcase_add_test(tcase, the_end_writes_what_could_not_be_written_before);
	tcase_add_test(tcase, an_impatient_end_leaves_no_half_written_file);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(store_sync_suite)
