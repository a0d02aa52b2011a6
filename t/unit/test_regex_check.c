/*
 * Shows what regex_check() refuses of any subject, and that HELO may have any form. The tests of
 * its parts have the rest: test_regex_foreign.c, test_regex_clients.c, test_regex_addresses.c and
 * others.
 */
#include "lib/rules/regex_check.h"

#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct regex_row refused[] = {
	{ MAIL, "j\xf6rg@.*", "the byte 0xf6, which is not UTF-8", "" },
};
START_TEST(what_is_not_utf8_is_refused)
	{
		assert_regex_refused(&refused[_i]);
	}
END_TEST

static const struct regex_sound_row accepted[] = {
	{ HELO, "\\[192\\.0\\.2\\.7\\]" },
	{ HELO, ".*" },
	{ HELO, "friend" },
	{ HELO, "\\[?192\\.0\\.2\\.99\\]?" },
	{ HELO, ".* .*" },
	{ HELO, ".*[@/].*" },
	{ HELO, "a@b" },
	{ HELO, "unknown" },
};
START_TEST(any_regex_of_helo_is_accepted)
	{
		assert_regex_accepted(&accepted[_i]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_check");
	TCase *tcase = tcase_create("regex_check");

	tcase_add_loop_test(tcase, what_is_not_utf8_is_refused, 0, ROWS(refused));
	tcase_add_loop_test(tcase, any_regex_of_helo_is_accepted, 0, ROWS(accepted));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
