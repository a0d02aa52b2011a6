/*
 * Shows the timeouts for poll() that a due time gives, and that the pauses between attempts double
 * up to a maximum, with a random part.
 */
#include "milter/loop/clock.h"
#include "t/unit/unit.h"

static const struct {
	unsigned attempt;
	int64_t max;
	int64_t least, most;
} rows[] = {
	{ 1, 30000, 100, 200 },
	{ 2, 30000, 200, 400 },
	{ 3, 30000, 400, 800 },
	{ 8, 30000, 12800, 25600 },
	{ 9, 30000, 15000, 30000 },
	{ 4000000000u, 30000, 15000, 30000 },
	{ 1, 1000, 100, 200 },
	{ 50, 1000, 500, 1000 },
	{ 0, 1000, 100, 200 },
};
START_TEST(the_pause_doubles_up_to_the_maximum)
	{
		ck_assert_int_eq(clock_backoff(rows[_i].attempt, rows[_i].max, 0), rows[_i].least);
		ck_assert_int_eq(clock_backoff(rows[_i].attempt, rows[_i].max, 0xffffffff),
			rows[_i].most);
		ck_assert_int_gt(clock_backoff(rows[_i].attempt, rows[_i].max, 0x7fff),
			rows[_i].least);
		ck_assert_int_lt(clock_backoff(rows[_i].attempt, rows[_i].max, 0x7fff),
			rows[_i].most);
	}
END_TEST

START_TEST(a_timeout_is_the_time_left)
	{
		ck_assert_int_eq(clock_timeout(100, 350), 250);
		ck_assert_int_eq(clock_timeout(100, 100), 0);
		ck_assert_int_eq(clock_timeout(100, 50), 0);
		ck_assert_int_eq(clock_timeout(100, CLOCK_NEVER), -1);
		ck_assert_int_eq(clock_timeout(100, INT64_C(1) << 40), INT32_MAX);
		ck_assert_int_le(clock_ms(), clock_ms());
	}
END_TEST

static Suite *clock_suite(void)
{
	Suite *suite = suite_create("clock");
	TCase *tcase = tcase_create("clock");

	tcase_add_loop_test(tcase, the_pause_doubles_up_to_the_maximum, 0,
		sizeof(rows) / sizeof(*rows));
	tcase_add_test(tcase, a_timeout_is_the_time_left);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(clock_suite)
