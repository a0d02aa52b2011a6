/*
 * Shows which network each form of other programs becomes, and which texts stay as they are.
 * test_entry_check.c shows the entries that are proposed in the end.
 */
#include "lib/rules/client_repair.h"

#include <string.h>

#include "t/unit/unit.h"

/* want: NULL: the repair does not apply. */
static const struct {
	bool (*repair)(char *text);
	const char *text, *want;
} rows[] = {
	{ client_repair_ipv4, "192.0.2", "192.0.2.0/24" },
	{ client_repair_ipv4, "192.0.2.", "192.0.2.0/24" },
	{ client_repair_ipv4, "10.", NULL }, /* too short to be meant as a network */
	{ client_repair_ipv4, "10/8", "10.0.0.0/8" },
	{ client_repair_ipv4, "192.0.2.*", "192.0.2.0/24" },
	{ client_repair_ipv4, "192.0.x.X", "192.0.0.0/16" },
	{ client_repair_ipv4, "192.0.2.7/24", "192.0.2.0/24" },
	{ client_repair_ipv4, "192.0.2.0/255.255.255.0", "192.0.2.0/24" },
	{ client_repair_ipv4, "192.0.2.0/0.0.0.255", "192.0.2.0/24" },
	{ client_repair_ipv4, "192.0.2.0/255.0.255.0", NULL },
	{ client_repair_ipv4, "192.0.2.0-192.0.2.127", "192.0.2.0/25" },
	{ client_repair_ipv4, "192.0.2.0-255", "192.0.2.0/24" },
	{ client_repair_ipv4, "192.0.2.1-192.0.2.127", NULL }, /* not one network */
	{ client_repair_ipv4, "192.000.002.007", "192.0.2.7" },
	{ client_repair_ipv4, "192.0.2.256", NULL },
	{ client_repair_ipv4, "192.0.2.0/33", NULL },
	{ client_repair_ipv4, "192.0.2.7.9", NULL },
	{ client_repair_ipv4, "a.example", NULL },
	{ client_repair_ipv4, "", NULL },
	{ client_repair_ipv6, "2001:db8::1/32", "2001:db8::/32" },
	{ client_repair_ipv6, "2001:db8::ff/124", "2001:db8::f0/124" },
	{ client_repair_ipv6, "2001:db8::1/129", NULL },
	{ client_repair_ipv6, "2001:db8::1/", NULL },
	{ client_repair_ipv6, "2001:db8::1", NULL },
	{ client_repair_ipv6, "192.0.2.7/24", NULL },
	{ client_repair_reversed, "7.2.0.192.in-addr.arpa", "192.0.2.7" },
	{ client_repair_reversed, "2.0.192.IN-ADDR.ARPA", "192.0.2.0/24" },
	{ client_repair_reversed, "x.in-addr.arpa", NULL },
	{ client_repair_reversed, "192.0.2.7", NULL },
};
START_TEST(a_network_is_rewritten)
	{
		char text[64 + CIDR_TEXT_SIZE];
		const char *want = rows[_i].want != NULL ? rows[_i].want : rows[_i].text;

		(void)strcpy(text, rows[_i].text);
		ck_assert_int_eq(rows[_i].repair(text), rows[_i].want != NULL);
		ck_assert_str_eq(text, want);
	}
END_TEST

static const struct {
	const char *text, *want;
} joins[] = {
	{ "192.0.2.0 255.255.255.0", "192.0.2.0/255.255.255.0" },
	{ "192.0.2.0 \t255.255.255.0 x", "192.0.2.0/255.255.255.0 x" },
	{ "deny 192.0.2.0 netmask 255.255.255.0", "deny 192.0.2.0/255.255.255.0" },
	{ "192.0.2.0 mask 255.255.255.0", "192.0.2.0/255.255.255.0" },
	{ "192.0.2.0 - 192.0.2.255", "192.0.2.0-192.0.2.255" },
	{ "192.0.2.0 / 24", "192.0.2.0/24" },
	{ "192.0.2.0 192.0.2.7", "192.0.2.0 192.0.2.7" },
	{ "192.0.2.7 - spam", "192.0.2.7 - spam" },
	{ "a.example 255.255.255.0", "a.example 255.255.255.0" },
	{ "", "" },
};
START_TEST(the_words_of_a_network_are_joined)
	{
		char text[64];

		(void)strcpy(text, joins[_i].text);
		client_repair_join(text);
		ck_assert_str_eq(text, joins[_i].want);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("client_repair");
	TCase *tcase = tcase_create("client_repair");

	tcase_add_loop_test(tcase, a_network_is_rewritten, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(tcase, the_words_of_a_network_are_joined, 0,
		(int)(sizeof(joins) / sizeof(joins[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
