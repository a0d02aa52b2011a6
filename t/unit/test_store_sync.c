/*
 * Shows when the JSON file and its journal are written, that a failed write is repeated, and that
 * stopping leaves no half-written file. Covers store_job.c, too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/store/store_lock.h"
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
	static const char *const suffixes[] = { "", ".prev", ".journal", ".prev.journal", ".new",
		".saved-1700000000", ".lock" };
	char name[128];

	store_sync_free(&sync_, 20000);
	store_sync_free(&sync_, 0);
	profiles_unref(&profiles);
	users_unref(&users);
	(void)close(wake_fd);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	(void)rmdir(folder);
}

/* Wait until a writing has ended. The thread does not use `now`. */
static void wait_for_end(int64_t now)
{
	int64_t start = clock_ms();

	while (store_sync_attend(sync_, now) == STORE_SYNC_NOTHING) {
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
	ck_assert_str_eq(store.revision, revision);
	ck_assert(users_find(store.users, name, strlen(name), &user));
	ck_assert_int_eq(store.written, RIGHT_AT);
	store_clear(&store);
}

START_TEST(a_change_is_written_soon)
	{
		uint64_t woken = 0;

		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, 1000);
		ck_assert_int_eq(store_sync_due(sync_), 1000 + STORE_SYNC_SOON_MS);
		ck_assert_int_eq(store_sync_attend(sync_, 1000), STORE_SYNC_NOTHING);
		ck_assert_int_eq(store_sync_state(sync_).written, 0);
		wait_for_end(1000 + STORE_SYNC_SOON_MS);
		ck_assert_int_ne(store_sync_state(sync_).written, 0);
		ck_assert_str_eq(store_sync_state(sync_).error->text, "");
		ck_assert_int_eq(read(wake_fd, &woken, sizeof(woken)), sizeof(woken));
		ck_store("bob", "r1");
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
	}
END_TEST

/* Have the rows written as a whole file. */
static void write_file(const char *revision)
{
	int64_t now = clock_ms();

	store_sync_want(sync_, path, profiles, users, revision, RIGHT_AT, now);
	wait_for_end(now + STORE_SYNC_SOON_MS);
	ck_assert_str_eq(store_sync_state(sync_).error->text, "");
}

static void want(struct users *wanted, const char *revision)
{
	store_sync_want(sync_, path, profiles, wanted, revision, RIGHT_AT, clock_ms());
}

static struct file_stamp stamp(void)
{
	struct file_stamp now;

	ck_assert_int_eq(file_stamp(path, &now, NULL), 0);
	return now;
}

static bool is_file(const struct file_stamp *before)
{
	const struct file_stamp now = stamp();

	return file_stamp_equal(&now, before);
}

START_TEST(changes_are_appended_to_the_journal_at_most_ten_times_a_second)
	{
		struct users *eve = make_users("eve"), *ann = make_users("ann");
		struct file_stamp before;
		int64_t began;

		write_file("r1");
		before = stamp();
		want(eve, "r2");
		ck_assert_int_le(store_sync_due(sync_), clock_ms() + STORE_SYNC_JOURNAL_MS);
		began = clock_ms();
		wait_for_end(store_sync_due(sync_));
		ck_assert(is_file(&before));
		ck_store("eve", "r2");
		ck_assert_uint_gt(store_sync_state(sync_).journal_bytes, 0);
		want(ann, "r3");
		ck_assert_int_ge(store_sync_due(sync_), began + STORE_SYNC_JOURNAL_MS);
		want(eve, "r4");
		want(ann, "r5");
		wait_for_end(store_sync_due(sync_));
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
		ck_assert(is_file(&before));
		ck_store("ann", "r5");
		store_sync_free(&sync_, 20000);
		ck_store("ann", "r5");
		ck_assert(!is_file(&before)); /* the end writes the file */
		users_unref(&eve);
		users_unref(&ann);
	}
END_TEST

/* Make a user whose row has more bytes than the least bound of the journal. */
static struct users *make_long_user(char c)
{
	struct users_builder *builder = users_builder_new();
	struct cell row[USER_COLUMNS] = { 0 };
	char *froms = malloc(STORE_SYNC_JOURNAL_MIN + 1000);
	size_t len = 0;

