/*
 * Shows how long a changed file is left alone before it is read, depending on what is known of the
 * change.
 */
#include "milter/cache/settle.h"
#include "milter/loop/clock.h"
#include "t/unit/unit.h"

static struct settle settle;
static int64_t again;

/* Look at a file with that inode, size and time of change; size -1: it does not exist. */
static struct file_stamp stamp(uint64_t ino, int64_t size, int64_t mtime)
{
	if (size < 0)
		return (struct file_stamp){ 0 };
	return (struct file_stamp){ .exists = true,
		.dev = 1,
		.ino = ino,
		.size = (uint64_t)size,
		.mtime_ns = mtime,
		.ctime_ns = mtime };
}

static enum settle_answer look(uint64_t ino, int64_t size, int64_t mtime, int64_t now)
{
	struct file_stamp here = stamp(ino, size, mtime);

	return settle_look(&settle, &here, now, &again);
}

/* A file of 10 bytes that was read at time 0. */
static void setup(void)
{
	struct file_stamp first = stamp(1, 10, 1);

	settle = (struct settle){ 0 };
	settle_loaded(&settle, &first);
}

START_TEST(a_file_is_read_at_the_first_look)
	{
		settle = (struct settle){ 0 };
		ck_assert_int_eq(look(1, 10, 1, 5), SETTLE_READ);
		setup();
		ck_assert_int_eq(look(1, 10, 1, 5), SETTLE_SAME);
	}
END_TEST

START_TEST(a_file_renamed_into_place_is_read_at_once)
	{
		settle_event(&settle, SETTLE_REPLACED, 100);
		ck_assert_int_eq(look(2, 12, 9, 100), SETTLE_WAIT);
		ck_assert_int_eq(again, 100 + SETTLE_WHOLE_MS);
		ck_assert_int_eq(look(2, 12, 9, again), SETTLE_READ);
	}
END_TEST

START_TEST(truncate_and_write_is_read_when_it_is_closed)
	{
		settle_event(&settle, SETTLE_MODIFIED, 100); /* truncated */
		ck_assert_int_eq(look(1, 0, 5, 100), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 0, 5, 2000), SETTLE_WAIT); /* it is still open and empty */
		settle_event(&settle, SETTLE_MODIFIED, 2100);
		ck_assert_int_eq(look(1, 5, 6, 2101), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 5, 6, 3000),
			SETTLE_WAIT); /* half written, and still open */
		settle_event(&settle, SETTLE_MODIFIED, 3100);
		settle_event(&settle, SETTLE_CLOSED, 3101);
		ck_assert_int_eq(look(1, 11, 7, 3101), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 11, 7, again), SETTLE_READ);
		ck_assert_int_le(again, 3101 + SETTLE_WHOLE_MS);
	}
END_TEST

START_TEST(a_file_left_open_is_read_in_the_end)
	{
		settle_event(&settle, SETTLE_MODIFIED, 100);
		ck_assert_int_eq(look(1, 5, 5, 100), SETTLE_WAIT);
		ck_assert_int_eq(again, 100 + SETTLE_OPEN_MS);
		ck_assert_int_eq(look(1, 5, 5, again), SETTLE_READ);
	}
END_TEST

START_TEST(an_appended_line_waits_a_second_however_long_the_file_stays_open)
	{
		struct file_stamp read = stamp(1, 30, 10);
		int64_t now;

		for (now = 100; now < 1100; now += 100) {
			settle_event(&settle, SETTLE_MODIFIED, now);
			ck_assert_int_eq(look(1, 10 + now / 50, now, now), SETTLE_WAIT);
			ck_assert_int_eq(again, 100 + SETTLE_APPEND_MS);
		}
		ck_assert_int_eq(look(1, 30, 10, again), SETTLE_READ);
		settle_loaded(&settle, &read);
		ck_assert_int_eq(look(1, 30, 10, 1200), SETTLE_SAME);
		settle_event(&settle, SETTLE_CLOSED,
			1300); /* its last line may have lacked its end */
		ck_assert_int_eq(look(1, 30, 10, 1300 + SETTLE_WHOLE_MS), SETTLE_READ);
	}
END_TEST

