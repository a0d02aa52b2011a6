/*
 * Shows that a burst of lines is written, then a constant number per second, and that the others
 * are counted and reported once a minute.
 */
#include "milter/log/log_bound.h"

#include "t/unit/unit.h"

static uint64_t admitted(struct log_bound *bound, int64_t now, int lines)
{
	uint64_t count = 0;

	for (int i = 0; i < lines; i++)
		count += log_bound_admit(bound, now);
	return count;
}

static const struct {
	int64_t after_ms; /* since the burst */
	uint64_t admits;
} later[] = {
	{ 0, 0 },
	{ 19, 0 },
	{ 20, 1 },
	{ 1000, LOG_BOUND_PER_S },
	{ 1000 * LOG_BOUND_BURST / LOG_BOUND_PER_S, LOG_BOUND_BURST },
	{ INT64_C(86400000) * 365, LOG_BOUND_BURST },
};
START_TEST(forgives_a_burst_at_a_constant_rate)
	{
		const int64_t start = INT64_C(4000000000); /* an uptime of 46 days */
		struct log_bound bound = { .used = 0 };

		ck_assert_uint_eq(admitted(&bound, start, 5000), LOG_BOUND_BURST);
		ck_assert_uint_eq(admitted(&bound, start + later[_i].after_ms, 5000),
			later[_i].admits);
	}
END_TEST

START_TEST(a_steady_stream_below_the_rate_is_complete)
	{
		struct log_bound bound = { .used = 0 };

		for (int64_t now = 0; now < 200000; now += 1000 / LOG_BOUND_PER_S)
			ck_assert(log_bound_admit(&bound, now));
		ck_assert_uint_eq(log_bound_report(&bound, INT64_MAX / 2), 0);
	}
END_TEST

START_TEST(the_others_are_reported_once_a_minute)
	{
		struct log_bound bound = { .used = 0 };

		(void)admitted(&bound, 100, LOG_BOUND_BURST + 7);
		ck_assert_uint_eq(log_bound_report(&bound, 100 + LOG_BOUND_REPORT_MS - 1), 0);
		ck_assert_uint_eq(log_bound_report(&bound, 100 + LOG_BOUND_REPORT_MS), 7);
		ck_assert_uint_eq(log_bound_report(&bound, 200 + LOG_BOUND_REPORT_MS), 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("log_bound");
	TCase *tcase = tcase_create("log_bound");

	tcase_add_loop_test(tcase, forgives_a_burst_at_a_constant_rate, 0,
		(int)(sizeof(later) / sizeof(later[0])));
	tcase_add_test(tcase, a_steady_stream_below_the_rate_is_complete);
	tcase_add_test(tcase, the_others_are_reported_once_a_minute);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
