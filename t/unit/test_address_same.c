/*
 * Shows which local parts MTAs deliver to the same mailbox, and what an address is without its
 * quotes and backslashes.
 */
#include <string.h>

#include "lib/match/address_private.h"
#include "lib/match/address_readings.h"
#include "t/unit/unit.h"

static struct mail_address parse(const char *text)
{
	struct mail_address address;

	ck_assert_int_eq(address_parse(text, strlen(text), &address), 0);
	return address;
}

static const struct {
	const char *a, *b, *delimiters;
	bool is_same, is_whole;
} pairs[] = {
	{ "bob@a.example", "bob@b.example", "", true, true },
	{ "BOB@a.example", "bob@b.example", "", true, true },
	{ "\"bob\"@a.example", "bob@b.example", "", true, true },
	{ "\"b\\ob\"@a.example", "bob@b.example", "", true, true },
	{ "\"bob smith\"@a.example", "\"bob\\ smith\"@b.example", "", true, true },
	{ "bob@a.example", "rob@b.example", "", false, false },
	{ "bob@a.example", "bobby@b.example", "", false, false },
	/* Extensions, of which one, both or none may be there. */
	{ "bob+x@a.example", "bob@b.example", "+", true, false },
	{ "bob@a.example", "bob+x@b.example", "+", true, false },
	{ "bob+x@a.example", "bob+y@b.example", "+", true, false },
	{ "bob+x@a.example", "bob+x@b.example", "+", true, true },
	{ "bob-x@a.example", "bob@b.example", "+-", true, false },
	{ "bob-x@a.example", "bob+y@b.example", "+-", true, false },
	{ "bob+x@a.example", "bob@b.example", "", false, false },
	{ "bob-x@a.example", "bob@b.example", "+", false, false },
	{ "bob+x@a.example", "rob+x@b.example", "+", false, false },
	{ "+x@a.example", "+y@b.example", "+", false, false }, /* no base before the delimiter */
	{ "+x@a.example", "\"\"@b.example", "+", false, false },
};
START_TEST(local_parts_are_compared_as_mailboxes)
	{
		const struct mail_address a = parse(pairs[_i].a), b = parse(pairs[_i].b);
		bool is_whole;

		ck_assert_int_eq(address_same_local(&a, &b, pairs[_i].delimiters, &is_whole),
			pairs[_i].is_same);
		ck_assert_int_eq(is_whole, pairs[_i].is_whole);
		ck_assert_int_eq(address_same_local(&b, &a, pairs[_i].delimiters, &is_whole),
			pairs[_i].is_same);
		ck_assert_int_eq(is_whole, pairs[_i].is_whole);
	}
END_TEST

static const struct {
	const char *text, *plain;
} quoted[] = {
	{ "bob@a.example", "bob@a.example" },
	{ "\"bob\"@a.example", "bob@a.example" },
	{ "\"\\\\bob\"@a.example", "bob@a.example" },
	{ "\"bob@b.example\"@a.example", "bob@b.example@a.example" },
};
START_TEST(an_address_has_a_form_without_quotes)
	{
		const struct mail_address address = parse(quoted[_i].text);
		struct mail_address plain, want;

		ck_assert(address_unescape(&address, &plain));
		ck_assert(address_parse_internal(quoted[_i].plain, &want));
		ck_assert_str_eq(plain.canon, want.canon);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("address_same");
	TCase *tcase = tcase_create("address_same");

	tcase_add_loop_test(tcase, local_parts_are_compared_as_mailboxes, 0, ROWS(pairs));
	tcase_add_loop_test(tcase, an_address_has_a_form_without_quotes, 0, ROWS(quoted));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
