/*
 * The address of [milter] socket: loopback addresses in all spellings are accepted, and any other
 * is refused, also as one of several, unless allow_remote is set.
 */
#include <arpa/inet.h>
#include <string.h>

#include "milter/smtp/milter_address_private.h"
#include "t/unit/unit.h"

static struct errmsg err;
static char name[MILTER_ADDRESS_SIZE];

static const struct {
	const char *socket, *name; /* NULL: refused, because other machines may reach it */
} sockets[] = {
	{ "inet:8894@127.0.0.1", "inet:8894@[127.0.0.1]" },
	{ "inet:8894@127.255.0.9", "inet:8894@[127.255.0.9]" },
	{ "inet:8894@[127.0.0.1]", "inet:8894@[127.0.0.1]" },
	{ "inet:8894@localhost", "inet:8894@[127.0.0.1]" },
	{ "inet:8894@127.1", "inet:8894@[127.0.0.1]" },
	{ "inet:8894@0x7f000001", "inet:8894@[127.0.0.1]" },
	{ "inet6:8894@::1", "inet6:8894@[::1]" },
	{ "inet6:8894@[::1]", "inet6:8894@[::1]" },
	{ "inet6:8894@0:0:0:0:0:0:0:1", "inet6:8894@[::1]" },
	{ "inet6:8894@::ffff:127.0.0.1", "inet6:8894@[::ffff:127.0.0.1]" },
	{ "INET:8894@127.0.0.1", "INET:8894@[127.0.0.1]" },
	{ "unix:/run/postern/postern.sock", "unix:/run/postern/postern.sock" },
	{ "inet:8894@0.0.0.0", NULL },
	{ "inet:8894@0", NULL },
	{ "inet:8894@192.0.2.7", NULL },
	{ "inet:8894@[192.0.2.7]", NULL },
	{ "inet:8894@10.0.0.1", NULL },
	{ "inet:8894@128.0.0.1", NULL },
	{ "inet:8894@126.255.255.255", NULL },
	{ "inet:8894@2130706432", "inet:8894@[127.0.0.0]" },
	{ "inet:8894@255.255.255.255", NULL },
	{ "INET:8894@0.0.0.0", NULL },
	{ "inet6:8894@::", NULL },
	{ "inet6:8894@[::]", NULL },
	{ "inet6:8894@::2", NULL },
	{ "inet6:8894@::127.0.0.1", NULL }, /* IPv4-compatible: an address of its own */
	{ "inet6:8894@2001:db8::1", NULL },
	{ "inet6:8894@fe80::1", NULL },
	{ "inet6:8894@::ffff:0.0.0.0", NULL },
	{ "inet6:8894@::ffff:192.0.2.7", NULL },
	{ "INET6:8894@::", NULL },
};
START_TEST(only_loopback_addresses_are_accepted)
	{
		const char *wanted = sockets[_i].name;
		int ret = milter_address_find(sockets[_i].socket, false, name, &err);

		ck_assert_msg(ret == (wanted == NULL ? -1 : 0), "%s", sockets[_i].socket);
		if (wanted == NULL)
			ck_assert_ptr_nonnull(strstr(err.text, "allow_remote = yes"));
		else
			ck_assert_str_eq(name, wanted);
		ck_assert_int_eq(milter_address_find(sockets[_i].socket, true, name, &err), 0);
		ck_assert_str_eq(name, sockets[_i].socket);
	}
END_TEST

static const struct {
	const char *socket, *why;
} errors[] = {
	{ "inet:8894@", "has no address" },
	{ "inet:8894", "inet:PORT@HOST" },
	{ "inet:8894@[]", "has no address" },
	{ "inet:8894@::1", "has no address" },
	{ "inet6:8894@127.0.0.1", "has no address" },
	{ "inet:8894@*", "has no address" },
	{ "inet:8894@host.invalid", "has no address" },
};
START_TEST(a_host_without_an_address_is_refused)
	{
		ck_assert_int_eq(milter_address_find(errors[_i].socket, false, name, &err), -1);
		ck_assert_msg(strstr(err.text, errors[_i].why) != NULL, "%s", err.text);
		ck_assert_ptr_nonnull(strstr(err.text, errors[_i].socket));
	}
END_TEST

/* A host with several addresses, in this order. */
static const struct {
	const char *addresses[3];
	const char *reached; /* the one that is refused */
} hosts[] = {
	{ { "127.0.0.1", "127.0.1.1" }, NULL },
	{ { "127.0.1.1" }, NULL },
	{ { "127.0.0.1", "192.0.2.7" }, "192.0.2.7" },
	{ { "192.0.2.7", "127.0.0.1" }, "192.0.2.7" },
	{ { "127.0.0.1", "127.0.0.2", "0.0.0.0" }, "0.0.0.0" },
};
START_TEST(every_address_of_a_host_counts)
	{
		struct sockaddr_in in[3];
		struct addrinfo list[3];
		size_t count = 0;
		int ret;

		for (; count < 3 && hosts[_i].addresses[count] != NULL; count++) {
			in[count] = (struct sockaddr_in){ .sin_family = AF_INET };
			(void)inet_pton(AF_INET, hosts[_i].addresses[count], &in[count].sin_addr);
			list[count] = (struct addrinfo){ .ai_addr = (struct sockaddr *)&in[count] };
			if (count > 0)
				list[count - 1].ai_next = &list[count];
		}
		ret = milter_address_choose("inet:25@mx.example", list, name, &err);
		ck_assert_int_eq(ret, hosts[_i].reached == NULL ? 0 : -1);
		if (ret == 0) {
			ck_assert_int_eq(strncmp(name, "inet:25@[127.", 13), 0);
			ck_assert_ptr_nonnull(strstr(name, hosts[_i].addresses[0]));
		} else {
			ck_assert_ptr_nonnull(strstr(err.text, hosts[_i].reached));
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("milter_address");
	TCase *tcase = tcase_create("milter_address");

	tcase_add_loop_test(tcase, only_loopback_addresses_are_accepted, 0,
		(int)(sizeof(sockets) / sizeof(sockets[0])));
	tcase_add_loop_test(tcase, a_host_without_an_address_is_refused, 0,
		(int)(sizeof(errors) / sizeof(errors[0])));
	tcase_add_loop_test(tcase, every_address_of_a_host_counts, 0,
		(int)(sizeof(hosts) / sizeof(hosts[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
