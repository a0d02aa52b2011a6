/*
 * The auth penalty: delays by login, network and wide network, forgiving by time, trusted logins,
 * resetting, and the bounds of the tables. The clock is simulated.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/auth/penalty.h"
#include "lib/base/hash.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define NOW 1000000

static struct penalty *penalty;
static uint32_t now;

static void setup(void)
{
	penalty = penalty_new(1024);
	ck_assert_ptr_nonnull(penalty);
	now = NOW;
}

static void teardown(void)
{
	penalty_free(&penalty);
	ck_assert_ptr_null(penalty);
	penalty_free(&penalty); /* accepts NULL */
}

#define SPREAD "2001:db8::/48" /* another /64 of it for each failure */

/* client "": not known */
static struct penalty_keys keys_of(const char *login, const char *client)
{
	struct cidr address = { .family = AF_UNSPEC };

	if (client[0] != '\0')
		ck_assert_int_eq(cidr_parse(client, &address, NULL), 0);
	return penalty_keys(login[0] == '\0' ? 0 :
					       hash_bytes(login, strlen(login)) & ~PENALTY_TOKEN,
		&address);
}

static void count_failures(const char *login, const char *client, unsigned times)
{
	char text[64];

	for (unsigned i = 0; i < times; i++) {
		struct penalty_keys keys;

		(void)snprintf(text, sizeof(text), "2001:db8:0:%x::1", 0xa000 + i);
		keys = keys_of(login, strcmp(client, SPREAD) == 0 ? text : client);
		penalty_failed(penalty, &keys, now);
	}
}

static void succeed(const char *login, const char *client)
{
	const struct penalty_keys keys = keys_of(login, client);

	penalty_succeeded(penalty, &keys, now);
}

static struct penalty_view view(const char *login, const char *client)
{
	const struct penalty_keys keys = keys_of(login, client);

	return penalty_view(penalty, &keys, now);
}

