/*
 * Shows when the beat for systemd's watchdog stops and resumes, and which environments ask for one.
 * t/integration/test_watchdog.py shows the beat of a daemon.
 */
#include "milter/watchdog.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *usec, *pid;
	int64_t ms;
} environments[] = {
	{ NULL, NULL, 0 },
	{ "60000000", NULL, 60000 },
	{ "60000000", "4711", 60000 },
	{ "60000000", "4712", 0 }, /* another process is asked */
	{ "1999", "4711", 1 },
	{ "999", "4711", 0 },
	{ "0", "4711", 0 },
	{ "", "4711", 0 },
	{ "x", "4711", 0 },
	{ "-5000000", "4711", 0 },
};
START_TEST(systemd_asks_a_process_by_its_environment)
	{
		ck_assert_int_eq(watchdog_interval(environments[_i].usec, environments[_i].pid,
					 4711),
			environments[_i].ms);
	}
END_TEST

#define LIMIT 30

/* What is seen one after the other. */
#define MOMENTS_MAX 8
static const struct {
	const char *name;
	struct watchdog_view views[MOMENTS_MAX];
	const char *reasons[MOMENTS_MAX]; /* NULL: the beat goes on */
} histories[] = {
	{ "nothing happens",
		{ { 10, 0, 0, 0, 0, false }, { 50, 0, 0, 0, 0, false }, { 90, 0, 0, 0, 0, false } },
		{ NULL } },
	{ "questions are answered",
		{ { 10, 0, 0, 0, 0, false }, { 50, 1, 1, 0, 0, false }, { 90, 2, 2, 0, 0, false } },
		{ NULL } },
	{ "an answer is late",
		{ { 10, 1, 0, 0, 0, false }, { 39, 1, 0, 0, 0, false }, { 45, 1, 1, 0, 0, false },
			{ 55, 2, 1, 0, 0, false }, { 80, 2, 1, 0, 0, false } },
		{ NULL } },
	{ "an answer is missing and comes at last",
		{ { 10, 1, 0, 0, 0, false }, { 40, 1, 0, 0, 0, false }, { 90, 1, 0, 0, 0, false },
			{ 91, 1, 1, 0, 0, false }, { 99, 2, 1, 0, 0, false } },
		{ NULL, "the cache thread hangs", "the cache thread hangs", NULL, NULL } },
	{ "callbacks come and go",
		{ { 10, 0, 0, 5, 4, false }, { 50, 0, 0, 9, 8, false }, { 90, 0, 0, 9, 9, false },
			{ 130, 0, 0, 12, 9, false } },
		{ NULL } },
	{ "one callback hangs and others end",
		{ { 10, 0, 0, 5, 4, false }, { 50, 0, 0, 6, 5, false }, { 90, 0, 0, 7, 6, false },
			{ 130, 0, 0, 8, 7, false } },
		{ NULL } },
	{ "no callback ends",
		{ { 10, 0, 0, 5, 4, false }, { 20, 0, 0, 6, 4, false }, { 49, 0, 0, 7, 4, false },
			{ 50, 0, 0, 7, 4, false }, { 90, 0, 0, 7, 4, false },
			{ 91, 0, 0, 7, 5, false }, { 100, 0, 0, 7, 5, false } },
		{ NULL, NULL, NULL, "the sessions hang", "the sessions hang", NULL, NULL } },
	{ "one callback hangs with the disk",
		{ { 10, 0, 0, 5, 4, true }, { 50, 0, 0, 5, 4, true }, { 90, 0, 0, 5, 4, true } },
		{ NULL } },
	{ "two callbacks hang, one of them with the disk",
		{ { 10, 0, 0, 6, 4, true }, { 50, 0, 0, 6, 4, true }, { 90, 0, 0, 6, 4, true } },
		{ NULL, NULL, "the sessions hang" } },
	{ "both hang",
		{ { 10, 1, 0, 5, 4, false }, { 20, 1, 0, 5, 4, false }, { 60, 1, 0, 5, 4, false } },
		{ NULL, NULL, "the cache thread hangs" } },
};
START_TEST(the_beat_stops_while_something_hangs)
	{
		struct watchdog_memory memory = { 0 };

		for (int i = 0; i < MOMENTS_MAX && histories[_i].views[i].now > 0; i++) {
			const char *reason =
				watchdog_judge(&memory, &histories[_i].views[i], LIMIT);
			const char *wanted = histories[_i].reasons[i];

			ck_assert_msg((reason == NULL) == (wanted == NULL), "%s: moment %d: %s",
				histories[_i].name, i, reason == NULL ? "beats" : reason);
			if (wanted != NULL)
				ck_assert_str_eq(reason, wanted);
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("watchdog");
	TCase *tcase = tcase_create("watchdog");

	tcase_add_loop_test(tcase, systemd_asks_a_process_by_its_environment, 0,
		(int)(sizeof(environments) / sizeof(environments[0])));
	tcase_add_loop_test(tcase, the_beat_stops_while_something_hangs, 0,
		(int)(sizeof(histories) / sizeof(histories[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