	while (len < STORE_SYNC_JOURNAL_MIN + 500)
		len += (size_t)sprintf(froms + len, "%c%zu@example.com,", c, len);
	row[USER_ID] = (struct cell){ CELL_TEXT, "1", 1 };
	row[USER_NAME] = (struct cell){ CELL_TEXT, "bob", 3 };
	row[USER_FROMS] = (struct cell){ CELL_TEXT, froms, len };
	ck_assert_int_eq(users_builder_add(builder, row, NULL), 1);
	free(froms);
	return users_builder_finish(&builder, NULL, NULL, NULL);
}

START_TEST(a_long_journal_is_folded_into_the_file)
	{
		struct users *longer = make_long_user('a'), *again = make_long_user('b');
		struct file_stamp before;

		write_file("r1");
		before = stamp();
		want(longer, "r2");
		wait_for_end(store_sync_due(sync_));
		ck_assert(is_file(&before));
		ck_assert_uint_gt(store_sync_state(sync_).journal_bytes, STORE_SYNC_JOURNAL_MIN);
		ck_assert_int_ne(store_sync_due(sync_), CLOCK_NEVER);
		want(again, "r3"); /* meanwhile, the journal continues */
		while (store_sync_state(sync_).journal_bytes > 0) {
			wait_for_end(store_sync_due(sync_));
			ck_store("bob", "r3");
		}
		ck_assert(!is_file(&before));
		ck_assert_uint_eq(store_sync_state(sync_).journal_bytes, 0);
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
		ck_store("bob", "r3");
		users_unref(&longer);
		users_unref(&again);
	}
END_TEST

START_TEST(changes_made_while_the_file_is_written_are_appended_as_soon_as_it_is)
	{
		struct users *longer = make_long_user('a'), *eve = make_users("eve");
		int64_t began, now;

		write_file("r1");
		want(longer, "r2");
		wait_for_end(store_sync_due(sync_));
		began = store_sync_due(sync_); /* of the fold, which has no lines of its own */
		ck_assert_int_eq(store_sync_attend(sync_, began), STORE_SYNC_NOTHING);
		want(eve, "r3");
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER); /* one thread writes */
		now = clock_ms();
		wait_for_end(now);
		wait_for_end(now);
		ck_store("eve", "r3");
		users_unref(&longer);
		users_unref(&eve);
	}
END_TEST

START_TEST(a_file_that_somebody_replaced_is_kept_and_written_anew)
	{
		struct users *eve = make_users("eve");
		char saved[160];
		FILE *f;

		write_file("r1");
		ck_assert_ptr_nonnull(f = fopen(path, "w"));
		ck_assert_int_ge(fputs("{\"format\":\"postern-store-1\",\"users\":[]}", f), 0);
		ck_assert_int_eq(fclose(f), 0);
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		wait_for_end(store_sync_due(sync_));
		ck_store("eve", "r2");
		(void)snprintf(saved, sizeof(saved), "%s.saved-%d", path, RIGHT_AT);
		ck_assert_int_eq(access(saved, F_OK), 0);
		users_unref(&eve);
	}
END_TEST

/* Read the file as a daemon does that starts. */
static struct store read_file(void)
{
	const struct store_source source = { 0 };
	struct store store = { 0 };
	struct errmsg err = { "" };

	ck_assert_int_eq(store_read(path, &source, &store, &err), STORE_READ);
	return store;
}

START_TEST(the_journal_of_a_file_that_was_read_continues)
	{
		struct users *eve = make_users("eve"), *ann = make_users("ann");
		struct file_stamp before;
		struct store kept;
		uint64_t bytes;

		write_file("r1");
		before = stamp();
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		bytes = store_sync_state(sync_).journal_bytes;
		kept = read_file(); /* as after a kill -9 */
		store_sync_begin(sync_, path, &kept);
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
		want(ann, "r3");
		wait_for_end(store_sync_due(sync_));
		ck_assert(is_file(&before));
		ck_assert_uint_gt(store_sync_state(sync_).journal_bytes, bytes);
		ck_store("ann", "r3");
		store_clear(&kept);
		users_unref(&eve);
		users_unref(&ann);
	}
