/*
 * Shows which keys and values [limit NAME] accepts, and which limit applies to a client or an
 * address.
 */
#include "lib/rules/rates.h"

#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger_ops.h"
#include "t/unit/unit.h"

static struct rates *made;

static int add_rate(enum rate rate, const char *key, const char *value)
{
	struct errmsg err;

	return rates_add(made, rate, key, value, &err);
}

static void setup(void)
{
	made = rates_new();
	ck_assert_ptr_nonnull(made);
}

static void teardown(void)
{
	rates_free(&made);
	rates_free(&made);
}

/* Return the limit of a client as "COUNTED LIMIT"; "" for none. */
static const char *held(enum rate rate, const char *ip, const char *rdns)
{
	static char text[RATE_KEY_SIZE + 64];
	struct rate_match match;
	struct errmsg err = { "" };
	struct cidr client = { .family = AF_UNSPEC };
	char limit[32];

	if (ip != NULL)
		ck_assert_msg(cidr_parse(ip, &client, &err) == 0, "%s", err.text);
	if (!rates_find_client(made, rate, &client, rdns, &match))
		return "";
	limit_format(&match.limits->limit[0], limit);
	(void)snprintf(text, sizeof(text), "%s %s", match.counted, limit);
	return text;
}

static const char *held_address_at(enum rate rate, const char *address, const char *domains)
{
	static char text[RATE_KEY_SIZE + 64];
	struct mail_address parsed;
	struct rate_match match;
	char limit[32];

	ck_assert_int_eq(address_parse(address, strlen(address), &parsed), 0);
	if (!rates_find_address(made, rate, &parsed, domains, "+", &match))
		return "";
	limit_format(&match.limits->limit[0], limit);
	(void)snprintf(text, sizeof(text), "%s %s", match.counted, limit);
	return text;
}

static const char *held_address(enum rate rate, const char *address)
{
	return held_address_at(rate, address, "");
}

/* Where the mailbox is the same at several domains, the keys of all of them apply to it. */
static const struct {
	const char *keys[3], *address, *want;
} mailboxes[] = {
	{ { "default" }, "bob@b.example", "rate_rcpt:bob@a.example 1" },
	{ { "default" }, "bob+x@a.example", "rate_rcpt:bob@a.example 1" },
	{ { "default" }, "\"bob\"@mx.example", "rate_rcpt:bob@a.example 1" },
	{ { "bob@b.example", "default" }, "bob@b.example", "rate_rcpt:bob@b.example 1" },
	{ { "bob@b.example", "default" }, "bob@a.example", "rate_rcpt:bob@b.example 1" },
	{ { "bob@b.example", "a.example" }, "bob+x@a.example", "rate_rcpt:bob@b.example 1" },
	{ { "bob@b.example", "bob@a.example" }, "bob@a.example", "rate_rcpt:bob@a.example 2" },
	{ { "bob@a.example", "bob@b.example" }, "bob@mx.example", "rate_rcpt:bob@a.example 1" },
	{ { "b.example", "default" }, "bob@a.example", "rate_rcpt:b.example 1" },
	{ { "b.example", "a.example" }, "bob@a.example", "rate_rcpt:a.example 2" },
	{ { "b.example", "a.example" }, "bob@b.example", "rate_rcpt:b.example 1" },
	{ { "mx.example", "default" }, "bob@mx.example", "rate_rcpt:mx.example 1" },
};
START_TEST(a_mailbox_has_the_keys_of_all_its_domains)
	{
		static const char *const limits[] = { "1/5m", "2/5m", "3/5m" };
		struct errmsg err;

		for (size_t i = 0; i < 3 && mailboxes[_i].keys[i] != NULL; i++)
			ck_assert_int_eq(rates_add(made, RATE_RCPT, mailboxes[_i].keys[i],
						 limits[i], &err),
				0);
		ck_assert_int_eq(strncmp(held_address_at(RATE_RCPT, mailboxes[_i].address,
						 "a.example\0b.example\0"),
					 mailboxes[_i].want, strlen(mailboxes[_i].want)),
			0);
	}
