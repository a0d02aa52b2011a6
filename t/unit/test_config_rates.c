/*
 * Shows how the sections [limit] and [limit NAME] become rates, and which errors they report.
 * Periods and matching are tested in t/unit/test_rates.c.
 */
#include "lib/conf/config_rates.h"

#include <string.h>

#include "t/unit/unit.h"

static int parse(const char *text, const struct config **config_r, struct errmsg *err)
{
	return config_parse("/etc/p/p.conf", text, strlen(text), config_r, err);
}

START_TEST(sections_of_limits_are_read)
	{
		static const char text[] = "[limit]\n"
					   "exempt = 192.0.2.0/24, 2001:db8::1\n"
					   "exempt_logins = root *\n"
					   "exempt_senders = @example.com\n"
					   "ipv6_prefix = 56\n"
					   "[limit rate_conn]\n"
					   "default = 30/1m ; each\n"
					   "2001:db8:0:0 = 5/1m,50/1d\n"
					   "127 = 0\n"
					   "[limit\trecipients]\n"
					   "max = 100\n"
					   "max_relaying = 1000\n";
		struct cidr client = { .family = AF_UNSPEC };
		const struct config *c = NULL;
		struct errmsg err = { "" };
		struct rate_match match;

		ck_assert_msg(parse(text, &c, &err) == 0, "%s", err.text);
		ck_assert(rates_has(c->settings->rates, RATE_CONN));
		ck_assert(!rates_has(c->settings->rates, RATE_RCPT));
		ck_assert_uint_eq(rates_max_relaying(c->settings->rates), 1000);
		ck_assert_int_eq(cidr_parse("2001:db8::7", &client, &err), 0);
		ck_assert(rates_find_client(c->settings->rates, RATE_CONN, &client, NULL, &match));
		ck_assert_uint_eq(match.limits->len, 2);
		ck_assert_int_eq(cidr_parse("2001:db8:1:1fff::7", &client, &err), 0);
		ck_assert(rates_find_client(c->settings->rates, RATE_CONN, &client, NULL, &match));
		ck_assert_str_eq(match.counted, "rate_conn:2001:db8:1:1f00::/56");
		ck_assert_uint_eq(match.limits->limit[0].count, 30);
		ck_assert(rates_exempts(c->settings->rates, &client, "anybody", NULL));
		config_unref(&c);
	}
END_TEST

/* The switch of Haraka's limit.ini: whether the limits of the section apply. */
static const struct {
	const char *text;
	bool has_conn, has_recipients;
} switches[] = {
	{ "[limit rate_conn]\nenabled = true\ndefault = 5\n", true, false },
	{ "[limit rate_conn]\nenabled = 1 ; yes\ndefault = 5\n", true, false },
	{ "[limit rate_conn]\nEnabled = on\ndefault = 5\n", true, false },
	{ "[limit rate_conn]\nenabled = true\n", false, false },
	{ "[limit rate_conn]\nenabled = false\ndefault = 5\n", false, false },
	{ "[limit rate_conn]\ndefault = 5\nenabled = no\n[limit recipients]\nmax = 7\n", false,
		true },
	{ "[limit recipients]\nenabled = off\nmax = 7\nmax_relaying = 9\n", false, false },
	{ "[limit rate_rcpt]\nenabled = 0\ndefault = 5\n", false, false },
};
START_TEST(enabled_switches_a_section)
	{
		const struct config *c = NULL;
		struct errmsg err = { "" };

		ck_assert_msg(parse(switches[_i].text, &c, &err) == 0, "%s", err.text);
		ck_assert_int_eq(rates_has(c->settings->rates, RATE_CONN), switches[_i].has_conn);
		ck_assert_int_eq(rates_has(c->settings->rates, RATE_RECIPIENTS),
			switches[_i].has_recipients);
		ck_assert(!rates_has(c->settings->rates, RATE_RCPT));
		config_unref(&c);
	}
END_TEST

START_TEST(without_limits_there_are_no_rates)
	{
		const struct config *c = NULL;
		struct errmsg err = { "" };

		ck_assert_msg(parse("[limit]\nexempt_logins = bob\n[limit rate_conn]\n", &c,
				      &err) == 0,
			"%s", err.text);
		ck_assert_ptr_null(c->settings->rates);
		config_unref(&c);
	}
END_TEST

static const struct {
	const char *text, *want;
} bad[] = {
	{ "[limit rate_con]\n",
		"/etc/p/p.conf:1: unknown section [limit rate_con]; the sections are [limit rate_conn]" },
	{ "[limit rate_conn]\n\ndefault = five\n",
		"/etc/p/p.conf:3: [limit rate_conn] default: \"five\" is not a limit; write N/T" },
	{ "[limit rate_conn]\na b = 5\n",
		"/etc/p/p.conf:2: [limit rate_conn] a b: \"a b\" contains white space" },
	{ "[limit rate_conn]\n10 = 5\n10.0.0.0/8 = 6\n",
		"/etc/p/p.conf:3: [limit rate_conn] 10.0.0.0/8: 10.0.0.0/8 occurs twice, in different forms" },
	{ "[limit rate_conn]\nenabled = 5/1m\n",
		"/etc/p/p.conf:2: [limit rate_conn] enabled: \"5/1m\" is neither yes nor no" },
	{ "[limit rate_conn]\n10 = 5\n10 = 6\n",
		"/etc/p/p.conf:3: [limit rate_conn] 10 is repeated" },
	{ "[limit concurrency]\nmax = 5/1m\n", "\"5/1m\" is not a number" },
	{ "[limit]\nexempt = 192.0.2.1/24\n", "/etc/p/p.conf:2: [limit] exempt: " },
	{ "[limit]\n\nexempt_senders = nobody\n",
		"/etc/p/p.conf:3: [limit] exempt_senders: \"nobody\" is not a sender" },
	{ "[limit]\nipv6_prefix = 0\n", "/etc/p/p.conf:2: [limit] ipv6_prefix: " },
	{ "[limit]\nrate_conn = 5\n", "unknown key rate_conn in [limit]; the keys are" },
};
START_TEST(an_error_gives_the_place_and_the_fault)
	{
		const struct config *c = NULL;
		struct errmsg err = { "" };

		ck_assert_int_eq(parse(bad[_i].text, &c, &err), -1);
		ck_assert_msg(strstr(err.text, bad[_i].want) != NULL, "%s", err.text);
		ck_assert_ptr_null(c);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("config_rates");
	TCase *tcase = tcase_create("config_rates");

	tcase_add_test(tcase, sections_of_limits_are_read);
	tcase_add_loop_test(tcase, enabled_switches_a_section, 0,
		sizeof(switches) / sizeof(switches[0]));
	tcase_add_test(tcase, without_limits_there_are_no_rates);
	tcase_add_loop_test(tcase, an_error_gives_the_place_and_the_fault, 0,
		(int)(sizeof(bad) / sizeof(bad[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