END_TEST

START_TEST(a_file_that_was_read_with_its_journal_is_folded_at_the_end)
	{
		struct users *eve = make_users("eve");
		struct file_stamp before;
		struct store kept;

		write_file("r1");
		before = stamp();
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		kept = read_file();
		store_sync_begin(sync_, path, &kept);
		store_clear(&kept);
		store_sync_free(&sync_, 20000);
		ck_assert(!is_file(&before));
		ck_store("eve", "r2");
		users_unref(&eve);
	}
END_TEST

START_TEST(a_file_that_is_left_to_people_gets_its_journal)
	{
		struct users *eve = make_users("eve");

		write_file("r1");
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		store_sync_leave(sync_, clock_ms());
		wait_for_end(store_sync_due(sync_));
		ck_assert_uint_eq(store_sync_state(sync_).journal_bytes, 0);
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
		ck_store("eve", "r2");
		users_unref(&eve);
	}
END_TEST

START_TEST(a_file_that_people_have_changed_is_left_alone)
	{
		struct users *eve = make_users("eve");
		struct file_stamp before;
		FILE *f;

		write_file("r1");
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		ck_assert_ptr_nonnull(f = fopen(path, "w"));
		ck_assert_int_ge(fputs("{\"format\":\"postern-store-1\",\"users\":[]}", f), 0);
		ck_assert_int_eq(fclose(f), 0);
		before = stamp();
		store_sync_leave(sync_, clock_ms());
		wait_for_end(store_sync_due(sync_));
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
		store_sync_free(&sync_, 20000);
		ck_assert(is_file(&before));
		users_unref(&eve);
	}
END_TEST

/* Whether the disk has no room, for a journal or for the file; threads that write sync. */
static atomic_bool is_full, has_no_room_for_file;

int fsync(int fd)
{
	int (*real)(int);

	struct stat st;

	*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	if (!atomic_load(&has_no_room_for_file) || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode))
		return real(fd);
	errno = ENOSPC;
	return -1;
}

int fdatasync(int fd)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	if (!atomic_load(&is_full))
		return real(fd);
	errno = ENOSPC;
	return -1;
}

START_TEST(lines_that_could_not_be_appended_are_appended_later)
	{
		struct users *eve = make_users("eve");
		struct file_stamp before;

		write_file("r1");
		before = stamp();
		atomic_store(&is_full, true);
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		ck_assert_str_ne(store_sync_state(sync_).error->text, "");
		ck_store("bob", "r1");
		atomic_store(&is_full, false);
		want(users, "r3");
		want(eve, "r4");
		wait_for_end(clock_ms() + 60000);
		ck_assert_str_eq(store_sync_state(sync_).error->text, "");
		ck_assert(is_file(&before));
		ck_store("eve", "r4");
		users_unref(&eve);
	}
END_TEST

START_TEST(the_file_is_written_if_the_journal_cannot_be)
	{
		struct users *eve = make_users("eve");
		char journal[120];

		(void)snprintf(journal, sizeof(journal), "%s.journal", path);
		write_file("r1");
		ck_assert_int_eq(mkdir(journal, 0700), 0);
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		wait_for_end(clock_ms() + 60000);
		ck_assert_str_eq(store_sync_state(sync_).error->text, "");
		ck_store("eve", "r2");
		(void)rmdir(journal);
		(void)snprintf(journal, sizeof(journal), "%s.prev.journal", path);
		(void)rmdir(journal);
		users_unref(&eve);
	}
END_TEST