END_TEST

/* ---- keys and values --------------------------------------------------------- */

static const struct {
	enum rate rate;
	const char *key, *value, *why; /* why: NULL if accepted */
} rows[] = {
	{ RATE_CONN, "127", "0", NULL },
	{ RATE_CONN, "default", "5", NULL },
	{ RATE_CONN, "DEFAULT", "5/1m,100/1d", NULL },
	{ RATE_CONN, "192.168.1", "5/5m", NULL },
	{ RATE_CONN, "192.0.2.0/24", "5/5m", NULL },
	{ RATE_CONN, "2001:db8::/32", "5/5m", NULL },
	{ RATE_CONN, "2001:db8:1", "5/5m", NULL },
	{ RATE_CONN, "fe80", "5/5m", NULL },
	{ RATE_CONN, "de", "5/5m", NULL },
	{ RATE_CONN, "mx.example.com", "5/5m", NULL },
	{ RATE_CONN, "m\303\274ller.example", "5/5m", NULL },
	{ RATE_CONN, ".example.com", "5/5m", NULL },
	{ RATE_CONN, "mx", "5/5m", NULL },
	{ RATE_CONN, "a@example.com", "5/5m", "contains \"@\"" },
	{ RATE_CONN, "192.0.2.1/24", "5/5m", "write 192.0.2.0/24" },
	{ RATE_CONN, "192.0.2.*", "5/5m", "write 192.0.2.0/24" },
	{ RATE_CONN, "192.0.2.1-5", "5/5m", "neither an address nor a network" },
	{ RATE_CONN, "300.1.1.1", "5/5m", "neither an address nor a network" },
	{ RATE_CONN, "*.example.com", "5/5m", "write .example.com" },
	{ RATE_CONN, "", "5/5m", "neither an address, the beginning of one, a host name" },
	{ RATE_CONN, "defalt", "5/5m", "did you mean \"default\"?" },
	{ RATE_CONN, "mx.example.com", "", "there is no limit" },
	{ RATE_CONN, "mx.example.com", "0/1h,0/1d", NULL },
	{ RATE_CONN, "mx.example.com", "5/1h,0/1d", "write 0 alone for no limit, or omit it" },
	{ RATE_RCPT, "default", "0, 5", "\"0, 5\" has 0 beside other limits" },
	{ RATE_CONN, "mx.example.com", "five", "is not a limit" },
	{ RATE_CONN, "mx.example.com", "5/0m", "is not a limit" },
	{ RATE_RCPT, "bob@example.com", "50/5m", NULL },
	{ RATE_RCPT, "example.com", "50/5m", NULL },
	{ RATE_RCPT, "default", "0", NULL },
	{ RATE_RCPT, ".example.com", "50/5m", NULL },
	{ RATE_RCPT, "@example.com", "50/5m", "not a mail address; write example.com" },
	{ RATE_RCPT, "*@example.com", "50/5m", "not a mail address; write example.com" },
	{ RATE_RCPT, "@", "50/5m", "is not a mail address" },
	{ RATE_RCPT, "*@*.example.com", "50/5m", "which is not a wildcard" },
	{ RATE_RCPT, "bob@*.example.com", "50/5m", "contains *" },
	{ RATE_RCPT, "<bob@example.com>", "50/5m", "write bob@example.com" },
	{ RATE_RCPT, "bob@example.com,al@example.com", "50/5m", "one entry per line" },
	{ RATE_RCPT, "*.example.com", "50/5m", "write .example.com" },
	{ RATE_RCPT, "Defaults", "50/5m", "did you mean \"default\"?" },
	{ RATE_RCPT, "bob@", "50/5m", "is not a mail address" },
	{ RATE_RCPT, "bob smith", "50/5m", "contains white space" },
	{ RATE_RCPT, "max", "5", NULL }, /* could be a top-level domain */
	{ RATE_CONCURRENCY, "max", "3", NULL },
	{ RATE_CONCURRENCY, "default", "3/1m", "is not a number" },
	{ RATE_CONCURRENCY, "default", "", "is not a number" },
	{ RATE_CONCURRENCY, "10", "0", NULL },
	{ RATE_RECIPIENTS, "max_relaying", "1000", NULL },
	{ RATE_RECIPIENTS, "max", "100", NULL },
	{ RATE_RECIPIENTS, "max_relay", "1000", "did you mean \"max_relaying\"?" },
	{ RATE_CONCURRENCY, "max_relaying", "1000", "a key of [limit recipients] alone" },
	{ RATE_CONN, "max_relaying", "5/1m", "a key of [limit recipients] alone" },
	{ RATE_RCPT, "max_relaying", "5/1m", "a key of [limit recipients] alone" },
};
START_TEST(accepts_keys_that_can_be_looked_up_and_reports_the_others)
	{
		struct errmsg err = { "" };
		int ret = rates_add(made, rows[_i].rate, rows[_i].key, rows[_i].value, &err);

		ck_assert_msg(ret == (rows[_i].why == NULL ? 0 : -1), "%s", err.text);
		ck_assert_msg(rows[_i].why == NULL || strstr(err.text, rows[_i].why) != NULL, "%s",
			err.text);
		ck_assert(rates_has(made, rows[_i].rate) == (ret == 0));
	}
