/*
 * Shows what is known about each match of a regex without alternatives, and what is not known
 * behind groups, classes and quantifiers.
 */
#include <string.h>

#include "lib/rules/regex_check_private.h"
#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct {
	const char *text;
	char first, last, odd; /* NUL: not known, or none */
	bool is_literal, is_number, has_at;
	unsigned dots, any;
} needs[] = {
	{ "a@b\\.example", 'a', 'e', '@', true, false, true, 1, 0 },
	{ "^@a$", '@', 'a', '@', true, false, true, 0, 0 },
	{ "192\\.168", '1', '8', '\0', true, true, false, 1, 0 },
	{ "a.b", 'a', 'b', '\0', true, false, false, 0, 1 },
	{ "(a)b", '\0', 'b', '\0', false, false, false, 0, 0 },
	{ "a?b@?", '\0', '\0', '\0', false, false, false, 0, 0 },
	{ "[ab]", '\0', '\0', '\0', false, true, false, 0, 0 },
	{ "[.]a[@]", '.', '@', '@', true, false, true, 1, 0 },
	{ "a{2}b", '\0', 'b', '\0', false, false, false, 0, 0 },
	{ "", '\0', '\0', '\0', true, true, false, 0, 0 },
};
START_TEST(what_each_match_requires_is_known)
	{
		const struct regex_checked c = {
			.subject = REGEX_ON_ADDRESSES,
			.anchored = true,
			.text = needs[_i].text,
			.len = strlen(needs[_i].text),
		};
		const struct regex_needs found = regex_needs_find(&c);

		ck_assert_int_eq(found.first, needs[_i].first);
		ck_assert_int_eq(found.last, needs[_i].last);
		ck_assert_int_eq(found.odd, needs[_i].odd);
		ck_assert_int_eq(found.is_literal, needs[_i].is_literal);
		ck_assert_int_eq(found.is_number, needs[_i].is_number);
		ck_assert_int_eq(found.has_at, needs[_i].has_at);
		ck_assert_uint_eq(found.dots, needs[_i].dots);
		ck_assert_uint_eq(found.any, needs[_i].any);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_needs");
	TCase *tcase = tcase_create("regex_needs");

	tcase_add_loop_test(tcase, what_each_match_requires_is_known, 0, ROWS(needs));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