START_TEST(a_failed_writing_is_reported_and_repeated)
	{
		int64_t now = clock_ms();

		ck_assert_int_eq(rmdir(folder), 0);
		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, now);
		wait_for_end(now + STORE_SYNC_SOON_MS);
		ck_assert_ptr_nonnull(strstr(store_sync_state(sync_).error->text, "No such file"));
		ck_assert_int_eq(store_sync_state(sync_).written, 0);
		ck_assert_int_ne(store_sync_due(sync_), CLOCK_NEVER);
		now = store_sync_due(sync_);
		/* There is no room for it yet. */
		do {
			ck_assert_int_eq(store_sync_attend(sync_, now), STORE_SYNC_NOTHING);
			pause_ms(1);
		} while (store_sync_due(sync_) == CLOCK_NEVER);
		ck_assert_int_gt(store_sync_due(sync_), now);
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		wait_for_end(store_sync_due(sync_));
		ck_assert_str_eq(store_sync_state(sync_).error->text, "");
		ck_store("bob", "r1");
	}
END_TEST

START_TEST(a_file_that_could_not_get_its_journal_before_it_is_left_gets_it_later)
	{
		struct users *eve = make_users("eve");
		int64_t now;

		write_file("r1");
		atomic_store(&is_full, true);
		atomic_store(&has_no_room_for_file, true);
		want(eve, "r2");
		store_sync_leave(sync_, clock_ms());
		wait_for_end(store_sync_due(sync_));
		ck_assert_str_ne(store_sync_state(sync_).error->text, "");
		ck_store("bob", "r1");
		atomic_store(&is_full, false);
		now = clock_ms() + 30000;
		pause_ms(2);
		wait_for_end(now); /* the next attempt is later than that */
		ck_assert_str_ne(store_sync_state(sync_).error->text, ""); /* the journal has it */
		ck_store("eve", "r2");
		ck_assert_int_gt(store_sync_due(sync_), clock_ms());
		atomic_store(&has_no_room_for_file, false);
		wait_for_end(clock_ms() + 60000);
		ck_assert_str_eq(store_sync_state(sync_).error->text, "");
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
		ck_assert_uint_eq(store_sync_state(sync_).journal_bytes, 0);
		ck_store("eve", "r2");
		users_unref(&eve);
	}
END_TEST

START_TEST(two_daemons_do_not_write_the_same_store)
	{
		struct users *eve = make_users("eve"), *ann = make_users("ann");
		struct store_sync *first = sync_;
		struct store kept;

		write_file("r1");
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		kept = read_file();
		sync_ = store_sync_new(wake_fd);
		store_sync_begin(sync_, path, &kept);
		store_clear(&kept);
		want(ann, "r3");
		ck_assert(!store_sync_state(sync_).is_locked_out);
		wait_for_end(store_sync_due(sync_));
		ck_assert(store_sync_state(sync_).is_locked_out);
		ck_assert_ptr_nonnull(
			strstr(store_sync_state(sync_).error->text, ".lock: another"));
		ck_store("eve", "r2");
		store_sync_free(&first, 20000); /* writes the file */
		ck_store("eve", "r2");
		wait_for_end(store_sync_due(sync_)); /* it was changed */
		wait_for_end(clock_ms() + 60000);
		ck_assert(!store_sync_state(sync_).is_locked_out);
		ck_store("ann", "r3");
		users_unref(&eve);
		users_unref(&ann);
	}
END_TEST

START_TEST(rows_of_an_earlier_file_do_not_replace_a_later_one_at_the_end)
	{
		struct users *eve = make_users("eve"), *ann = make_users("ann");
		struct store_sync *first = sync_;
		struct store kept;

		write_file("r1");
		want(eve, "r2");
		wait_for_end(store_sync_due(sync_));
		kept = read_file();
		want(ann, "r3");
		wait_for_end(store_sync_due(sync_));
		store_sync_free(&first, 20000); /* writes the file */
		sync_ = store_sync_new(wake_fd);
		store_sync_begin(sync_, path, &kept);
		store_clear(&kept);
		store_sync_free(&sync_, 20000);
		ck_store("ann", "r3");
		users_unref(&eve);
		users_unref(&ann);
	}
END_TEST