END_TEST

START_TEST(a_key_twice_in_two_forms_is_an_error)
	{
		struct errmsg err = { "" };

		ck_assert_int_eq(add_rate(RATE_CONN, "192.168.1", "5"), 0);
		ck_assert_int_eq(rates_add(made, RATE_CONN, "192.168.1.0/24", "6", &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "twice"));
		ck_assert_int_eq(add_rate(RATE_CONN, "Example.com.", "5"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "example.COM", "6"), -1);
		ck_assert_int_eq(add_rate(RATE_CONCURRENCY, "max", "6"), 0);
		ck_assert_int_eq(add_rate(RATE_CONCURRENCY, "default", "6"), -1);
	}
END_TEST

START_TEST(rates_go_by_their_names)
	{
		enum rate rate;

		for (int i = 0; i < RATE_COUNT; i++) {
			ck_assert(rate_by_name(rate_name((enum rate)i), &rate));
			ck_assert_int_eq(rate, i);
		}
		ck_assert(!rate_by_name("rate", &rate));
		ck_assert_str_eq(rate_near_name("rate_con:192.0.2.1"), "rate_conn");
		ck_assert_str_eq(rate_near_name("rate_rcp:a@b.example"), "rate_rcpt");
		ck_assert_str_eq(rate_near_name("Rate-Rcpt-Host:x"), "rate_rcpt_host");
		ck_assert_ptr_null(rate_near_name("rate_conn:192.0.2.1"));
		ck_assert_ptr_null(rate_near_name("rate_con"));
		ck_assert_ptr_null(rate_near_name("token:bob@b.example"));
		ck_assert_ptr_null(rate_near_name("login:rate_con"));
		ck_assert(!rates_has(NULL, RATE_CONN));
	}
END_TEST

/* ---- looking up ---------------------------------------------------------------- */

