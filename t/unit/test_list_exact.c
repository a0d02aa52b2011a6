/*
 * Shows which clients, host names and
 * addresses an exact list contains.
 */
#include <string.h>

#include "lib/match/domain.h"
#include "lib/rules/list.h"
#include "t/unit/unit.h"

/* Lists, and an address that is looked up in each. */
static const struct {
	const char *list, *ip;
	uint32_t line; /* 0: not listed */
} clients[] = {
	{ "192.0.2.7", "192.0.2.7", 1 },
	{ "192.0.2.7", "192.0.2.8", 0 },
	{ "192.0.2.0/24", "192.0.2.255", 1 },
	{ "192.0.2.0/24", "192.0.3.0", 0 },
	{ "192.0.0.0/16\n192.0.2.0/24", "192.0.2.1", 2 }, /* the longest network decides */
	{ "192.0.2.0/24\n192.0.0.0/16", "192.0.2.1", 1 },
	{ "0.0.0.0/0", "203.0.113.9", 1 },
	{ "0.0.0.0/0", "2001:db8::1", 0 },
	{ "::/0", "2001:db8::1", 1 },
	{ "::/0", "192.0.2.1", 0 },
	{ "2001:db8::/32", "2001:db8:ffff::1", 1 },
	{ "2001:db8::/32", "2001:db9::1", 0 },
	{ "2001:DB8:0:0::1", "2001:db8::1", 1 },
	{ "IPv6:2001:db8::1", "2001:db8::1", 1 },
	{ "::ffff:192.0.2.7", "192.0.2.7", 1 },
	{ "192.0.2.7", "::ffff:192.0.2.7", 1 },
	{ "::ffff:192.0.2.0/120", "192.0.2.9", 1 },
	{ "x\n192.0.2.7\n192.0.2.7", "192.0.2.7", 2 }, /* the first of two */
	{ "192.0.2", "192.0.2.0", 0 }, /* a name, although it resembles an address */
	{ "192.0.02.7", "192.0.2.7", 0 },
};
START_TEST(a_client_is_found_by_its_address)
	{
		struct list *list = list_build(LIST_CONN_DENY, clients[_i].list,
			strlen(clients[_i].list), NULL, NULL);
		struct errmsg err = { "" };
		struct cidr client;
		uint32_t line = 0;

		ck_assert_int_eq(cidr_parse(clients[_i].ip, &client, &err), 0);
		ck_assert_int_eq(list_find_client(list, &client, &line),
			clients[_i].line ? LIST_YES : LIST_NO);
		ck_assert_uint_eq(line, clients[_i].line);
		list_unref(&list);
	}
END_TEST

/* Lists, and a canonical host name that is looked up in each. */
static const struct {
	const char *list, *host;
	uint32_t line;
} hosts[] = {
	{ "mail.example.com", "mail.example.com", 1 },
	{ "mail.example.com", "MAIL.Example.COM", 1 },
	{ "Mail.Example.Com", "mail.example.com", 1 },
	{ "mail.example.com.", "mail.example.com", 1 },
	{ "mail.example.com", "mail.example.com.", 1 },
	{ "mail.example.com..", "mail.example.com", 0 }, /* one trailing dot, not two */
	{ "mail.example.com", "a.mail.example.com", 0 },
	{ "mail.example.com", "example.com", 0 },
	{ ".example.com", "example.com", 1 },
	{ ".example.com", "mail.example.com", 1 },
	{ ".example.com", "a.b.example.com", 1 },
	{ ".example.com", "badexample.com", 0 },
	{ ".example.com", "com", 0 },
	{ ".example.com.", "mail.example.com.", 1 },
	{ ".Example.COM", "mail.example.com", 1 },
	{ ".com", "mail.example.com", 1 },
	{ ".example.com\nmail.example.com", "mail.example.com",
		2 }, /* the name itself decides first */
	{ "example.com\n.mail.example.com\n.example.com", "a.mail.example.com", 2 },
	{ "b\xc3\xbc"
	  "cher.example",
		"xn--bcher-kva.example", 1 },
	{ "xn--bcher-kva.example",
		"B\xc3\x9c"
		"CHER.example",
		1 },
	{ ".b\xc3\xbc"
	  "cher.example",
		"www.xn--bcher-kva.example", 1 },
	{ "constructor\n__proto__", "tostring", 0 },
	{ "constructor\n__proto__", "__proto__", 2 },
	{ ".", "example.com", 0 },
};
START_TEST(a_host_is_found_by_its_name)
	{
		struct list *list = list_build(LIST_CONN_DENY, hosts[_i].list,
			strlen(hosts[_i].list), NULL, NULL);
		char name[DOMAIN_SIZE];
		uint32_t line = 0;

		ck_assert_int_ge(domain_canon(hosts[_i].host, strlen(hosts[_i].host), name), 0);
		ck_assert_int_eq(list_find_host(list, name, &line),
			hosts[_i].line ? LIST_YES : LIST_NO);
		ck_assert_uint_eq(line, hosts[_i].line);
		list_unref(&list);
	}
END_TEST