/* The file, and its journal. */
START_TEST(what_somebody_removes_is_written_again)
	{
		const bool is_journal = _i == 1;
		int64_t now = clock_ms(), start = now;
		char lost[128];

		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, now);
		wait_for_end(now + STORE_SYNC_SOON_MS);
		if (is_journal) {
			store_sync_want(sync_, path, profiles, users, "r2", RIGHT_AT, now);
			wait_for_end(now + STORE_SYNC_PAUSE_MS);
		}
		(void)snprintf(lost, sizeof(lost), "%s%s", path, is_journal ? ".journal" : "");
		ck_assert_int_eq(unlink(lost), 0);
		do {
			ck_assert_int_lt(clock_ms(), start + 20000);
			pause_ms(1);
			now += STORE_SYNC_LOOK_MS;
		} while (store_sync_attend(sync_, now) != STORE_SYNC_RELEASED);
		ck_store("bob", is_journal ? "r2" : "r1");
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
	}
END_TEST

/* It changes the time of the file's attributes. */
START_TEST(a_backup_that_links_the_file_does_not_change_it)
	{
		int64_t now = clock_ms(), start = now;
		char backup[128];

		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, now);
		wait_for_end(now + STORE_SYNC_SOON_MS);
		(void)snprintf(backup, sizeof(backup), "%s.backup", path);
		ck_assert_int_eq(link(path, backup), 0);
		ck_assert_int_eq(unlink(backup), 0);
		now = store_sync_look_due(sync_);
		ck_assert_int_ne(now, CLOCK_NEVER);
		do {
			ck_assert_int_lt(clock_ms(), start + 20000);
			(void)store_sync_attend(sync_, now);
			pause_ms(1);
		} while (store_sync_look_due(sync_) == CLOCK_NEVER &&
			store_sync_due(sync_) == CLOCK_NEVER);
		ck_assert_int_eq(store_sync_due(sync_), CLOCK_NEVER);
		ck_assert_int_eq(store_sync_look_due(sync_), now + STORE_SYNC_LOOK_MS);
	}
END_TEST

START_TEST(rows_that_were_never_written_are_not_left_to_people)
	{
		store_sync_want(sync_, path, profiles, users, "r1", RIGHT_AT, clock_ms());
		store_sync_leave(sync_, clock_ms());
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
		ck_assert_str_ne(store_sync_state(sync_).error->text, "");
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
	tcase_add_test(tcase, changes_are_appended_to_the_journal_at_most_ten_times_a_second);
	tcase_add_test(tcase, a_long_journal_is_folded_into_the_file);
	tcase_add_test(tcase, changes_made_while_the_file_is_written_are_appended_as_soon_as_it_is);
	tcase_add_test(tcase, a_file_that_somebody_replaced_is_kept_and_written_anew);
	tcase_add_test(tcase, the_journal_of_a_file_that_was_read_continues);
	tcase_add_test(tcase, a_file_that_was_read_with_its_journal_is_folded_at_the_end);
	tcase_add_test(tcase, a_file_that_is_left_to_people_gets_its_journal);
	tcase_add_test(tcase, a_file_that_people_have_changed_is_left_alone);
	tcase_add_test(tcase, lines_that_could_not_be_appended_are_appended_later);
	tcase_add_test(tcase, the_file_is_written_if_the_journal_cannot_be);
	tcase_add_test(tcase, a_failed_writing_is_reported_and_repeated);
	tcase_add_test(tcase,
		a_file_that_could_not_get_its_journal_before_it_is_left_gets_it_later);
	tcase_add_test(tcase, two_daemons_do_not_write_the_same_store);
	tcase_add_test(tcase, rows_of_an_earlier_file_do_not_replace_a_later_one_at_the_end);
	tcase_add_loop_test(tcase, what_somebody_removes_is_written_again, 0, 2);
	tcase_add_test(tcase, a_backup_that_links_the_file_does_not_change_it);
	tcase_add_test(tcase, rows_that_were_never_written_are_not_left_to_people);
	tcase_add_test(tcase, the_end_writes_the_wanted_rows);
	tcase_add_test(tcase, the_end_writes_what_could_not_be_written_before);
	tcase_add_test(tcase, an_impatient_end_leaves_no_half_written_file);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN_ALONE(store_sync_suite)
