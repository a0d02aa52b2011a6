/*
 * Shows the parsing and the text of addresses and networks, and that a set finds the longest
 * network.
 */
#include "lib/match/cidr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "t/unit/unit.h"

/* Text to parse, and its canonical form; want NULL: refused, with why in the message. */
static const struct {
	const char *text, *want, *why;
} cases[] = {
	{ "192.0.2.1", "192.0.2.1", "" },
	{ "192.0.2.1/32", "192.0.2.1", "" },
	{ "192.0.2.0/24", "192.0.2.0/24", "" },
	{ "192.0.2.128/25", "192.0.2.128/25", "" },
	{ "0.0.0.0/0", "0.0.0.0/0", "" },
	{ "128.0.0.0/1", "128.0.0.0/1", "" },
	{ "255.255.255.255", "255.255.255.255", "" },
	{ "2001:db8::/32", "2001:db8::/32", "" },
	{ "2001:DB8::1", "2001:db8::1", "" },
	{ "2001:db8:0:0:0:0:0:1", "2001:db8::1", "" },
	{ "2001:db8::1/128", "2001:db8::1", "" },
	{ "2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::", "" },
	{ "2001:db8:ffff:ffff:ffff:ffff:ffff:ff00/120",
		"2001:db8:ffff:ffff:ffff:ffff:ffff:ff00/120", "" },
	{ "::/0", "::/0", "" },
	{ "::", "::", "" },
	{ "::1", "::1", "" },
	{ "8000::/1", "8000::/1", "" },
	{ "fe80::/10", "fe80::/10", "" },
	{ "IPv6:2001:db8::1", "2001:db8::1", "" },
	{ "ipv6:2001:db8::/32", "2001:db8::/32", "" },
	{ "::ffff:192.0.2.1", "192.0.2.1", "" },
	{ "::ffff:c000:201", "192.0.2.1", "" },
	{ "IPv6:::ffff:192.0.2.1", "192.0.2.1", "" },
	{ "::ffff:192.0.2.0/120", "192.0.2.0/24", "" },
	{ "::ffff:0.0.0.0/96", "0.0.0.0/0", "" },
	{ "::ffff:0:0/95", NULL, "the network is ::fffe:0:0/95" },
	{ "::fffe:0:0/95", "::fffe:0:0/95", "" },
	{ "::192.0.2.1", "::192.0.2.1", "" },

	{ "", NULL, "empty" },
	{ "192.0.2.1/24", NULL, "host bits set; the network is 192.0.2.0/24" },
	{ "192.0.2.1/0", NULL, "host bits set; the network is 0.0.0.0/0" },
	{ "2001:db8::1/64", NULL, "host bits set; the network is 2001:db8::/64" },
	{ "192.0.2.0/33", NULL, "up to 32" },
	{ "192.0.2.0/256", NULL, "up to 32" },
	{ "192.0.2.0/4294967296", NULL, "up to 32" },
	{ "2001:db8::/129", NULL, "up to 128" },
	{ "::ffff:192.0.2.0/129", NULL, "up to 128" },
	{ "192.0.2.0/", NULL, "prefix length" },
	{ "192.0.2.0/-1", NULL, "prefix length" },
	{ "192.0.2.0/+8", NULL, "prefix length" },
	{ "192.0.2.0/ 24", NULL, "prefix length" },
	{ "192.0.2.0/024", NULL, "prefix length" },
	{ "192.0.2.0/24/24", NULL, "prefix length" },
	{ "192.0.2.0/0x18", NULL, "prefix length" },
	{ "192.0.2.0/255.255.255.0", NULL, "prefix length" },
	{ "192.0.2", NULL, "not an IP address" },
	{ "192.0.2.256", NULL, "not an IP address" },
	{ "192.0.2.1.", NULL, "not an IP address" },
	{ "192.0.02.1", NULL, "not an IP address" },
	{ "0xc0.0.2.1", NULL, "not an IP address" },
	{ "3221225985", NULL, "not an IP address" },
	{ " 192.0.2.1", NULL, "not an IP address" },
	{ "192.0.2.1 ", NULL, "not an IP address" },
	{ "[192.0.2.1]", NULL, "not an IP address" },
	{ "IPv6:192.0.2.1", NULL, "not an IP address" },
	{ "IPv6:", NULL, "not an IP address" },
	{ "IPv6:IPv6:::1", NULL, "not an IP address" },
	{ "fe80::1%eth0", NULL, "not an IP address" },
	{ "2001:db8:::1", NULL, "not an IP address" },
	{ "2001:db8::1::", NULL, "not an IP address" },
	{ "1:2:3:4:5:6:7:8:9", NULL, "not an IP address" },
	{ "/24", NULL, "not an IP address" },
	{ "example.com", NULL, "not an IP address" },
	{ "1234:1234:1234:1234:1234:1234:123.123.123.123456789", NULL, "not an IP address" },
};