START_TEST(clients_are_looked_up_from_the_whole_address_to_its_beginning_then_by_name)
	{
		ck_assert_int_eq(add_rate(RATE_CONN, "192.0.2.7", "1"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "192.0.2", "2"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "192", "3"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "mx.example.com", "4"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "example.com", "5"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "com", "6"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "2001:db8", "7"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "2001:db8:0:1", "8"), 0);
		ck_assert_str_eq(held(RATE_CONN, "192.0.2.7", "mx.example.com"),
			"rate_conn:192.0.2.7 1/1m");
		ck_assert_str_eq(held(RATE_CONN, "192.0.2.8", "mx.example.com"),
			"rate_conn:192.0.2.0/24 2/1m");
		ck_assert_str_eq(held(RATE_CONN, "192.1.2.8", NULL), "rate_conn:192.0.0.0/8 3/1m");
		ck_assert_str_eq(held(RATE_CONN, "198.51.100.1", "mx.example.com"),
			"rate_conn:mx.example.com 4/1m");
		ck_assert_str_eq(held(RATE_CONN, "198.51.100.1", "a.mx.example.com"),
			"rate_conn:mx.example.com 4/1m");
		ck_assert_str_eq(held(RATE_CONN, "198.51.100.1", "b.example.com"),
			"rate_conn:example.com 5/1m");
		ck_assert_str_eq(held(RATE_CONN, "198.51.100.1", "notexample.com"),
			"rate_conn:com 6/1m");
		ck_assert_str_eq(held(RATE_CONN, "198.51.100.1", "example.net"), "");
		ck_assert_str_eq(held(RATE_CONN, "2001:db8:0:1::5", NULL),
			"rate_conn:2001:db8:0:1::/64 8/1m");
		ck_assert_str_eq(held(RATE_CONN, "2001:db8:9::5", NULL),
			"rate_conn:2001:db8::/32 7/1m");
		ck_assert_str_eq(held(RATE_CONN, "2001:db9::5", NULL), "");
		ck_assert_str_eq(held(RATE_RCPT_HOST, "192.0.2.7", NULL), "");
	}
END_TEST

START_TEST(default_counts_each_client_by_itself_and_ipv6_by_its_prefix)
	{
		ck_assert_int_eq(add_rate(RATE_CONN, "default", "9/5m"), 0);
		ck_assert_int_eq(add_rate(RATE_CONN, "127", "0"), 0);
		ck_assert_str_eq(held(RATE_CONN, "192.0.2.7", "default"),
			"rate_conn:192.0.2.7 9/5m");
		ck_assert_str_eq(held(RATE_CONN, "127.0.0.1", NULL), "");
		ck_assert_str_eq(held(RATE_CONN, NULL, "mx.example.com"), "");
		ck_assert_str_eq(held(RATE_CONN, "2001:db8:1:2:3::4", NULL),
			"rate_conn:2001:db8:1:2::/64 9/5m");
		ck_assert_str_eq(held(RATE_CONN, "64:ff9b::c000:207", NULL),
			"rate_conn:192.0.2.7 9/5m");
		ck_assert_int_eq(add_rate(RATE_CONN, "64:ff9b::/96", "8/5m"), 0);
		ck_assert_str_eq(held(RATE_CONN, "64:ff9b::c000:207", NULL),
			"rate_conn:64:ff9b::/96 8/5m");
		rates_set_ipv6_prefix(made, 60);
		ck_assert_str_eq(held(RATE_CONN, "2001:db8:1:fff2:3::4", NULL),
			"rate_conn:2001:db8:1:fff0::/60 9/5m");
		rates_set_ipv6_prefix(made, 128);
		ck_assert_str_eq(held(RATE_CONN, "2001:db8::4", NULL),
			"rate_conn:2001:db8::4 9/5m");
	}
END_TEST

static const char *open_under(const struct rates *rates, const char *ip, const char *rdns)
{
	static char key[RATE_KEY_SIZE];
	struct errmsg err = { "" };
	struct cidr client;

	ck_assert_int_eq(cidr_parse(ip, &client, &err), 0);
	rates_concurrency_key(rates, &client, rdns, key);
	return key;
}

START_TEST(open_connections_are_counted_under_the_key_that_limits_them)
	{
		ck_assert_str_eq(open_under(NULL, "192.0.2.7", "a.example"),
			"concurrency:192.0.2.7");
		ck_assert_str_eq(open_under(NULL, "2001:db8::7", NULL),
			"concurrency:2001:db8::/64");
		ck_assert_int_eq(add_rate(RATE_CONCURRENCY, "default", "9"), 0);
		ck_assert_str_eq(open_under(made, "192.0.2.7", NULL), "concurrency:192.0.2.7");
		ck_assert_int_eq(add_rate(RATE_CONCURRENCY, "192.0.2", "2"), 0);
		ck_assert_int_eq(add_rate(RATE_CONCURRENCY, "2001:db8::1", "2"), 0);
		ck_assert_int_eq(add_rate(RATE_CONCURRENCY, "example", "2"), 0);
		ck_assert_str_eq(open_under(made, "192.0.2.7", "a.example"),
			"concurrency:192.0.2.0/24");
		ck_assert_str_eq(open_under(made, "2001:db8::1", NULL), "concurrency:2001:db8::1");
		ck_assert_str_eq(open_under(made, "2001:db8::2", NULL),
			"concurrency:2001:db8::/64");
		ck_assert_str_eq(open_under(made, "198.51.100.1", "a.example"),
			"concurrency:example");
	}
