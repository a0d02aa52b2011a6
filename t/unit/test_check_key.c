/*
 * A key of the ledger is found from any form in which a person writes it, as the checks find it,
 * with its limits in force.
 */
#include <string.h>

#include "t/unit/lib/made_limits.h"
#include "t/unit/unit.h"

static struct made_limits t;

static void setup(void)
{
	made_limits_begin(&t);
	t.made.settings->default_domain = "example.com";
	made_limits_rate(&t, RATE_CONN, "192.0.2", "1/1h");
	made_limits_rate(&t, RATE_CONN, "mail.example.net", "2/1h");
	made_limits_rate(&t, RATE_CONN, "2001:db8:1::/48", "3/1h");
	made_limits_rate(&t, RATE_CONN, "192.0.2.128/25", "0");
	made_limits_rate(&t, RATE_CONN, "2001:db8:2::5", "8/1h");
	made_limits_rate(&t, RATE_RCPT_HOST, "default", "4/1h");
	made_limits_rate(&t, RATE_RCPT, "example.org", "5/1h");
	made_limits_rate(&t, RATE_RCPT, "a@example.org", "6/1h");
	made_limits_rate(&t, RATE_RCPT_SENDER, "default", "7/1h");
	made_limits_rate(&t, RATE_CONCURRENCY, "default", "8");
	made_limits_have(&t, "9/1d");
}

static void teardown(void)
{
	made_limits_end(&t);
}

/* The key, and the count of its first limit; 0: no limit is in force. key NULL: not a key. */
static const struct {
	const char *text, *key;
	uint32_t count;
} texts[] = {
	{ "bob", "login:bob", 9 },
	{ "BOB", "login:bob", 9 },
	{ "Bob@Example.COM", "login:bob", 9 },
	{ "login:bob", "login:bob", 9 },
	{ "login:bob@example.com", "login:bob", 9 },
	{ "login:login:bob", "login:login:bob", 0 },
	{ "eve", "login:eve", 0 },
	{ "bob@example.org", "login:bob@example.org", 0 },
	{ "token:x@example.com", "login:token:x@example.com", 0 },
	{ "rate_conn", "login:rate_conn", 0 },
	{ "rate_conn:192.0.2.1", "rate_conn:192.0.2.0/24", 1 },
	{ "rate_conn:192.0.2", "rate_conn:192.0.2.0/24", 1 },
	{ "rate_conn:192.0.2.0/24", "rate_conn:192.0.2.0/24", 1 },
	{ "rate_conn:192.0.2.64/26", "rate_conn:192.0.2.0/24", 1 },
	{ "rate_conn:192.0.0.0/16", "rate_conn:192.0.0.0/16", 0 },
	{ "rate_conn:192.0.2.200", "rate_conn:192.0.2.200", 0 }, /* exempt: 0 */
	{ "rate_conn:198.51.100.7", "rate_conn:198.51.100.7", 0 },
	{ "rate_conn:MX.mail.example.net", "rate_conn:mail.example.net", 2 },
	{ "rate_conn:mail.example.net", "rate_conn:mail.example.net", 2 },
	{ "rate_conn:example.net", "rate_conn:example.net", 0 },
	{ "rate_conn:2001:db8:1:2::3", "rate_conn:2001:db8:1::/48", 3 },
	{ "rate_conn:2001:db8:2::5", "rate_conn:2001:db8:2::5", 8 },
	{ "rate_conn:2001:db8:2::6", "rate_conn:2001:db8:2::/64", 0 },
	{ "rate_rcpt_host:192.0.2.1", "rate_rcpt_host:192.0.2.1", 4 },
	{ "rate_rcpt_host:64:ff9b::c000:201", "rate_rcpt_host:192.0.2.1", 4 },
	{ "rate_rcpt_host:64:ff9b:1:2::c000:201", "rate_rcpt_host:192.0.2.1", 4 },
	{ "rate_rcpt_host:2001:db8::1", "rate_rcpt_host:2001:db8::/64", 4 },
	{ "rate_rcpt_host:2001:db8::/64", "rate_rcpt_host:2001:db8::/64", 4 },
	{ "rate_rcpt_host:2001:db8::/48", "rate_rcpt_host:2001:db8::/48", 0 },
	{ "rate_rcpt_host:192.0.2.0/24", "rate_rcpt_host:192.0.2.0/24", 0 },
	{ "rate_rcpt:B@Example.org", "rate_rcpt:example.org", 5 },
	{ "rate_rcpt:<b@sub.example.org>", "rate_rcpt:example.org", 5 },
	{ "rate_rcpt:example.org", "rate_rcpt:example.org", 5 },
	{ "rate_rcpt:a@example.org", "rate_rcpt:a@example.org", 6 },
	{ "rate_rcpt:a@example.net", "rate_rcpt:a@example.net", 0 },
	{ "rate_rcpt:a+x@example.org", "rate_rcpt:a@example.org", 6 },
	{ "rate_rcpt:a%example.org@example.net", "rate_rcpt:a@example.org", 6 },
	{ "rate_rcpt:a+x@example.net", "rate_rcpt:a@example.net", 0 },
	{ "rate_rcpt:example.net", "rate_rcpt:example.net", 0 },
	{ "rate_rcpt_sender:X@Y.example", "rate_rcpt_sender:x@y.example", 7 },
	{ "rate_rcpt_sender:y.example", "rate_rcpt_sender:y.example", 0 },
	{ "rate_rcpt_sender:postmaster", "rate_rcpt_sender:postmaster", 7 },
	{ "rate_rcpt_sender/login:X@Y.example", "rate_rcpt_sender/login:x@y.example", 7 },
	/* Of long addresses, as `limits top` shows them. */
	{ "rate_rcpt_sender:xx...323.b222558a", "rate_rcpt_sender:xx...323.b222558a", 7 },
	{ "rate_rcpt_sender:x@y...161.00000000", "rate_rcpt_sender:x@y...161.00000000", 7 },
	{ "rate_rcpt_sender/login:xx...323.b222558a", "rate_rcpt_sender/login:xx...323.b222558a",
		7 },
	{ "rate_rcpt:xx...323.b222558a", "rate_rcpt:xx...323.b222558a", 0 },
	{ "rate_rcpt_sender:xx.323.abcdabcd", "rate_rcpt_sender:xx.323.abcdabcd", 0 },
	{ "concurrency:192.0.2.1", NULL, 0 },
	{ "recipients:192.0.2.1", NULL, 0 },
	{ "rate_conn:", NULL, 0 },
	{ "rate_conn:a b", NULL, 0 },
};