/* Failures of bob from one network, time, and the delay of an attempt. */
static const struct {
	unsigned failures;
	const char *from;
	uint32_t later; /* seconds */
	const char *login, *client;
	uint32_t delay;
	bool is_slowed;
} delays[] = {
	{ 0, "192.0.2.7", 0, "bob", "192.0.2.7", 0, false },
	/* by login, from anywhere */
	{ 1, "", 0, "bob", "", 0, false },
	{ 2, "", 0, "bob", "", 500, false },
	{ 3, "", 0, "bob", "198.51.100.1", 1000, false },
	{ 4, "", 0, "bob", "2001:db8::1", 2000, false },
	{ 5, "", 0, "bob", "", 4000, false },
	{ 6, "", 0, "bob", "", 4500, false },
	{ 1000, "", 0, "bob", "", 4500, false },
	{ 1000, "", 0, "alice", "", 0, false },
	{ 1000, "", 0, "", "", 0, false },
	/* by network, whatever the login */
	{ 3, "192.0.2.7", 0, "alice", "192.0.2.7", 0, false },
	{ 4, "192.0.2.7", 0, "alice", "192.0.2.7", 500, true },
	{ 4, "192.0.2.7", 0, "", "192.0.2.7", 500, true },
	{ 8, "192.0.2.7", 0, "alice", "192.0.2.7", 4500, true },
	{ 8, "192.0.2.7", 0, "alice", "192.0.2.8", 0, false },
	{ 8, "192.0.2.7", 0, "alice", "::ffff:192.0.2.7", 4500, true },
	{ 8, "2001:db8::1", 0, "alice", "2001:db8::ffff:1", 4500, true },
	{ 8, "2001:db8::1", 0, "alice", "2001:db8:0:1::1", 0, false },
	/* IPv4 clients behind a translator (RFC 6052) have one /96 */
	{ 8, "64:ff9b::c000:207", 0, "alice", "192.0.2.7", 4500, true },
	{ 8, "192.0.2.7", 0, "alice", "64:ff9b::c000:207", 4500, true },
	{ 60, "64:ff9b::c000:207", 0, "alice", "64:ff9b::c000:208", 0, false },
	{ 60, "64:ff9b:1::c000:207", 0, "alice", "64:ff9b:1::c000:208", 0, false },
	{ 8, "64:ff9b::1:c000:207", 0, "alice", "64:ff9b::1:c000:208", 4500, true },
	{ 8, "2002:c000:207::1", 0, "alice", "192.0.2.7", 0, false },
	/* by the wide network, for clients who spread over it */
	{ 30, SPREAD, 0, "alice", "2001:db8:0:1::1", 0, false },
	{ 31, SPREAD, 0, "alice", "2001:db8:0:1::1", 500, true },
	{ 40, SPREAD, 0, "alice", "2001:db8:0:ffff::1", 4500, true },
	{ 60, SPREAD, 0, "alice", "2001:db8:1::1", 0, false },
	{ 1000, "2001:db8::1", 0, "alice", "2001:db8:0:1::1", 0, false },
	/* the longest delay applies */
	{ 4, "192.0.2.7", 0, "bob", "192.0.2.7", 2000, true },
	/* one is forgiven in a minute, of a wide network in six seconds, and 60 in all are counted
	 */
	{ 6, "", 59, "bob", "", 4500, false },
	{ 6, "", 60, "bob", "", 4000, false },
	{ 6, "", 240, "bob", "", 500, false },
	{ 6, "", 300, "bob", "", 0, false },
	{ 1000, "", 58 * 60, "bob", "", 500, false },
	{ 1000, "", 59 * 60, "bob", "", 0, false },
	{ 8, "192.0.2.7", 60, "alice", "192.0.2.7", 4000, true },
	{ 35, SPREAD, 6, "alice", "2001:db8:0:1::1", 4000, true },
	{ 35, SPREAD, 30, "alice", "2001:db8:0:1::1", 0, false },
};
START_TEST(failures_delay_the_next_attempt)
	{
		struct penalty_view got;

		count_failures("bob", delays[_i].from, delays[_i].failures);
		now += delays[_i].later;
		got = view(delays[_i].login, delays[_i].client);
		ck_assert_uint_eq(got.delay_ms, delays[_i].delay);
		ck_assert_int_eq(got.is_slowed, delays[_i].is_slowed);
		ck_assert_uint_eq(got.trust, 0);
		ck_assert(!got.has_succeeded);
	}
END_TEST

/* bob succeeds from 192.0.2.7 and 2001:db8::1; then failures and time. */
static const struct {
	unsigned failures;
	const char *of, *from;
	uint32_t later;
	const char *login, *client;
	uint32_t trust;
} trusts[] = {
	{ 0, "", "", 0, "bob", "192.0.2.7", 8 },
	{ 0, "", "", 0, "bob", "2001:db8::ffff", 8 }, /* the /64 */
	{ 0, "", "", 0, "bob", "2001:db8:0:1::1", 0 },
	{ 0, "", "", 0, "bob", "192.0.2.8", 0 },
	{ 0, "", "", 0, "bob", "", 0 },
	{ 0, "", "", 0, "alice", "192.0.2.7", 0 },
	{ 0, "", "", 0, "", "192.0.2.7", 0 },
	{ 0, "", "", PENALTY_TRUST_S - 1, "bob", "192.0.2.7", 8 },
	{ 0, "", "", PENALTY_TRUST_S, "bob", "192.0.2.7", 0 },
	/* others cannot end it, from anywhere */
	{ 1000, "bob", "198.51.100.1", 0, "bob", "192.0.2.7", 8 },
	{ 1000, "bob", "", 0, "bob", "192.0.2.7", 8 },
	{ 1000, "alice", "192.0.2.7", 0, "bob", "192.0.2.7", 8 },
	{ 1000, "alice", "2001:db8::1", 0, "bob", "2001:db8::1", 8 },
	/* guesses at bob from his own network do, for a time, and there alone */
	{ 7, "bob", "192.0.2.7", 0, "bob", "192.0.2.7", 1 },
	{ 8, "bob", "192.0.2.7", 0, "bob", "192.0.2.7", 0 },
	{ 8, "bob", "192.0.2.7", 60, "bob", "192.0.2.7", 1 },
	{ 8, "bob", "192.0.2.7", 480, "bob", "192.0.2.7", 8 },
	{ 1000, "bob", "192.0.2.7", 0, "bob", "192.0.2.7", 0 },
	{ 1000, "bob", "192.0.2.7", 0, "bob", "2001:db8::1", 8 },
};
/* A failure in each period of a device with an old password, and those that are left after ten. */
static const struct {
	uint32_t each_s, left;
} spaced[] = { { 0, 10 }, { 6, 10 }, { 7, 9 }, { 20, 7 }, { 30, 6 }, { 59, 2 }, { 60, 1 },
	{ 90, 1 } };
