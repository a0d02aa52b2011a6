/*
 * A gateway is recognized by its share of the sessions, its private address and the names that its
 * clients use; other clients raise no alarm.
 */
#include "milter/shared/client_share.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

static struct client_share *share;

static void setup(void)
{
	ck_assert_ptr_nonnull(share = client_share_new());
}

static void teardown(void)
{
	client_share_free(&share);
	client_share_free(&share);
}

/* Add sessions of a client, which use that many names. Returns how often it was time to look. */
static unsigned add(const char *client, unsigned sessions, unsigned names)
{
	struct cidr address;
	struct errmsg err;
	char name[40];
	unsigned times = 0;

	ck_assert_int_eq(cidr_parse(client, &address, &err), 0);
	for (unsigned i = 0; i < sessions; i++) {
		(void)snprintf(name, sizeof(name), "mx%u.example", i % names);
		times += client_share_add(share, &address, name);
	}
	return times;
}

static bool is_found(void)
{
	struct client_gateway gateway;

	return client_share_find(share, &gateway);
}

static const struct {
	const char *client;
	unsigned sessions, others, names;
	bool found;
} cases[] = {
	{ "172.17.0.1", 64, 0, 50, true },
	{ "172.17.0.1", 63, 0, 50, false }, /* too few sessions */
	{ "172.17.0.1", 256, 0, 4, false }, /* one program that sends much */
	{ "172.17.0.1", 58, 6, 50, true },
	{ "172.17.0.1", 57, 7, 50, false }, /* others come from elsewhere */
	{ "10.0.2.100", 100, 0, 50, true },
	{ "192.168.1.1", 100, 0, 50, true },
	{ "100.64.0.1", 100, 0, 50, true },
	{ "169.254.1.1", 100, 0, 50, true },
	{ "fd00::1", 100, 0, 50, true },
	{ "fe80::1", 100, 0, 50, true },
	{ "198.51.100.7", 100, 0, 50, false }, /* public */
	{ "172.15.0.1", 100, 0, 50, false },
	{ "127.0.0.1", 100, 0, 50, false },
	{ "2001:db8::1", 100, 0, 50, false },
};

START_TEST(a_gateway_is_recognized) /* one run a row */
	{
		(void)add("198.51.100.9", cases[_i].others == 0 ? 1 : cases[_i].others, 3);
		if (cases[_i].others == 0) {
			teardown();
			setup();
		}
		(void)add(cases[_i].client, cases[_i].sessions, cases[_i].names);
		ck_assert_int_eq(is_found(), cases[_i].found);
	}
END_TEST

START_TEST(old_sessions_are_forgotten)
	{
		struct client_gateway gateway;

		(void)add("198.51.100.9", 1000, 50);
		ck_assert(!is_found());
		ck_assert_uint_eq(add("172.17.0.1", CLIENT_SHARE_SESSIONS, 50), 4);
		ck_assert(client_share_find(share, &gateway));
		ck_assert_uint_eq(gateway.sessions, CLIENT_SHARE_SESSIONS);
		ck_assert_uint_eq(gateway.of, CLIENT_SHARE_SESSIONS);
		(void)add("198.51.100.9", CLIENT_SHARE_SESSIONS / 2, 50);
		ck_assert(!is_found());
	}
END_TEST

START_TEST(an_address_is_new_once)
	{
		struct cidr a, b;
		struct errmsg err;

		ck_assert_int_eq(cidr_parse("10.0.0.1", &a, &err), 0);
		ck_assert_int_eq(cidr_parse("10.0.0.2", &b, &err), 0);
		ck_assert(client_share_is_new(share, &a));
		ck_assert(!client_share_is_new(share, &a));
		ck_assert(client_share_is_new(share, &b));
		ck_assert(client_share_is_new(share, &a));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("client_share");
	TCase *tcase = tcase_create("client_share");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_gateway_is_recognized, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, old_sessions_are_forgotten);
	tcase_add_test(tcase, an_address_is_new_once);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