END_TEST

START_TEST(addresses_are_looked_up_whole_then_by_domain)
	{
		ck_assert_int_eq(add_rate(RATE_RCPT, "Bob@Example.com", "1"), 0);
		ck_assert_int_eq(add_rate(RATE_RCPT, "example.com", "2"), 0);
		ck_assert_int_eq(add_rate(RATE_RCPT, "free.example.com", "0"), 0);
		ck_assert_int_eq(add_rate(RATE_RCPT, "default", "3"), 0);
		ck_assert_str_eq(held_address(RATE_RCPT, "<bob@example.COM>"),
			"rate_rcpt:bob@example.com 1/1m");
		ck_assert_str_eq(held_address(RATE_RCPT, "<al@example.com>"),
			"rate_rcpt:example.com 2/1m");
		ck_assert_str_eq(held_address(RATE_RCPT, "<al@sub.example.com>"),
			"rate_rcpt:example.com 2/1m");
		ck_assert_str_eq(held_address(RATE_RCPT, "<al@free.example.com>"), "");
		ck_assert_str_eq(held_address(RATE_RCPT, "<al@default>"),
			"rate_rcpt:al@default 3/1m");
		ck_assert_str_eq(held_address(RATE_RCPT, "<postmaster>"),
			"rate_rcpt:postmaster 3/1m");
		ck_assert_str_eq(held_address(RATE_RCPT_NULL, "<bob@example.com>"), "");
	}
END_TEST

START_TEST(an_address_is_looked_up_in_full_then_without_its_extension)
	{
		ck_assert_int_eq(add_rate(RATE_RCPT, "bob@example.com", "1"), 0);
		ck_assert_int_eq(add_rate(RATE_RCPT, "bob+big@example.com", "9"), 0);
		ck_assert_int_eq(add_rate(RATE_RCPT, "x..y@example.com", "4"), 0);
		ck_assert_int_eq(add_rate(RATE_RCPT, "default", "3"), 0);
		ck_assert_str_eq(held_address(RATE_RCPT, "<bob+big@example.com>"),
			"rate_rcpt:bob+big@example.com 9/1m");
		ck_assert_str_eq(held_address(RATE_RCPT, "<bob+x@example.com>"),
			"rate_rcpt:bob@example.com 1/1m");
		ck_assert_str_eq(held_address(RATE_RCPT, "<\"x..y+z\"@example.com>"),
			"rate_rcpt:x..y@example.com 4/1m");
		ck_assert_str_eq(held_address(RATE_RCPT, "<al+x@example.com>"),
			"rate_rcpt:al@example.com 3/1m");
		ck_assert_str_eq(held_address(RATE_RCPT, "<+al@example.com>"),
			"rate_rcpt:+al@example.com 3/1m");
	}
END_TEST

/* Strangers can make up long addresses; the keys stay short, and differ. */
START_TEST(a_long_address_gets_a_short_key)
	{
		char one[240], other[240], key[RATE_KEY_SIZE + 64];

		ck_assert_int_eq(add_rate(RATE_RCPT, "default", "5/1m"), 0);
		memset(one, 'a', sizeof(one));
		memcpy(one + 60, "@", 1);
		for (size_t i = 100; i < sizeof(one); i += 40)
			one[i] = '.';
		memcpy(one + sizeof(one) - 10, "x.example", 10);
		memcpy(other, one, sizeof(one));
		other[sizeof(one) - 10] = 'y';
		(void)snprintf(key, sizeof(key), "%s", held_address(RATE_RCPT, one));
		ck_assert_uint_le(strlen(key), RATE_KEY_LONG + 10);
		ck_assert_ptr_eq(strstr(key, "rate_rcpt:aaaa"), key);
		ck_assert_str_eq(held_address(RATE_RCPT, one), key);
		ck_assert_str_ne(held_address(RATE_RCPT, other), key);
	}