START_TEST(each_minute_forgives_one_failure_also_while_others_follow)
	{
		const struct penalty_keys keys = keys_of("", "192.0.2.7");

		for (int i = 0; i < 10; i++) {
			now += i == 0 ? 0 : spaced[_i].each_s;
			penalty_failed(penalty, &keys, now);
		}
		for (uint32_t left = spaced[_i].left; left > 0; left--, now += 60)
			ck_assert(!penalty_view(penalty, &keys, now).is_clean);
		ck_assert(penalty_view(penalty, &keys, now).is_clean);
	}
END_TEST

START_TEST(a_login_is_trusted_where_it_has_succeeded)
	{
		succeed("bob", "192.0.2.7");
		succeed("bob", "2001:db8::1");
		count_failures(trusts[_i].of, trusts[_i].from, trusts[_i].failures);
		now += trusts[_i].later;
		ck_assert_uint_eq(view(trusts[_i].login, trusts[_i].client).trust,
			trusts[_i].trust);
	}
END_TEST

/* A thief has bob's password, which is therefore changed. */
START_TEST(trust_ends_with_the_password_that_earned_it)
	{
		struct penalty_keys thief = keys_of("bob", "192.0.2.7"),
				    owner = keys_of("bob", "198.51.100.1"),
				    nowhere = keys_of("bob", "");
		struct penalty_view got;

		thief.credential = owner.credential = nowhere.credential = 1;
		penalty_succeeded(penalty, &thief, now);
		penalty_succeeded(penalty, &owner, now);
		penalty_succeeded(penalty, &nowhere, now);
		thief.credential = owner.credential = nowhere.credential = 2;
		got = penalty_view(penalty, &thief, now);
		ck_assert_uint_eq(got.trust, 0);
		ck_assert(!got.is_known && !got.is_near && !got.has_succeeded);
		ck_assert(!penalty_view(penalty, &nowhere, now).has_succeeded);
		for (int i = 0; i < 3; i++)
			penalty_failed(penalty, &thief, now);
		ck_assert_uint_eq(penalty_view(penalty, &thief, now).delay_ms, 1000);
		/* the owner proves himself once */
		ck_assert_uint_eq(penalty_view(penalty, &owner, now).delay_ms, 1000);
		penalty_succeeded(penalty, &owner, now);
		ck_assert_uint_eq(penalty_view(penalty, &owner, now).trust, PENALTY_TRUST_FAILURES);
		ck_assert_uint_eq(penalty_view(penalty, &thief, now).trust, 0);
		/* a thief's attempts that waited during the change are bounded together */
		thief.credential = 1;
		ck_assert_uint_eq(penalty_view(penalty, &thief, now).trust,
			PENALTY_TRUST_FAILURES - 3);
	}
END_TEST

/* A device of bob's has an old password: its failures count in its network, where he has succeeded,
 * and nobody sees them elsewhere. */
