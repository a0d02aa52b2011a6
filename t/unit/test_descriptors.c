/*
 * Shows how many file descriptors are left under several limits, and that the last ones are a
 * reserve.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "milter/loop/descriptors.h"
#include "t/unit/unit.h"

static void set_limit(rlim_t limit)
{
	struct rlimit files;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = limit;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
}

static const struct {
	rlim_t limit;
	uint64_t reserve;
} limits[] = { { 40, 10 }, { 64, 16 }, { 256, 64 }, { 1024, 64 } };
START_TEST(the_last_ones_are_the_reserve)
	{
		struct rlimit old;
		struct descriptors seen;
		int fds[1024], count = 0;

		(void)getrlimit(RLIMIT_NOFILE, &old);
		set_limit(limits[_i].limit);
		seen = descriptors_look();
		ck_assert_uint_eq(seen.limit, limits[_i].limit);
		ck_assert_uint_eq(seen.reserve, limits[_i].reserve);
		while (!descriptors_short())
			fds[count++] = dup(STDERR_FILENO);
		ck_assert_uint_ge(descriptors_look().lowest, seen.limit - seen.reserve);
		for (unsigned i = 0;
			i < limits[_i].reserve && (fds[count] = dup(STDERR_FILENO)) >= 0; i++)
			count++;
		ck_assert_uint_eq(descriptors_look().lowest, seen.limit);
		ck_assert(descriptors_short());
		while (count > 0)
			(void)close(fds[--count]);
		ck_assert(!descriptors_short());
		(void)setrlimit(RLIMIT_NOFILE, &old);
	}
END_TEST

START_TEST(a_limit_that_is_lowered_below_the_open_ones_leaves_none)
	{
		struct rlimit old;

		(void)getrlimit(RLIMIT_NOFILE, &old);
		set_limit(1);
		ck_assert(descriptors_short());
		ck_assert_uint_eq(descriptors_look().lowest, 1);
		(void)setrlimit(RLIMIT_NOFILE, &old);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("descriptors");
	TCase *tcase = tcase_create("descriptors");

	tcase_add_loop_test(tcase, the_last_ones_are_the_reserve, 0,
		(int)(sizeof(limits) / sizeof(limits[0])));
	tcase_add_test(tcase, a_limit_that_is_lowered_below_the_open_ones_leaves_none);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