static const struct {
	const char *list, *address;
	uint32_t line;
} addresses[] = {
	{ "a@b.example", "<a@b.example>", 1 },
	{ "A@B.Example", "<a@b.example>", 1 },
	{ "a@b.example", "<A@B.EXAMPLE>", 1 },
	{ "a@b.example.", "<a@b.example>", 1 },
	{ "a@b.example", "<a@b.example.>", 1 },
	{ "a@b.example", "<@x.example,@y.example:a@b.example>", 1 },
	{ "a@b.example", "<a@c.b.example>", 0 },
	{ "a@b.example", "<aa@b.example>", 0 },
	{ "a@b.example", "<a+x@b.example>", 0 },
	{ "@b.example", "<a@b.example>", 1 },
	{ "@b.example", "<\"x y\"@b.example>", 1 },
	{ "@b.example", "<a@c.b.example>", 0 },
	{ "@B.example.", "<a@b.example>", 1 },
	{ ".b.example", "<a@b.example>", 1 },
	{ ".b.example", "<a@c.b.example>", 1 },
	{ ".b.example", "<a@cb.example>", 0 },
	{ ".b.example", "<b.example>", 0 }, /* a local part without a domain */
	{ "@b.example\na@b.example", "<a@b.example>", 2 },
	{ ".b.example\n@b.example", "<a@b.example>", 2 },
	{ "b.example", "<a@b.example>", 0 }, /* a local part, not a domain */
	{ "postmaster", "<Postmaster>", 1 },
	{ "postmaster", "<postmaster@b.example>", 0 },
	{ "\"a\"@b.example", "<a@b.example>", 1 },
	{ "a@b.example", "<\"a\"@b.example>", 1 },
	{ "\"a b\"@b.example", "<\"A B\"@b.example>", 1 },
	{ "\"a\\b\"@b.example", "<ab@b.example>", 1 },
	{ "a@[192.0.2.1]", "<a@[192.0.2.1]>", 1 },
	{ "a@[IPv6:2001:DB8:0::1]", "<a@[IPv6:2001:db8::1]>", 1 },
	{ "@[192.0.2.1]", "<a@[192.0.2.1]>", 1 },
	{ "@[IPv6:2001:DB8:0::1]", "<a@[IPv6:2001:db8::1]>", 1 },
	{ "a@b\xc3\xbc"
	  "cher.example",
		"<a@xn--bcher-kva.example>", 1 },
	{ "@xn--bcher-kva.example",
		"<a@b\xc3\xbc"
		"cher.example>",
		1 },
	{ "j\xc3\xb6rg@b.example", "<j\xc3\xb6rg@b.example>", 1 },
	{ "J\xc3\x96RG@b.example", "<j\xc3\xb6rg@b.example>", 1 },
	{ "j\xc3\xb6rg@b.example", "<J\xc3\x96RG@b.example>", 0 }, /* a reading of it is found */
	{ "a@b.example # why", "<a@b.example>", 1 },
	{ "a@b@c.example", "<a@b@c.example>", 1 },
	{ "a%b@c.example", "<a%b@c.example>", 1 },
	{ "__proto__@b.example", "<__proto__@b.example>", 1 },
	{ "a@b.example", "<__proto__>", 0 },
	{ "@", "<a@b.example>", 0 },
	{ "@", "<a@>", 0 },
};
START_TEST(an_address_is_found)
	{
		struct list *list = list_build(LIST_RCPT_ALLOW, addresses[_i].list,
			strlen(addresses[_i].list), NULL, NULL);
		const char *text = addresses[_i].address;
		struct mail_address address;
		uint32_t line = 0;

		ck_assert_int_eq(address_parse(text, strlen(text), &address), 0);
		ck_assert_int_eq(list_find_address(list, &address, "", &line),
			addresses[_i].line ? LIST_YES : LIST_NO);
		ck_assert_uint_eq(line, addresses[_i].line);
		list_unref(&list);
	}
END_TEST

START_TEST(no_address_is_in_no_network)
	{
		struct list *list = list_build(LIST_CONN_DENY, "0.0.0.0/0\n::/0", 14, NULL, NULL);
		struct cidr local = { .family = AF_UNSPEC };
		uint32_t line;

		ck_assert_uint_eq(list_entries(list), 2);
		ck_assert_int_eq(list_find_client(list, &local, &line), LIST_NO);
		list_unref(&list);
	}
END_TEST

/* Names of the greatest length, below a listed domain. */
START_TEST(the_longest_names_are_looked_up_whole)
	{
		struct list *list = list_build(LIST_CONN_DENY, ".ex", 3, NULL, NULL);
		char name[DOMAIN_SIZE];
		uint32_t line = 0;
		size_t i;

		for (i = 0; i < sizeof(name) - 1; i++)
			name[i] = i % 2 ? '.' : 'a';
		memcpy(name + sizeof(name) - 4, ".ex", 4);
		name[sizeof(name) - 5] = 'a';
		ck_assert_uint_eq(strlen(name), DOMAIN_SIZE - 1);
		ck_assert_int_eq(list_find_host(list, name, &line), LIST_YES);
		name[sizeof(name) - 2] = 'y';
		ck_assert_int_eq(list_find_host(list, name, &line), LIST_NO);
		list_unref(&list);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("list_exact");
	TCase *tcase = tcase_create("list_exact");

	tcase_add_loop_test(tcase, a_client_is_found_by_its_address, 0, ROWS(clients));
	tcase_add_loop_test(tcase, a_host_is_found_by_its_name, 0, ROWS(hosts));
	tcase_add_loop_test(tcase, an_address_is_found, 0, ROWS(addresses));
	tcase_add_test(tcase, no_address_is_in_no_network);
	tcase_add_test(tcase, the_longest_names_are_looked_up_whole);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