START_TEST(failures_where_a_login_has_succeeded_count_for_that_network_alone)
	{
		const struct penalty_keys near = keys_of("bob", "192.0.9.9");
		uint32_t age;

		succeed("bob", "192.0.2.7");
		count_failures("bob", "192.0.2.7", 20);
		ck_assert_uint_eq(view("bob", "192.0.2.7").trust, 0);
		ck_assert_uint_eq(view("bob", "192.0.2.7").delay_ms, PENALTY_MAX_MS);
		ck_assert_uint_eq(view("alice", "192.0.2.7").delay_ms, PENALTY_MAX_MS);
		ck_assert_uint_eq(view("bob", "203.0.113.1").delay_ms, 0);
		ck_assert(!view("bob", "203.0.113.1").has_failed);
		ck_assert_uint_eq(penalty_area_failures(penalty, &near, now, &age), 0);
		count_failures("bob", "192.0.9.9", 2); /* where he has not succeeded */
		ck_assert_uint_eq(view("bob", "203.0.113.1").delay_ms, 500);
		ck_assert_uint_eq(penalty_area_failures(penalty, &near, now, &age), 2);
		now += PENALTY_TRUST_S;
		count_failures("bob", "192.0.2.7", 2);
		ck_assert_uint_eq(view("bob", "203.0.113.1").delay_ms, 500);
	}
END_TEST

/* The rows bob and bob@DOMAIN have the same login key, but belong to two people. */
START_TEST(trust_belongs_to_the_row_that_has_succeeded)
	{
		struct penalty_keys bob = keys_of("bob", "192.0.2.7"), other = bob;
		const struct penalty_keys elsewhere = keys_of("bob", "203.0.113.1");
		char client[16];

		penalty_set_owner(&other, 42, 0);
		penalty_succeeded(penalty, &other, now);
		ck_assert_uint_eq(penalty_view(penalty, &other, now).trust, 8);
		ck_assert_uint_eq(penalty_view(penalty, &bob, now).trust, 0);
		ck_assert(!penalty_view(penalty, &bob, now).is_known);
		ck_assert(!penalty_view(penalty, &bob, now).has_succeeded);
		for (int i = 0; i < 3; i++)
			penalty_failed(penalty, &bob, now);
		ck_assert_uint_eq(penalty_view(penalty, &elsewhere, now).delay_ms, 1000);
		ck_assert_uint_eq(penalty_view(penalty, &other, now).trust, 8);
		penalty_succeeded(penalty, &elsewhere, now);
		for (int i = 0; i < 200; i++) {
			(void)snprintf(client, sizeof(client), "192.0.%d.7", i);
			other = keys_of("bob", client);
			penalty_set_owner(&other, 42, 0);
			penalty_succeeded(penalty, &other, now + 1);
		}
		ck_assert_uint_eq(penalty_view(penalty, &elsewhere, now).trust, 8);
	}
END_TEST

#define CLAIMED (UINT64_C(0xc1a1) | PENALTY_TOKEN)

static struct penalty_keys token_keys(const char *token, const char *client, uint64_t claimed)
{
	struct penalty_keys keys = keys_of(token, client);

	keys.login |= PENALTY_TOKEN;
	penalty_set_owner(&keys, keys.login, 0);
	penalty_claim(&keys, claimed);
	return keys;
}