START_TEST(a_file_that_is_never_left_alone_is_read_after_a_second)
	{
		const enum settle_event saves[][2] = { { SETTLE_MODIFIED, SETTLE_CLOSED },
			{ SETTLE_REPLACED, SETTLE_TOUCHED } };
		int64_t now;

		for (now = 100; now < 100 + SETTLE_APPEND_MS; now += 10) {
			settle_event(&settle, saves[_i][0], now);
			settle_event(&settle, saves[_i][1], now);
			ck_assert_int_eq(look(1, 10 + now, now, now), SETTLE_WAIT);
			ck_assert_int_le(again, 100 + SETTLE_APPEND_MS);
		}
		settle_event(&settle, saves[_i][0], now);
		settle_event(&settle, saves[_i][1], now);
		ck_assert_int_eq(look(1, 10 + now, now, now), SETTLE_READ);
	}
END_TEST

/* Each read finds a text that was saved after the look before it. */
START_TEST(a_text_that_is_never_that_of_the_look_is_used_after_a_while)
	{
		const int64_t size = _i == 0 ? 11 : 9, /* shorter than the one in force */
			most = _i == 0 ? SETTLE_APPEND_MS : SETTLE_LONG_MS;
		int64_t now, reads = 0;
		struct file_stamp read;
		bool is_used = false;

		for (now = 100; !is_used; now += 10) {
			ck_assert_int_le(now, 100 + most + SETTLE_APPEND_MS);
			settle_event(&settle, SETTLE_MODIFIED, now);
			settle_event(&settle, SETTLE_CLOSED, now);
			if (look(1, size, now, now) != SETTLE_READ)
				continue;
			reads++;
			read = stamp(1, size, now + 2);
			settle_event(&settle, SETTLE_MODIFIED, now + 2);
			settle_event(&settle, SETTLE_CLOSED, now + 2);
			is_used = settle_had_settled(&settle, &read, now + 3);
			if (is_used)
				settle_loaded(&settle, &read);
			else
				settle_dropped(&settle, now + 3);
		}
		ck_assert_int_ge(now, 100 + most);
		ck_assert_int_le(reads, 2);
		read = stamp(1, size, now); /* as long again for the next one */
		ck_assert(!settle_had_settled(&settle, &read, now));
	}
END_TEST

START_TEST(a_text_that_is_written_anew_in_pieces_is_left_alone)
	{
		for (int64_t now = 100; now < 5000; now += 10) { /* echo >> list, after : > list */
			settle_event(&settle, SETTLE_MODIFIED, now);
			settle_event(&settle, SETTLE_CLOSED, now);
			ck_assert_int_eq(look(1, now / 1000, now, now), SETTLE_WAIT);
		}
	}
END_TEST

START_TEST(a_file_written_anew_for_minutes_is_read_after_one)
	{
		int64_t now;

		for (now = 0; now < SETTLE_LONG_MS; now += 5000) {
			settle_event(&settle, SETTLE_MODIFIED, now);
			ck_assert_int_eq(look(1, 1 + now / 10000, now, now), SETTLE_WAIT);
		}
		ck_assert_int_eq(again, SETTLE_LONG_MS);
		ck_assert_int_eq(look(1, 6, 55000, again), SETTLE_READ);
	}
END_TEST

START_TEST(a_held_text_is_complete_once_it_is_closed)
	{
		struct file_stamp half = stamp(1, 5, 5);

		settle_event(&settle, SETTLE_MODIFIED, 100);
		ck_assert_int_eq(look(1, 5, 5, 100), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 5, 5, again), SETTLE_READ);
		ck_assert(!settle_is_complete(&settle, &half, again));
		ck_assert_int_eq(settle_held(&settle, &half, again), CLOCK_NEVER);
		ck_assert_int_eq(look(1, 5, 5, 1000000), SETTLE_WAIT);
		settle_event(&settle, SETTLE_CLOSED, 1000001);
		ck_assert_int_eq(look(1, 5, 5, 1000001), SETTLE_READ);
		ck_assert(settle_is_complete(&settle, &half, 1000001));
	}
END_TEST