END_TEST

/* Nor can they make up an overflow key of the ledger: an odd address, which [check] rcpt = warn
 * does not refuse, is counted with the quotes that it would need. */
START_TEST(no_address_is_an_overflow_key)
	{
		static const char *const made_up[] = { "<overflow all>", "<overflow 192.0.2.0/24>",
			"<overflow x@y.example>", "<\"overflow x\"@y.example>", "overflow all",
			"<@a:overflow x@y.example>", "<overflow x+y@z.example>",
			"<overflow \"x\"@y.example>", "< overflow all>" };

		ck_assert_int_eq(add_rate(RATE_RCPT, "default", "5/1m"), 0);
		for (size_t i = 0; i < sizeof(made_up) / sizeof(made_up[0]); i++) {
			const char *key = held_address(RATE_RCPT, made_up[i]);

			ck_assert_msg(key[0] != '\0' && !ledger_key_is_overflow(key, strlen(key)),
				"%s", key);
		}
	}
END_TEST

START_TEST(some_are_exempt)
	{
		struct cidr inside = { .family = AF_UNSPEC }, outside,
			    local = { .family = AF_UNSPEC };
		struct mail_address news, other;
		struct errmsg err = { "" };

		ck_assert_int_eq(cidr_parse("192.0.2.7", &inside, &err), 0);
		ck_assert_int_eq(cidr_parse("198.51.100.7", &outside, &err), 0);
		ck_assert_int_eq(address_parse("<news@lists.example.org>", 24, &news), 0);
		ck_assert_int_eq(address_parse("<a@example.com>", 15, &other), 0);
		ck_assert(!rates_exempts(made, &outside, "bob", &news));
		ck_assert_int_eq(rates_exempt_network(made, "192.0.2.0/24", &err), 0);
		ck_assert_int_eq(rates_exempt_login(made, "Bob", &err), 0);
		ck_assert_int_eq(rates_exempt_sender(made, ".example.org", &err), 0);
		ck_assert(rates_exempts(made, &inside, NULL, NULL));
		ck_assert(!rates_exempts(made, &outside, NULL, NULL));
		ck_assert(!rates_exempts(made, &local, NULL, NULL));
		ck_assert(rates_exempts(made, &outside, "bOB", NULL));
		ck_assert(!rates_exempts(made, &outside, "bobby", NULL));
		ck_assert(rates_exempts(made, &outside, "al", &news));
		ck_assert(!rates_exempts(made, &outside, "al", &other));
		ck_assert_int_eq(rates_exempt_sender(made, "@example.com", &err), 0);
		ck_assert(rates_exempts(made, &outside, NULL, &other));
		ck_assert_int_eq(rates_exempt_login(made, "*", &err), 0);
		ck_assert(rates_exempts(made, &outside, "al", NULL));
		ck_assert_int_eq(rates_exempt_network(made, "x", &err), -1);
		ck_assert_int_eq(rates_exempt_sender(made, "@", &err), -1);
		ck_assert_int_eq(rates_exempt_sender(made, "nobody", &err), -1);
		ck_assert_int_eq(rates_exempt_sender(made, "a@b@", &err), -1);
		ck_assert_int_eq(rates_exempt_sender(made, "*@example.com", &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "write @example.com"));
		ck_assert_int_eq(rates_exempt_sender(made, "<a@example.com>", &err), -1);
		ck_assert_int_eq(rates_exempt_sender(made, "a@x.example;b@x.example", &err), -1);
		ck_assert_int_eq(rates_exempt_login(made, "*@example.com", &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "contains *"));
	}