/* An owner who gets a new token every hour is trusted like the owner of a password. */
START_TEST(a_new_token_is_trusted_where_one_of_the_same_address_has_succeeded)
	{
		const struct penalty_keys old = token_keys("old", "192.0.2.7", CLAIMED),
					  new = token_keys("new", "192.0.2.7", CLAIMED),
					  other = token_keys("new", "192.0.2.7", CLAIMED ^ 256),
					  far = token_keys("new", "192.0.3.7", CLAIMED),
					  none = token_keys("new", "192.0.2.7", 0);

		ck_assert_uint_eq(old.pair, new.pair);
		ck_assert_uint_ne(new.pair, other.pair);
		ck_assert_uint_ne(new.pair, none.pair);
		penalty_succeeded(penalty, &old, now);
		count_failures("eve", "192.0.2.7", 8);
		ck_assert_uint_eq(penalty_view(penalty, &new, now).trust, PENALTY_TRUST_FAILURES);
		ck_assert_uint_eq(penalty_view(penalty, &other, now).trust, 0);
		ck_assert_uint_eq(penalty_view(penalty, &far, now).trust, 0);
		ck_assert_uint_eq(penalty_view(penalty, &none, now).trust, 0);
		/* forged ones end that trust, but not the trust of the token that has succeeded */
		for (int i = 0; i < PENALTY_TRUST_FAILURES; i++)
			penalty_failed(penalty, &new, now);
		ck_assert_uint_eq(penalty_view(penalty, &new, now).trust, 0);
		ck_assert_uint_eq(penalty_view(penalty, &old, now).trust, PENALTY_TRUST_FAILURES);
		ck_assert(!penalty_view(penalty, &old, now).has_failed);
	}
END_TEST

/* bob has succeeded from 192.0.2.7 and 2001:db8::1. */
static const struct {
	const char *login, *client;
	bool is_near;
} nears[] = {
	{ "bob", "192.0.2.7", true },
	{ "bob", "192.0.99.1", true },
	{ "bob", "192.1.2.7", false },
	{ "bob", "2001:db8:ffff::1", true },
	{ "bob", "2001:db9::1", false },
	{ "bob", "", false },
	{ "alice", "192.0.2.7", false },
};
START_TEST(a_network_is_near_others_of_its_provider)
	{
		succeed("bob", "192.0.2.7");
		succeed("bob", "2001:db8::1");
		ck_assert_int_eq(view(nears[_i].login, nears[_i].client).is_near,
			nears[_i].is_near);
		now += PENALTY_TRUST_S;
		ck_assert(!view(nears[_i].login, nears[_i].client).is_near);
	}
END_TEST

START_TEST(a_success_clears_no_failures)
	{
		count_failures("bob", "192.0.2.7", 8);
		count_failures("alice", "192.0.2.7", 8);
		for (int i = 0; i < 100; i++) { /* a guesser's own login */
			succeed("own", "192.0.2.7");
			count_failures("bob", "192.0.2.7", 1);
		}
		ck_assert_uint_eq(view("alice", "192.0.2.7").delay_ms, PENALTY_MAX_MS);
		ck_assert_uint_eq(view("other", "192.0.2.7").delay_ms, PENALTY_MAX_MS);
		succeed("bob", "198.51.100.1"); /* the owner, elsewhere */
		ck_assert_uint_eq(view("bob", "203.0.113.1").delay_ms, PENALTY_MAX_MS);
		ck_assert(view("bob", "203.0.113.1").has_failed);
		ck_assert(view("bob", "203.0.113.1").has_succeeded);
	}
END_TEST

START_TEST(a_success_without_a_network_is_remembered_and_trusts_none)
	{
		succeed("bob", "");
		ck_assert(view("bob", "").has_succeeded);
		ck_assert_uint_eq(view("bob", "").trust, 0);
		ck_assert_uint_eq(view("bob", "192.0.2.7").trust, 0);
		ck_assert(!view("alice", "").has_succeeded);
		now += PENALTY_TRUST_S;
		ck_assert(!view("bob", "").has_succeeded);
	}
END_TEST

static void succeed_from(const char *login, unsigned network)
{
	char client[32];

	(void)snprintf(client, sizeof(client), "10.%u.%u.1", network / 256, network % 256);
	succeed(login, client);
	now++;
}

/* Servers that share a login, or a telephone that is often in another network. */
START_TEST(a_login_is_trusted_in_each_of_many_networks)
	{
		for (unsigned i = 0; i < 60; i++)
			succeed_from("bob", i);
		ck_assert_uint_gt(view("bob", "10.0.0.1").trust, 0);
		ck_assert_uint_gt(view("bob", "10.0.59.1").trust, 0);
		ck_assert(view("bob", "10.0.99.1").is_near);
	}
END_TEST