START_TEST(a_held_text_that_goes_on_is_read_again)
	{
		struct file_stamp half = stamp(1, 5, 5);

		settle_event(&settle, SETTLE_MODIFIED, 100);
		(void)settle_held(&settle, &half, 200);
		settle_event(&settle, SETTLE_MODIFIED, 300);
		ck_assert_int_eq(look(1, 12, 6, 300), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 12, 6, again), SETTLE_READ); /* longer than it was */
		ck_assert_int_eq(again, 200 + SETTLE_APPEND_MS);
		(void)settle_held(&settle, &half, 2000);
		settle_force(&settle); /* a reload need not wait */
		ck_assert_int_eq(look(1, 5, 5, 2000), SETTLE_READ);
	}
END_TEST

START_TEST(a_held_file_without_a_byte_is_complete_after_a_minute)
	{
		struct file_stamp none = stamp(1, 0, 5);

		settle_event(&settle, SETTLE_MODIFIED, 100);
		settle_event(&settle, SETTLE_CLOSED, 101);
		ck_assert_int_eq(look(1, 0, 5, 701), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 0, 5, again), SETTLE_READ);
		ck_assert_int_eq(settle_held(&settle, &none, again), 701 + SETTLE_NOTHING_MS);
		ck_assert_int_eq(look(1, 0, 5, 30000), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 0, 5, again), SETTLE_READ);
		ck_assert(settle_is_complete(&settle, &none, again));
	}
END_TEST

START_TEST(without_events_a_held_text_is_complete_when_it_stays_the_same)
	{
		struct file_stamp half = stamp(1, 5, 5);

		ck_assert_int_eq(look(1, 5, 5, 1000), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 5, 5, again), SETTLE_READ);
		ck_assert(!settle_is_complete(&settle, &half, again));
		ck_assert_int_eq(settle_held(&settle, &half, again), 1000 + SETTLE_SAME_MS);
		ck_assert_int_eq(look(1, 5, 5, 2000), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 5, 5, again), SETTLE_READ);
		ck_assert(settle_is_complete(&settle, &half, again));
	}
END_TEST

START_TEST(an_emptied_file_may_be_filled_by_another_write)
	{
		settle_event(&settle, SETTLE_MODIFIED, 100); /* : > list */
		settle_event(&settle, SETTLE_CLOSED, 101);
		ck_assert_int_eq(look(1, 0, 5, 101), SETTLE_WAIT);
		ck_assert_int_eq(again, 101 + SETTLE_EMPTY_MS);
		settle_event(&settle, SETTLE_MODIFIED, 300); /* echo >> list */
		settle_event(&settle, SETTLE_CLOSED, 301);
		ck_assert_int_eq(look(1, 4, 6, 301), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 4, 6, again), SETTLE_READ);
	}
END_TEST

START_TEST(a_file_that_stays_empty_is_read)
	{
		settle_event(&settle, SETTLE_MODIFIED, 100);
		settle_event(&settle, SETTLE_CLOSED, 101);
		ck_assert_int_eq(look(1, 0, 5, 101), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 0, 5, again), SETTLE_READ);
		ck_assert_int_lt(again, 1000);
	}
END_TEST

START_TEST(a_removed_file_may_come_back)
	{
		settle_event(&settle, SETTLE_REMOVED, 100);
		ck_assert_int_eq(look(0, -1, 0, 100), SETTLE_WAIT);
		ck_assert_int_eq(again, 100 + SETTLE_GONE_MS);
		settle_event(&settle, SETTLE_REPLACED, 500);
		ck_assert_int_eq(look(3, 9, 8, 500), SETTLE_WAIT);
		ck_assert_int_eq(again, 500 + SETTLE_WHOLE_MS);

		setup();
		settle_event(&settle, SETTLE_REMOVED, 100);
		ck_assert_int_eq(look(0, -1, 0, 100), SETTLE_WAIT);
		ck_assert_int_eq(look(0, -1, 0, again), SETTLE_READ); /* it was not replaced */
	}
END_TEST

START_TEST(a_change_without_events_is_left_alone_for_longer)
	{
		ck_assert_int_eq(look(1, 12, 5, 250), SETTLE_WAIT);
		ck_assert_int_eq(again, 250 + SETTLE_UNSURE_MS);
		ck_assert_int_eq(look(1, 14, 6, 500), SETTLE_WAIT); /* it is still changing */
		ck_assert_int_eq(again, 500 + SETTLE_UNSURE_MS);
		ck_assert_int_eq(look(1, 14, 6, again), SETTLE_READ);
		ck_assert_int_lt(again, 1000);
	}