START_TEST(a_key_is_found_as_the_checks_find_it) /* one run a row */
	{
		struct check_key key;

		ck_assert(check_find_key(t.made.policy, NULL, texts[_i].text, &key) ==
			(texts[_i].key != NULL));
		if (texts[_i].key == NULL)
			return;
		ck_assert_str_eq(key.key, texts[_i].key);
		ck_assert_uint_eq(key.limits == NULL ? 0 : key.limits->limit[0].count,
			texts[_i].count);
	}
END_TEST

/* The address that limits count, if the MTA gives the name mx.x.example. */
static const struct {
	const char *local_domains, *text, *key;
} named[] = {
	{ "", "rate_rcpt_sender:bob", "rate_rcpt_sender:bob@mx.x.example" },
	{ "", "rate_rcpt_sender:Bob+x@localhost", "rate_rcpt_sender:bob@mx.x.example" },
	{ "", "rate_rcpt_sender:bob@mx.x.example", "rate_rcpt_sender:bob@mx.x.example" },
	{ "a.example\0", "rate_rcpt_sender:bob", "rate_rcpt_sender:bob@a.example" },
	{ "a.example\0", "rate_rcpt_sender:bob@mx.x.example", "rate_rcpt_sender:bob@a.example" },
	{ "a.example\0", "rate_rcpt_sender:bob@my.x.example", "rate_rcpt_sender:bob@my.x.example" },
};
START_TEST(the_name_of_the_mta_counts)
	{
		struct check_key key;

		t.made.settings->local_domains = named[_i].local_domains;
		ck_assert(check_find_key(t.made.policy, "mx.x.example", named[_i].text, &key));
		ck_assert_str_eq(key.key, named[_i].key);
		ck_assert_uint_eq(key.limits->limit[0].count, 7);
	}