/* All logins are in one set of 64 networks. */
START_TEST(a_login_with_many_networks_displaces_no_other)
	{
		char login[32];

		penalty_free(&penalty);
		penalty = penalty_new(1);
		succeed("alice", "192.0.2.1");
		succeed("carol", "192.0.2.1");
		for (unsigned i = 0; i < 1000; i++)
			succeed_from("bob", i);
		ck_assert_uint_gt(view("alice", "192.0.2.1").trust, 0);
		ck_assert_uint_gt(view("carol", "192.0.2.1").trust, 0);
		ck_assert_uint_gt(view("bob", "10.3.231.1").trust, 0);
		ck_assert_uint_gt(view("bob", "10.3.170.1").trust, 0);
		ck_assert_uint_eq(view("bob", "10.3.169.1").trust, 0); /* 62 are left to it */
		for (unsigned i = 0; i < 61; i++) {
			(void)snprintf(login, sizeof(login), "user%u", i);
			succeed_from(login, 0);
		}
		ck_assert_uint_gt(view("alice", "192.0.2.1").trust, 0);
		ck_assert_uint_gt(view("user0", "10.0.0.1").trust, 0);
		ck_assert_uint_gt(view("bob", "10.3.231.1").trust, 0);
		succeed_from("another", 0); /* each has one: the oldest makes room */
		ck_assert_uint_eq(view("alice", "192.0.2.1").trust, 0);
		now += PENALTY_TRUST_S; /* what has expired makes room first */
		succeed("alice", "192.0.2.1");
		succeed("alice", "192.0.2.2");
		ck_assert_uint_gt(view("alice", "192.0.2.1").trust, 0);
	}
END_TEST

START_TEST(resets_one_or_all)
	{
		struct penalty_keys keys;
		size_t networks, logins;

		succeed("bob", "2001:db8::1");
		count_failures("bob", "2001:db8::1", 40);
		count_failures("alice", "192.0.2.7", 40);
		ck_assert_uint_eq(view("bob", "2001:db8::1").trust, 0);
		keys = keys_of("bob", "");
		ck_assert_uint_eq(penalty_reset(penalty, &keys), 1);
		ck_assert_uint_eq(penalty_reset(penalty, &keys), 0);
		ck_assert_uint_eq(view("bob", "2001:db8::1").trust, 8);
		ck_assert_uint_eq(view("bob", "2001:db8:1::1").delay_ms, 0);
		ck_assert_uint_eq(view("eve", "2001:db8::1").delay_ms, PENALTY_MAX_MS);
		keys = keys_of("", "2001:db8::2");
		ck_assert_uint_eq(penalty_reset(penalty, &keys), 2); /* the /64 and the /48 */
		ck_assert_uint_eq(view("eve", "2001:db8::1").delay_ms, 0);
		penalty_count(penalty, now, &networks, &logins);
		ck_assert_uint_eq(networks, 1);
		ck_assert_uint_eq(logins, 1);
		ck_assert_uint_eq(penalty_reset(penalty, NULL), 2);
		penalty_count(penalty, now, &networks, &logins);
		ck_assert_uint_eq(networks + logins, 0);
		keys = keys_of("", "");
		ck_assert_uint_eq(penalty_reset(penalty, &keys), 0);
	}
END_TEST

/* People at the control socket have no address. */
START_TEST(each_person_is_a_network_whose_failures_stay)
	{
		static const uid_t uids[] = { 0, 1, 255, 256, 1000, 65534, (uid_t)-1 };
		const struct cidr guesser = penalty_person(1000);
		const struct penalty_keys guess = penalty_keys(hash_bytes("bob", 3), &guesser);

		for (int i = 0; i < 8; i++)
			penalty_failed(penalty, &guess, now);
		ck_assert_uint_eq(penalty_reset(penalty, NULL), 1); /* the login */
		for (size_t i = 0; i < COUNT(uids); i++) {
			const struct cidr person = penalty_person(uids[i]);
			const struct penalty_keys keys =
				penalty_keys(hash_bytes("bob", 3), &person);

			ck_assert_int_eq(penalty_view(penalty, &keys, now).is_slowed,
				uids[i] == 1000);
		}
		ck_assert(view("", "0.0.3.232").is_clean); /* the bytes of 1000 */
		ck_assert(view("", "232.3.0.0").is_clean);
		ck_assert(view("", "::").is_clean);
	}
