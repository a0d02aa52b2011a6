/*
 * Shows that events come in order, wake the follower once, are dropped when the queue is full, and
 * are not kept without followers.
 */
#include <stdio.h>
#include <string.h>

#include "milter/log/events.h"
#include "t/unit/unit.h"

static int woken;

static void count_wake(void *context)
{
	ck_assert_ptr_eq(context, &woken);
	woken++;
}

START_TEST(without_followers_no_event_is_kept)
	{
		uint64_t dropped = 7;

		ck_assert(!events_wanted());
		events_add(strdup("lost"));
		ck_assert_ptr_null(events_take(&dropped));
		ck_assert_uint_eq(dropped, 7);
	}
END_TEST

START_TEST(events_come_in_order_and_wake_once)
	{
		uint64_t dropped;
		char *line;

		woken = 0;
		events_follow(count_wake, &woken);
		ck_assert(events_wanted());
		events_add(strdup("a"));
		events_add(strdup("b"));
		ck_assert_int_eq(woken, 1);
		line = events_take(&dropped);
		ck_assert_str_eq(line, "a");
		free(line);
		line = events_take(&dropped);
		ck_assert_str_eq(line, "b");
		free(line);
		ck_assert_ptr_null(events_take(&dropped));
		events_add(strdup("c"));
		ck_assert_int_eq(woken, 2);
		events_unfollow(); /* frees the waiting event */
		ck_assert(!events_wanted());
		events_follow(count_wake, &woken);
		ck_assert_ptr_null(events_take(&dropped));
		events_unfollow();
	}
END_TEST

START_TEST(events_that_do_not_fit_are_counted)
	{
		uint64_t dropped;
		char text[20], *line;

		events_follow(count_wake, &woken);
		events_follow(count_wake, &woken);
		events_unfollow();
		ck_assert_uint_eq(events_followers(), 1);
		for (int i = 0; i < EVENTS_MAX + 5; i++) {
			(void)snprintf(text, sizeof(text), "%d", i);
			events_add(strdup(text));
		}
		line = events_take(&dropped);
		ck_assert_str_eq(line, "0");
		ck_assert_uint_eq(dropped, 5);
		free(line);
		line = events_take(&dropped);
		ck_assert_uint_eq(dropped, 0);
		free(line);
		events_unfollow();
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("events");
	TCase *tcase = tcase_create("events");

	tcase_add_test(tcase, without_followers_no_event_is_kept);
	tcase_add_test(tcase, events_come_in_order_and_wake_once);
	tcase_add_test(tcase, events_that_do_not_fit_are_counted);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
