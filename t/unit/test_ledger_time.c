/*
 * Shows where the ledger's time continues after a restart, after a boot, and after the wall clock
 * was set.
 */
#include "milter/ledger/ledger_time.h"

#include <string.h>

#include "t/unit/lib/made_ledger.h"
#include "t/unit/unit.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

/*
 * Ten charges, then another start. The clocks of that start are given relative to those of the
 * first: the time since boot, the wall clock, and whether the machine was booted again. Then how
 * many charges count in a day and in thirty days.
 */
static const struct {
	int64_t boottime, wall;
	bool rebooted;
	uint64_t day, month;
} jumps[] = {
	{ HOUR, HOUR, false, 10, 10 },
	{ 25 * HOUR, 25 * HOUR, false, 0, 10 },
	{ HOUR, 400 * DAY, false, 10, 10 },	 /* the wall clock set forward frees nothing */
	{ 25 * HOUR, -400 * DAY, false, 0, 10 }, /* and set back blocks nothing */
	{ -HOUR, HOUR, true, 10, 10 },
	{ 0, 25 * HOUR, true, 0, 10 },
	{ 0, -400 * DAY, true, 10, 10 }, /* a wrong clock at boot: as if no time had passed */
	{ 0, 400 * DAY, true, 0, 0 },
	{ 100 * DAY, 0, true, 10, 10 },
};
START_TEST(time_continues_by_the_machine_and_across_a_boot_by_the_wall_clock)
	{
		struct ledger_clocks clocks;

		made_ledger_open(NULL);
		for (int i = 0; i < 10; i++)
			(void)made_ledger_charge("login:bob");
		if (_i % 2 == 0)
			made_ledger_checkpoint();
		ledger_clocks_read(&clocks);
		ck_assert_str_ne(clocks.boot_id, "");
		/* Pretend that the clocks show this now: the ledger's time continues from there. */
		clocks.boottime = (uint64_t)((int64_t)clocks.boottime + jumps[_i].boottime);
		if (jumps[_i].boottime < 0)
			clocks.boottime = 5;
		clocks.wall += jumps[_i].wall;
		if (jumps[_i].rebooted)
			clocks.boot_id[0] ^= 1;
		made_ledger_open(&clocks);
		/* The offset is derived from these clocks, but the time from the machine's. */
		const struct ledger_request request = { "login:bob", 9, made_limits, 1, 1, 0,
			{ 0, { 0 } } };
		const struct ledger_request month = { "login:bob", 9, &made_limits[1], 1, 1, 0,
			{ 0, { 0 } } };
		struct ledger_usage usage;
		struct ledger_clocks real;

		ledger_clocks_read(&real);
		uint64_t now = ledger_file_now(made_file) - real.boottime + clocks.boottime;

		(void)ledger_look(made_ledger, now, &request, 1, &usage);
		ck_assert_uint_eq(usage.used, jumps[_i].day);
		(void)ledger_look(made_ledger, now, &month, 1, &usage);
		ck_assert_uint_eq(usage.used, jumps[_i].month);
	}
END_TEST

START_TEST(a_new_ledger_has_time_behind_it)
	{
		struct ledger_clocks clocks;
		struct ledger_time time;
		uint64_t now;

		ledger_clocks_read(&clocks);
		ledger_time_begin(&time, NULL, 0, &clocks);
		now = ledger_time_now(&time);
		ck_assert_uint_ge(now, 1000 * SECOND);
		ck_assert_uint_lt(now, 1100 * SECOND);
		ck_assert_uint_ge(ledger_time_now(&time), now);
	}
END_TEST

START_TEST(time_never_precedes_the_newest_charge)
	{
		struct frame_moment last = { .now = 5000 * SECOND, .wall = 1 };
		struct ledger_clocks clocks;
		struct ledger_time time;

		ledger_clocks_read(&clocks);
		clocks.wall = 0; /* a wrong clock: no time seems to have passed */
		ledger_time_begin(&time, &last, 0, &clocks);
		ck_assert_int_eq((int64_t)clocks.boottime + time.offset, 5000 * SECOND);
		ledger_time_begin(&time, &last, 6000 * SECOND, &clocks);
		ck_assert_int_eq((int64_t)clocks.boottime + time.offset, 6000 * SECOND);
	}
END_TEST

static Suite *ledger_time_suite(void)
{
	Suite *suite = suite_create("ledger_time");
	TCase *tcase = tcase_create("ledger_time");

	tcase_add_checked_fixture(tcase, made_ledger_setup, made_ledger_teardown);
	tcase_add_loop_test(tcase,
		time_continues_by_the_machine_and_across_a_boot_by_the_wall_clock, 0,
		(int)(sizeof(jumps) / sizeof(jumps[0])));
	tcase_add_test(tcase, a_new_ledger_has_time_behind_it);
	tcase_add_test(tcase, time_never_precedes_the_newest_charge);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_time_suite)