END_TEST

/* One person may have thousands of users: the subordinate ones of his user namespaces. */
START_TEST(people_share_a_wide_network_but_for_root_and_the_daemon)
	{
		const uid_t base = geteuid() + 1000;
		struct penalty_keys keys;
		struct cidr person;

		for (uid_t i = 0; i < 40; i++) {
			person = penalty_person(base + i);
			keys = penalty_keys(hash_bytes(&i, sizeof(i)), &person);
			penalty_failed(penalty, &keys, now);
		}
		ck_assert_uint_eq(penalty_reset(penalty, NULL), 40); /* the logins */
		person = penalty_person(base + 100);
		keys = penalty_keys(hash_bytes("bob", 3), &person);
		ck_assert_uint_eq(penalty_view(penalty, &keys, now).delay_ms, PENALTY_MAX_MS);
		for (int i = 0; i < 2; i++) {
			person = penalty_person(i == 0 ? 0 : geteuid());
			keys = penalty_keys(hash_bytes("bob", 3), &person);
			ck_assert(penalty_view(penalty, &keys, now).is_clean);
			ck_assert_uint_eq(keys.wide, 0);
		}
	}
END_TEST

static const char *const apart[] = { "192.0.2.7", "2001:db8::7" };
START_TEST(claimed_networks_count_apart)
	{
		const struct penalty_keys real = keys_of("bob", apart[_i]),
					  eve = keys_of("eve", apart[_i]);
		struct penalty_keys claimed = real, near = keys_of("bob", "192.0.9.9");

		penalty_set_apart(&claimed);
		penalty_set_apart(&near);
		ck_assert_uint_eq(claimed.login, real.login);
		ck_assert_uint_eq(claimed.wide == 0, real.wide == 0);
		penalty_succeeded(penalty, &real, now);
		ck_assert_uint_eq(penalty_view(penalty, &claimed, now).trust, 0);
		ck_assert(!penalty_view(penalty, &near, now).is_near);
		penalty_succeeded(penalty, &claimed, now);
		ck_assert_uint_eq(penalty_view(penalty, &claimed, now).trust, 8);
		for (int i = 0; i < 60; i++)
			penalty_failed(penalty, &claimed, now);
		ck_assert_uint_eq(penalty_view(penalty, &claimed, now).trust, 0);
		ck_assert_uint_eq(penalty_view(penalty, &real, now).trust, 8);
		ck_assert(penalty_view(penalty, &eve, now).is_clean);
	}
END_TEST

START_TEST(forgets_the_least_guilty_and_no_trusted_login)
	{
		size_t networks, logins;
		char login[32];

		succeed("bob", "192.0.2.7");
		count_failures("eve", "", 10);
		for (unsigned i = 0; i < unit_times(100000); i++) {
			(void)snprintf(login, sizeof(login), "user%u", i);
			count_failures(login, "", 1);
		}
		penalty_count(penalty, now, &networks, &logins);
		ck_assert_uint_le(logins, 1024);
		ck_assert_uint_eq(view("eve", "").delay_ms, PENALTY_MAX_MS);
		ck_assert_uint_eq(view("bob", "192.0.2.7").trust, 8);
	}
END_TEST