END_TEST

static const struct {
	const char *sender;
	bool exempt;
} senders[] = {
	{ "<bob@example.com>", true },
	{ "<bounces+1-bob=other.example@example.com>", true },
	{ "<prvs=1234abcd=bob@example.com>", true },
	{ "<\"bob smith\"@example.com>", true },
	{ "<j\u00f6rg@example.com>", true },
	{ "<a%x.example.net@example.com>", true },
	{ "<x.example.net!a@example.com>", true },
	{ "<spam%bad.example@example.com>", false },
	{ "<bad.example!spam@example.com>", false },
	{ "<\"spam@bad.example\"@example.com>", false },
	{ "<spam@bad.example@example.com>", false },
	{ "<spam@bad.example(x)@example.com>", false },
	{ "<J\u00d6RG@one.example>", true },
	{ "<j\u00f6rg@one.example>", true },
	{ "<jorg@one.example>", false },
	{ "<>", false },
};
START_TEST(a_sender_is_exempt_if_all_of_its_readings_are)
	{
		const struct cidr client = { .family = AF_UNSPEC };
		struct mail_address sender;
		struct errmsg err;

		ck_assert_int_eq(rates_exempt_sender(made, "@example.com", &err), 0);
		ck_assert_int_eq(rates_exempt_sender(made, ".example.net", &err), 0);
		ck_assert_int_eq(rates_exempt_sender(made, "J\u00d6rg@one.example", &err), 0);
		address_read(senders[_i].sender, strlen(senders[_i].sender), &sender);
		ck_assert_msg(rates_exempts(made, &client, NULL, &sender) == senders[_i].exempt,
			"%s", senders[_i].sender);
	}
END_TEST

START_TEST(a_rate_that_is_off_limits_nobody)
	{
		ck_assert_int_eq(add_rate(RATE_CONN, "default", "5/1m"), 0);
		ck_assert_int_eq(add_rate(RATE_RCPT, "default", "5/1m"), 0);
		ck_assert_int_eq(add_rate(RATE_RECIPIENTS, "max_relaying", "5"), 0);
		ck_assert_uint_eq(rates_max_relaying(made), 5);
		rates_switch_off(made, RATE_CONN);
		rates_switch_off(made, RATE_RCPT);
		rates_switch_off(made, RATE_RECIPIENTS);
		ck_assert_str_eq(held(RATE_CONN, "192.0.2.1", NULL), "");
		ck_assert_str_eq(held_address(RATE_RCPT, "a@b.example"), "");
		ck_assert_uint_eq(rates_max_relaying(made), 0);
		ck_assert(!rates_has(made, RATE_RECIPIENTS));
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("rates");
	TCase *tcase = tcase_create("rates");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_mailbox_has_the_keys_of_all_its_domains, 0, ROWS(mailboxes));
	tcase_add_loop_test(tcase, accepts_keys_that_can_be_looked_up_and_reports_the_others, 0,
		ROWS(rows));
	tcase_add_test(tcase, a_key_twice_in_two_forms_is_an_error);
	tcase_add_test(tcase, rates_go_by_their_names);
	tcase_add_test(tcase,
		clients_are_looked_up_from_the_whole_address_to_its_beginning_then_by_name);
	tcase_add_test(tcase, default_counts_each_client_by_itself_and_ipv6_by_its_prefix);
	tcase_add_test(tcase, open_connections_are_counted_under_the_key_that_limits_them);
	tcase_add_test(tcase, addresses_are_looked_up_whole_then_by_domain);
	tcase_add_test(tcase, an_address_is_looked_up_in_full_then_without_its_extension);
	tcase_add_test(tcase, a_long_address_gets_a_short_key);
	tcase_add_test(tcase, no_address_is_an_overflow_key);
	tcase_add_test(tcase, some_are_exempt);
	tcase_add_loop_test(tcase, a_sender_is_exempt_if_all_of_its_readings_are, 0, ROWS(senders));
	tcase_add_test(tcase, a_rate_that_is_off_limits_nobody);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