END_TEST

START_TEST(the_key_of_every_charge_finds_itself)
	{
		static const char *const charged[] = { "login:bob",
			"rate_rcpt_sender/login:bob@example.com", "rate_rcpt:example.org" };
		struct check_key key;
		struct ledger_usage usage;

		(void)made_limits_rcpt(&t, "<x@example.org>");
		for (size_t i = 0; i < sizeof(charged) / sizeof(charged[0]); i++) {
			struct ledger_request request = { .amount = 1 };

			ck_assert(check_find_key(t.made.policy, NULL, charged[i], &key));
			ck_assert_str_eq(key.key, charged[i]);
			request.key = key.key;
			request.key_len = strlen(key.key);
			request.limits = key.limits->limit;
			request.limit_count = key.limits->len;
			(void)t.ops.look(t.ops.context, t.now, &request, 1, &usage);
			ck_assert_uint_eq(usage.used, 1);
		}
	}
END_TEST

/* So does that of a long address, which is shortened. */
START_TEST(the_key_of_a_long_address_finds_itself)
	{
		char address[200];
		struct mail_address long_one;
		struct rate_match match;
		struct check_key key;

		memset(address, 'x', sizeof(address));
		memcpy(address + sizeof(address) - 11, "@y.example", 11);
		ck_assert_int_eq(address_parse(address, strlen(address), &long_one), 0);
		ck_assert(rates_find_address(t.made.settings->rates, RATE_RCPT_SENDER, &long_one,
			"", "+", &match));
		ck_assert(check_find_key(t.made.policy, NULL, match.counted, &key));
		ck_assert_str_eq(key.key, match.counted);
		ck_assert_uint_eq(key.limits->limit[0].count, 7);
	}
END_TEST

START_TEST(a_check_that_is_off_limits_nobody)
	{
		struct check_key key;

		t.made.services[0].mode[CHECK_LIMITS] = t.made.services[0].mode[CHECK_RATES] =
			MODE_NO;
		ck_assert(check_find_key(t.made.policy, NULL, "bob", &key));
		ck_assert_ptr_null(key.limits);
		ck_assert(check_find_key(t.made.policy, NULL, "rate_conn:192.0.2.1", &key));
		ck_assert_ptr_null(key.limits);
	}
END_TEST

START_TEST(without_a_policy_nothing_is_limited)
	{
		struct check_key key;

		ck_assert(check_find_key(NULL, NULL, "Bob", &key));
		ck_assert_str_eq(key.key, "login:bob");
		ck_assert_ptr_null(key.limits);
		ck_assert(check_find_key(NULL, NULL, "rate_conn:192.0.2.1", &key));
		ck_assert_str_eq(key.key, "rate_conn:192.0.2.1");
		ck_assert_ptr_null(key.limits);
		ck_assert(check_find_key(NULL, NULL, "rate_rcpt:A@b.example", &key));
		ck_assert_str_eq(key.key, "rate_rcpt:a@b.example");
	}
END_TEST

START_TEST(a_login_that_is_too_long_is_no_key)
	{
		char login[LEDGER_KEY_MAX + 10];
		struct check_key key;

		memset(login, 'x', sizeof(login) - 1);
		login[sizeof(login) - 1] = '\0';
		ck_assert(!check_find_key(t.made.policy, NULL, login, &key));
		ck_assert(!check_find_key(NULL, NULL, login, &key));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_key");
	TCase *tcase = tcase_create("check_key");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_key_is_found_as_the_checks_find_it, 0,
		sizeof(texts) / sizeof(texts[0]));
	tcase_add_loop_test(tcase, the_name_of_the_mta_counts, 0, sizeof(named) / sizeof(named[0]));
	tcase_add_test(tcase, the_key_of_every_charge_finds_itself);
	tcase_add_test(tcase, the_key_of_a_long_address_finds_itself);
	tcase_add_test(tcase, a_check_that_is_off_limits_nobody);
	tcase_add_test(tcase, without_a_policy_nothing_is_limited);
	tcase_add_test(tcase, a_login_that_is_too_long_is_no_key);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