/* Clients get a new token every hour, and may ask for many. */
START_TEST(forgets_no_trusted_login_for_tokens)
	{
		const struct cidr home = { .family = AF_INET, .prefix_len = 32, .addr = { 192 } };
		const struct penalty_keys bob = penalty_keys(UINT64_C(0x7000000002), &home);
		const uint64_t last = hash_bytes("token", 5) | PENALTY_TOKEN;
		struct penalty_keys keys;

		penalty_succeeded(penalty, &bob, now);
		for (uint64_t i = 0; i <= 5000; i++) {
			keys = penalty_keys((last - ((5000 - i) << 32)) | PENALTY_TOKEN, &home);
			penalty_succeeded(penalty, &keys, ++now);
		}
		ck_assert_uint_gt(penalty_view(penalty, &bob, now).trust, 0);
		ck_assert_uint_gt(penalty_view(penalty, &keys, now).trust, 0);
	}
END_TEST

/* Many tokens of one person, or of many, leave the trust of the others' addresses. */
START_TEST(forgets_no_claimed_address_for_tokens)
	{
		const struct penalty_keys owner = token_keys("next", "192.0.2.7", CLAIMED);
		char token[32];

		penalty_free(&penalty);
		penalty = penalty_new(1);
		penalty_succeeded(penalty, &owner, now);
		for (unsigned i = 0; i < 200; i++) {
			struct penalty_keys keys;

			(void)snprintf(token, sizeof(token), "token%u", i);
			keys = token_keys(token, "192.0.2.7", CLAIMED ^ 256);
			penalty_succeeded(penalty, &keys, ++now);
		}
		ck_assert_uint_gt(penalty_view(penalty, &owner, now).trust, 0);
	}
END_TEST

START_TEST(forgets_the_trusted_logins_that_succeeded_longest_ago)
	{
		char login[32];

		penalty_free(&penalty);
		penalty = penalty_new(64); /* 512 networks of trusted logins */
		for (unsigned i = 0; i < 5000; i++) {
			(void)snprintf(login, sizeof(login), "user%u", i);
			succeed(login, "192.0.2.7");
			succeed("bob", "192.0.2.7");
			now++;
		}
		ck_assert(view("bob", "").has_succeeded);
		ck_assert(view("user4999", "").has_succeeded);
		ck_assert(!view("user0", "").has_succeeded);
	}
END_TEST

static Suite *penalty_suite(void)
{
	Suite *suite = suite_create("penalty");
	TCase *tests = tcase_create("penalty");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, failures_delay_the_next_attempt, 0, COUNT(delays));
	tcase_add_loop_test(tests, each_minute_forgives_one_failure_also_while_others_follow, 0,
		COUNT(spaced));
	tcase_add_loop_test(tests, a_login_is_trusted_where_it_has_succeeded, 0, COUNT(trusts));
	tcase_add_test(tests, trust_ends_with_the_password_that_earned_it);
	tcase_add_test(tests, failures_where_a_login_has_succeeded_count_for_that_network_alone);
	tcase_add_test(tests, trust_belongs_to_the_row_that_has_succeeded);
	tcase_add_test(tests, a_new_token_is_trusted_where_one_of_the_same_address_has_succeeded);
	tcase_add_loop_test(tests, a_network_is_near_others_of_its_provider, 0, COUNT(nears));
	tcase_add_test(tests, a_success_clears_no_failures);
	tcase_add_test(tests, a_success_without_a_network_is_remembered_and_trusts_none);
	tcase_add_test(tests, a_login_is_trusted_in_each_of_many_networks);
	tcase_add_test(tests, a_login_with_many_networks_displaces_no_other);
	tcase_add_test(tests, resets_one_or_all);
	tcase_add_test(tests, each_person_is_a_network_whose_failures_stay);
	tcase_add_test(tests, people_share_a_wide_network_but_for_root_and_the_daemon);
	tcase_add_loop_test(tests, claimed_networks_count_apart, 0, COUNT(apart));
	tcase_add_test(tests, forgets_the_least_guilty_and_no_trusted_login);
	tcase_add_test(tests, forgets_no_trusted_login_for_tokens);
	tcase_add_test(tests, forgets_no_claimed_address_for_tokens);
	tcase_add_test(tests, forgets_the_trusted_logins_that_succeeded_longest_ago);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(penalty_suite)