END_TEST

START_TEST(a_change_within_one_tick_of_the_clock_is_seen_by_its_event)
	{
		settle_event(&settle, SETTLE_MODIFIED, 100);
		settle_event(&settle, SETTLE_CLOSED, 100);
		ck_assert_int_eq(look(1, 10, 1, 100 + SETTLE_WHOLE_MS), SETTLE_READ);
	}
END_TEST

START_TEST(a_file_opened_and_closed_unchanged_is_not_read)
	{
		settle_event(&settle, SETTLE_CLOSED, 100);
		settle_event(&settle, SETTLE_TOUCHED, 100);
		ck_assert_int_eq(look(1, 10, 1, 500), SETTLE_SAME);
	}
END_TEST

START_TEST(a_forced_read_of_an_unchanged_file_is_immediate)
	{
		settle_force(&settle);
		ck_assert_int_eq(look(1, 10, 1, 500), SETTLE_READ);
	}
END_TEST

START_TEST(a_forced_read_waits_for_the_writer)
	{
		settle_event(&settle, SETTLE_MODIFIED, 100);
		settle_force(&settle);
		ck_assert_int_eq(look(1, 0, 5, 110), SETTLE_WAIT);
		settle_event(&settle, SETTLE_CLOSED, 150);
		ck_assert_int_eq(look(1, 12, 6, 150), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 12, 6, 150 + SETTLE_WHOLE_MS), SETTLE_READ);
	}
END_TEST

START_TEST(a_failed_read_is_tried_again)
	{
		settle_event(&settle, SETTLE_REPLACED, 100);
		ck_assert_int_eq(look(2, 12, 9, 100), SETTLE_WAIT);
		ck_assert_int_eq(look(2, 12, 9, 120), SETTLE_READ);
		settle_failed(&settle, 120);
		ck_assert_int_eq(look(2, 12, 9, 200), SETTLE_WAIT);
		ck_assert_int_ge(again, 120 + SETTLE_RETRY_MS);
		ck_assert_int_eq(look(2, 12, 10, 300), SETTLE_WAIT); /* its mode changed: sooner */
		ck_assert_int_le(again, 300 + SETTLE_UNSURE_MS);
		ck_assert_int_eq(look(2, 12, 10, again), SETTLE_READ);
		settle_failed(&settle, 1000);
		ck_assert_int_eq(look(2, 12, 10, 1100), SETTLE_WAIT);
		settle_force(&settle); /* a reload need not wait */
		ck_assert_int_eq(look(2, 12, 10, 1100), SETTLE_READ);
	}
END_TEST

/* A read takes a while: what happens meanwhile is of a later text, even if the stamp stays. */
START_TEST(an_event_during_a_read_has_the_file_read_again)
	{
		struct file_stamp read = stamp(1, 30, 10);

		settle_event(&settle, SETTLE_MODIFIED, 100);
		ck_assert_int_eq(look(1, 30, 10, 100), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 30, 10, again), SETTLE_READ); /* up to its last LF */
		settle_event(&settle, SETTLE_CLOSED, 1200);
		settle_loaded(&settle, &read);
		ck_assert_int_eq(look(1, 30, 10, 1200 + SETTLE_WHOLE_MS), SETTLE_READ);
		settle_loaded(&settle, &read);
		ck_assert_int_eq(look(1, 30, 10, 2000), SETTLE_SAME);
	}
END_TEST

START_TEST(a_half_text_is_not_complete_because_its_writer_ends_during_the_read)
	{
		struct file_stamp half = stamp(1, 5, 5);

		settle_event(&settle, SETTLE_MODIFIED, 100);
		ck_assert_int_eq(look(1, 5, 5, 100), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 5, 5, again), SETTLE_READ);
		settle_event(&settle, SETTLE_MODIFIED, again + 1);
		settle_event(&settle, SETTLE_CLOSED, again + 2);
		ck_assert(!settle_is_complete(&settle, &half, again + 1000000));
		ck_assert_int_eq(settle_held(&settle, &half, again + 2), again + 2);
		ck_assert_int_eq(look(1, 20, 6, again + 3), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 20, 6, again), SETTLE_READ);
	}
END_TEST