START_TEST(parses)
	{
		struct cidr net = { .family = AF_UNIX, .prefix_len = 99 };
		struct errmsg err = { "" };
		char text[CIDR_TEXT_SIZE];
		int ret = cidr_parse(cases[_i].text, &net, &err);

		ck_assert_msg(ret == (cases[_i].want != NULL ? 0 : -1), "%s: %s", cases[_i].text,
			err.text);
		if (ret == 0) {
			cidr_format(&net, text);
			ck_assert_str_eq(text, cases[_i].want);
		} else {
			ck_assert_int_eq(net.family, AF_UNIX); /* untouched */
			ck_assert_uint_eq(net.prefix_len, 99);
			ck_assert_msg(strstr(err.text, cases[_i].why) != NULL, "%s: %s",
				cases[_i].text, err.text);
			ck_assert_int_eq(cidr_parse(cases[_i].text, &net, NULL), -1);
		}
	}
END_TEST

static struct cidr parsed(const char *text)
{
	struct cidr net;

	ck_assert_int_eq(cidr_parse(text, &net, NULL), 0);
	return net;
}

static const struct {
	const char *net, *address;
	bool want;
} containing[] = {
	{ "192.0.2.0/24", "192.0.2.0", true },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.0/24", "192.0.1.255", false },
	{ "192.0.2.0/25", "192.0.2.128", false },
	{ "192.0.2.4/31", "192.0.2.5", true },
	{ "192.0.2.4/31", "192.0.2.6", false },
	{ "192.0.2.5", "192.0.2.5", true },
	{ "192.0.2.5", "192.0.2.4", false },
	{ "0.0.0.0/0", "255.255.255.255", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::/0", "192.0.2.1", false },
	{ "::/0", "2001:db8::1", true },
	{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
	{ "::ffff:192.0.2.0/120", "192.0.2.7", true },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::", false },
	{ "2001:db8::/33", "2001:db8:8000::", false },
	{ "c000:200::/24", "192.0.2.0", false },
	/* A network within another one, and the reverse. */
	{ "192.0.2.0/24", "192.0.2.0/25", true },
	{ "192.0.2.0/25", "192.0.2.0/24", false },
};

START_TEST(contains)
	{
		struct cidr net = parsed(containing[_i].net),
			    address = parsed(containing[_i].address);

		ck_assert_msg(cidr_contains(&net, &address) == containing[_i].want, "%s in %s",
			containing[_i].address, containing[_i].net);
	}
END_TEST

START_TEST(an_unspecified_address_matches_nothing)
	{
		struct cidr none = { .family = AF_UNSPEC }, all4 = parsed("0.0.0.0/0"),
			    all6 = parsed("::/0");
		char text[CIDR_TEXT_SIZE] = "x";

		cidr_format(&none, text);
		ck_assert_str_eq(text, "");
		ck_assert(!cidr_contains(&none, &none));
		ck_assert(!cidr_contains(&all4, &none));
		ck_assert(!cidr_contains(&all6, &none));
		ck_assert(!cidr_contains(&none, &all4));
	}
END_TEST

START_TEST(reads_sockets)
	{
		struct sockaddr_in in = { .sin_family = AF_INET };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		struct sockaddr_un un = { .sun_family = AF_UNIX };
		char text[CIDR_TEXT_SIZE];
		struct cidr net;

		ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.7", &in.sin_addr), 1);
		net = cidr_from_sockaddr((const struct sockaddr *)&in);
		cidr_format(&net, text);
		ck_assert_str_eq(text, "192.0.2.7");

		ck_assert_int_eq(inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr), 1);
		net = cidr_from_sockaddr((const struct sockaddr *)&in6);
		cidr_format(&net, text);
		ck_assert_str_eq(text, "2001:db8::7");

		ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr), 1);
		net = cidr_from_sockaddr((const struct sockaddr *)&in6);
		cidr_format(&net, text);
		ck_assert_str_eq(text, "192.0.2.7");

		ck_assert_int_eq(cidr_from_sockaddr((const struct sockaddr *)&un).family,
			AF_UNSPEC);
		ck_assert_int_eq(cidr_from_sockaddr(NULL).family, AF_UNSPEC);
	}
