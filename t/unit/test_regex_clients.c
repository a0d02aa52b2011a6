/*
 * Shows which regexes are known to match no name or address of a client, or only a part of the
 * argument of HELO.
 */
#include <string.h>

#include "t/unit/lib/refusal.h"
#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct regex_row refused[] = {
	{ CLIENTS, "NXDOMAIN", "clients without a name", "" },
	{ CLIENTS, "^Unknown$", "clients without a name", "" },
	{ CLIENTS, "(DNSERROR|NXDOMAIN)", "clients without a name", "" },
	{ CLIENTS, "\\[192\\.0\\.2\\.7\\]", "requires \"]\"", "" },
	{ CLIENTS, ".*\\\\.dyn\\\\.example", "requires \"\\\"", "" },
	{ CLIENTS, ".*@dyn\\.example", "requires \"@\"", "" },
	{ CLIENTS, "192\\.0\\.2\\.0/24", "requires \"/\"", "" },
	{ CLIENTS, "192.0.2.7 dyn.example", "requires \" \"", "" },
	{ CLIENTS, "a\\.example,b\\.example", "requires \",\"", "" },
	{ CLIENTS, "\\.dyn\\.", "begins with a dot", ".*\\.dyn\\..*" },
	{ CLIENTS, "^\\.dyn\\.example$", "begins with a dot", ".*\\.dyn\\.example$" },
	{ CLIENTS, "^dyn\\.", "ends with a dot", "^dyn\\..*" },
	{ CLIENTS, ".*\\.dyn\\.", "ends with a dot", ".*\\.dyn\\..*" },
	{ CLIENTS, "^(dsl|dyn)\\d+\\.$", "ends with a dot", "^(dsl|dyn)\\d+\\..*" },
	{ CLIENTS, "^192\\.168", "is a part of an address", "^192\\.168\\..*" },
	{ CLIENTS, "192\\.168\\.", "ends with a dot", "192\\.168\\..*" },
	{ CLIENTS, "192.168", "is a part of an address", "192.168\\..*" },
	{ CLIENTS, "^192.0.2.$", "is a part of an address", "^192.0.2\\..*" },
	{ CLIENTS, "10\\.0\\.0$", "is a part of an address", "10\\.0\\.0\\..*" },
};
START_TEST(a_regex_of_no_client_is_refused)
	{
		assert_regex_refused(&refused[_i]);
	}
END_TEST

static const struct regex_sound_row accepted[] = {
	{ CLIENTS, ".*\\.dyn\\.example\\.(net|org)" },
	{ CLIENTS, "\\d+-\\d+-\\d+-\\d+\\.example\\.com" },
	{ CLIENTS, "2001:db8:dead:.*" },
	{ CLIENTS, "192\\.0\\.2\\..*" },
	{ CLIENTS, "^host\\d+\\.example\\.net$" },
	{ CLIENTS, "(?=.*evil)[a-z.]+\\.example\\.info" },
	{ CLIENTS, "[^.]+" },
	{ CLIENTS, "192\\.0\\.2\\.7" },
	{ CLIENTS, ".*\\.?" },
	{ CLIENTS, ".*\\.\\b" },
	{ CLIENTS, "192.168.*" },
	{ CLIENTS, "192.0.2.7" },
	{ CLIENTS, "1..2" },
	{ CLIENTS, "192" },
	{ CLIENTS, "\\d+\\.\\d+" },
	{ CLIENTS, "[@/ ]?x" },
	{ CLIENTS, "(@|a)x" },
	{ CLIENTS, "\\bw-word\\b.*" },
	{ CLIENTS, "rep{2,3}\\.example\\.org" },
	{ CLIENTS, "rep{,3}x\\.example\\.org" },
	{ CLIENTS, "a|\\.dyn\\." },
	{ CLIENTS, "unknown-.*" },
	{ CLIENTS, "unknown?" },
	{ CLIENTS, "(a|\\.dyn\\.)" },
};
START_TEST(a_regex_that_may_match_a_client_is_accepted)
	{
		assert_regex_accepted(&accepted[_i]);
	}
END_TEST

static const struct {
	const char *text, *right; /* right NULL: not noted */
} parts[] = {
	{ "\\.dyn\\.", ".*\\.dyn\\..*" },
	{ "^192\\.168\\.", "^192\\.168\\..*" },
	{ "\\.ru$", ".*\\.ru$" },
	{ "192\\.168", "192\\.168\\..*" },
	{ ".*\\.dyn\\..*", NULL },
	{ "\\[192\\.0\\.2\\.7\\]", NULL },
	{ "192\\.0\\.2\\.7", NULL },
	{ "ylmf-pc", NULL },
	{ "a|\\.b", NULL },
	{ "", NULL },
};
START_TEST(a_part_of_an_argument_is_noted)
	{
		const char *text = parts[_i].text;
		struct errmsg note = { "" };

		ck_assert_int_eq(regex_matches_part(text, strlen(text), &note),
			parts[_i].right != NULL);
		assert_refusal(&note, "", parts[_i].right == NULL ? "" : parts[_i].right);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_clients");
	TCase *tcase = tcase_create("regex_clients");

	tcase_add_loop_test(tcase, a_regex_of_no_client_is_refused, 0, ROWS(refused));
	tcase_add_loop_test(tcase, a_regex_that_may_match_a_client_is_accepted, 0, ROWS(accepted));
	tcase_add_loop_test(tcase, a_part_of_an_argument_is_noted, 0, ROWS(parts));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