/* The size, time and inode of a text that was read instead of the one that had settled. */
static const struct {
	uint64_t ino;
	int64_t size, mtime;
	bool is_written; /* a process had the file open for writing */
	bool has_settled;
} texts[] = {
	{ 1, 12, 9, false, true }, /* the same */
	{ 1, 12, 9, true, true },
	{ 1, 0, 10, false, false }, /* emptied by the next save */
	{ 1, 0, 10, true, false },
	{ 1, -1, 0, false, false }, /* removed */
	{ 2, 12, 9, false, false }, /* another file */
	{ 2, 30, 10, true, false },
	{ 1, 30, 10, false, false }, /* written anew, by nobody who was seen */
	{ 1, 30, 10, true, true },   /* appended to */
	{ 1, 12, 10, true, true },
	{ 1, 11, 10, true, false },
};

START_TEST(only_a_text_that_had_settled_is_used)
	{
		struct file_stamp read = stamp(texts[_i].ino, texts[_i].size, texts[_i].mtime);

		settle_event(&settle, SETTLE_MODIFIED, 100);
		if (!texts[_i].is_written)
			settle_event(&settle, SETTLE_CLOSED, 100);
		ck_assert_int_eq(look(1, 12, 9, 100), SETTLE_WAIT);
		ck_assert_int_eq(look(1, 12, 9, again), SETTLE_READ);
		ck_assert_int_eq(settle_had_settled(&settle, &read, 0), texts[_i].has_settled);
		settle_dropped(&settle, 2000);
		ck_assert_int_eq(look(1, 12, 9, 2000), SETTLE_WAIT); /* not at once for ever */
		ck_assert_int_gt(again, 2000);
		ck_assert_int_eq(look(1, 12, 9, again), SETTLE_READ);
	}
END_TEST

static Suite *settle_suite(void)
{
	Suite *suite = suite_create("settle");
	TCase *tcase = tcase_create("settle");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_file_is_read_at_the_first_look);
	tcase_add_test(tcase, a_file_renamed_into_place_is_read_at_once);
	tcase_add_test(tcase, truncate_and_write_is_read_when_it_is_closed);
	tcase_add_test(tcase, a_file_left_open_is_read_in_the_end);
	tcase_add_test(tcase, an_appended_line_waits_a_second_however_long_the_file_stays_open);
	tcase_add_loop_test(tcase, a_file_that_is_never_left_alone_is_read_after_a_second, 0, 2);
	tcase_add_loop_test(tcase, a_text_that_is_never_that_of_the_look_is_used_after_a_while, 0,
		2);
	tcase_add_test(tcase, a_text_that_is_written_anew_in_pieces_is_left_alone);
	tcase_add_test(tcase, a_file_written_anew_for_minutes_is_read_after_one);
	tcase_add_test(tcase, a_held_text_is_complete_once_it_is_closed);
	tcase_add_test(tcase, a_held_text_that_goes_on_is_read_again);
	tcase_add_test(tcase, a_held_file_without_a_byte_is_complete_after_a_minute);
	tcase_add_test(tcase, without_events_a_held_text_is_complete_when_it_stays_the_same);
	tcase_add_test(tcase, an_emptied_file_may_be_filled_by_another_write);
	tcase_add_test(tcase, a_file_that_stays_empty_is_read);
	tcase_add_test(tcase, a_removed_file_may_come_back);
	tcase_add_test(tcase, a_change_without_events_is_left_alone_for_longer);
	tcase_add_test(tcase, a_change_within_one_tick_of_the_clock_is_seen_by_its_event);
	tcase_add_test(tcase, a_file_opened_and_closed_unchanged_is_not_read);
	tcase_add_test(tcase, a_forced_read_of_an_unchanged_file_is_immediate);
	tcase_add_test(tcase, a_forced_read_waits_for_the_writer);
	tcase_add_test(tcase, a_failed_read_is_tried_again);
	tcase_add_test(tcase, an_event_during_a_read_has_the_file_read_again);
	tcase_add_test(tcase, a_half_text_is_not_complete_because_its_writer_ends_during_the_read);
	tcase_add_loop_test(tcase, only_a_text_that_had_settled_is_used, 0,
		sizeof(texts) / sizeof(texts[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(settle_suite)