END_TEST

/* An address, and the one as which it counts. */
static const char *const translated[][2] = {
	{ "64:ff9b::c000:207", "192.0.2.7" },
	{ "64:ff9b::", "0.0.0.0" },
	{ "192.0.2.7", "192.0.2.7" },
	{ "64:ff9b::1:c000:207", "64:ff9b::1:c000:207" },
	{ "64:ff9b:1::c000:207", "192.0.2.7" }, /* for local use (RFC 8215) */
	{ "64:ff9b:1:ffff::c000:207", "192.0.2.7" },
	{ "64:ff9b:1::1:c000:207", "64:ff9b:1::1:c000:207" },
	{ "64:ff9b:1:0:c0:2:700:0", "64:ff9b:1:0:c0:2:700:0" }, /* 192.0.2.7 of a /64 */
	{ "64:ff9b:2::c000:207", "64:ff9b:2::c000:207" },
	{ "64:ff9b:0:1::c000:207", "64:ff9b:0:1::c000:207" },
	{ "64:ff9b:1::/96", "64:ff9b:1::/96" },
	{ "64:ff9b::/96", "64:ff9b::/96" },
	{ "2001:db8::c000:207", "2001:db8::c000:207" },
};
START_TEST(an_address_behind_a_translator_contains_an_ipv4_address)
	{
		const struct cidr none = { .family = AF_UNSPEC };
		char text[CIDR_TEXT_SIZE];
		struct cidr net = parsed(translated[_i][0]);

		net = cidr_translated(&net);
		cidr_format(&net, text);
		ck_assert_str_eq(text, translated[_i][1]);
		ck_assert_int_eq(cidr_translated(&none).family, AF_UNSPEC);
	}
END_TEST

static struct cidr_set *set_of(const char *const *nets, size_t count)
{
	struct cidr_set *set = cidr_set_new();
	struct cidr net;
	uint32_t i;

	ck_assert_ptr_nonnull(set);
	for (i = 0; i < count; i++) {
		net = parsed(nets[i]);
		ck_assert_int_eq(cidr_set_add(set, &net, i), 1);
	}
	return set;
}

/* The longest network that contains the address wins, whatever the order of adding. */
START_TEST(finds_the_longest)
	{
		static const char *const nets[] = { "192.0.2.0/24", "192.0.0.0/16", "192.0.2.7",
			"192.0.2.0/28", "2001:db8::/32", "2001:db8::7", "0.0.0.0/0" };
		static const struct {
			const char *address;
			int want;
		} asked[] = { { "192.0.2.7", 2 }, { "192.0.2.8", 3 }, { "192.0.2.16", 0 },
			{ "192.0.3.0", 1 }, { "10.0.0.1", 6 }, { "2001:db8::7", 5 },
			{ "2001:db8::8", 4 }, { "2001:db9::", -1 }, { "::ffff:192.0.2.7", 2 },
			{ "192.0.2.0/24", 0 }, { "192.0.0.0/20", 1 } };
		struct cidr_set *set = set_of(nets, sizeof(nets) / sizeof(nets[0]));
		struct cidr address;
		uint32_t value;
		size_t i;

		for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
			address = parsed(asked[i].address);
			value = 99;
			ck_assert_int_eq(cidr_set_find(set, &address, &value), asked[i].want >= 0);
			ck_assert_uint_eq(value, asked[i].want >= 0 ? (uint32_t)asked[i].want : 99);
			ck_assert_int_eq(cidr_set_find(set, &address, NULL), asked[i].want >= 0);
		}
		ck_assert_uint_eq(cidr_set_count(set), 7);
		ck_assert_uint_gt(cidr_set_bytes(set), 0);
		cidr_set_free(&set);
		ck_assert_ptr_null(set);
		cidr_set_free(&set);
	}
END_TEST

START_TEST(finds_nothing_in_an_empty_set)
	{
		struct cidr_set *set = set_of(NULL, 0);
		struct cidr address = parsed("192.0.2.7"), none = { .family = AF_UNSPEC };

		ck_assert(!cidr_set_find(set, &address, NULL));
		ck_assert(!cidr_set_find(set, &none, NULL));
		ck_assert_uint_eq(cidr_set_count(set), 0);
		cidr_set_free(&set);
	}
END_TEST

/* "No address" is in no network, not even ::/0, and is not a network. */
START_TEST(an_unspecified_address_is_in_no_set)
	{
		static const char *const nets[] = { "0.0.0.0/0" };
		struct cidr_set *set = set_of(nets, 1);
		struct cidr address = parsed("2001:db8::1"), none = { .family = AF_UNSPEC };

		ck_assert(!cidr_set_find(set, &none, NULL));
		ck_assert_int_eq(cidr_set_add(set, &none, 1), -1);
		ck_assert(!cidr_set_find(set, &address, NULL));
		ck_assert_uint_eq(cidr_set_count(set), 1);
		cidr_set_free(&set);
	}
END_TEST

START_TEST(keeps_the_first)
	{
		struct cidr_set *set = set_of(NULL, 0);
		struct cidr net = parsed("192.0.2.0/24");
		uint32_t value = 0;

		ck_assert_int_eq(cidr_set_add(set, &net, 1), 1);
		ck_assert_int_eq(cidr_set_add(set, &net, 2), 0);
		ck_assert_int_eq(cidr_set_find(set, &net, &value), 1);
		ck_assert_uint_eq(value, 1);
		cidr_set_free(&set);
	}
END_TEST

/* Compares the set with a search of all networks for the longest one. */
START_TEST(agrees_with_a_linear_search)
	{
		enum { NETS = 200, ASKED = 2000 };
		struct cidr_set *set = cidr_set_new();
		struct cidr nets[NETS], address;
		uint32_t i, k, value, best;
		char text[64];

		ck_assert_ptr_nonnull(set);
		srandom(1);
		for (i = 0; i < NETS;) {
			k = (uint32_t)random() % 33;
			value = k == 0 ?
				0 :
				((uint32_t)random() & 0x0303ffff) & (0xffffffffU << (32 - k));
			(void)snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", value >> 24,
				value >> 16 & 255, value >> 8 & 255, value & 255, k);
			nets[i] = parsed(text);
			if (cidr_set_add(set, &nets[i], i) == 1)
				i++;
		}
		for (i = 0; i < ASKED; i++) {
			value = (uint32_t)random() & 0x0303ffff;
			(void)snprintf(text, sizeof(text), "%u.%u.%u.%u", value >> 24,
				value >> 16 & 255, value >> 8 & 255, value & 255);
			address = parsed(text);
			for (best = NETS, k = 0; k < NETS; k++) {
				if (cidr_contains(&nets[k], &address) &&
					(best == NETS ||
						nets[k].prefix_len > nets[best].prefix_len))
					best = k;
			}
			value = NETS;
			ck_assert_int_eq(cidr_set_find(set, &address, &value), best < NETS);
			ck_assert_uint_eq(value, best);
		}
		cidr_set_free(&set);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("cidr");
	TCase *tcase = tcase_create("cidr");

	tcase_add_loop_test(tcase, parses, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, contains, 0, sizeof(containing) / sizeof(containing[0]));
	tcase_add_test(tcase, an_unspecified_address_matches_nothing);
	tcase_add_test(tcase, reads_sockets);
	tcase_add_loop_test(tcase, an_address_behind_a_translator_contains_an_ipv4_address, 0,
		(int)(sizeof(translated) / sizeof(translated[0])));
	tcase_add_test(tcase, finds_the_longest);
	tcase_add_test(tcase, finds_nothing_in_an_empty_set);
	tcase_add_test(tcase, an_unspecified_address_is_in_no_set);
	tcase_add_test(tcase, keeps_the_first);
	tcase_add_test(tcase, agrees_with_a_linear_search);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
