/*
 * Shows how many keys a bounded ledger keeps, which ones it removes, and that a flood from one
 * network is held to one limit.
 */
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger.h"
#include "t/unit/unit.h"

#define NOW UINT64_C(1000000000000)
#define KEYS ((size_t)640)
/* So many keys fill every shard. */
#define FLOOD (unit_times_plain(40, 8) * KEYS)
#define TOO_MANY ((size_t)8 * LEDGER_REQUESTS_MAX)
/* The shards fill unevenly, and each may exceed its share by overflow keys. */
#define KEYS_MOST (KEYS + KEYS / 4 + 2 * LEDGER_SHARDS)

static const struct limit limit = { 4, 3600 };
static const struct ledger_origin flood = { 4, { 192, 0, 2 } }, other = { 4, { 198, 51, 100 } },
				  far = { 6, { 0x20, 0x01, 0x0d, 0xb8, 0, 1 } };
static struct ledger *ledger;

static void setup(void)
{
	ledger = ledger_new();
	ck_assert_ptr_nonnull(ledger);
	ledger_set_bounds(ledger, KEYS, 0);
}

static void teardown(void)
{
	ledger_free(&ledger);
}

static struct ledger_request request_of(const char *key, const struct ledger_origin *origin)
{
	struct ledger_request request = { .key = key,
		.key_len = strlen(key),
		.limits = &limit,
		.limit_count = 1,
		.amount = 1 };

	if (origin != NULL)
		request.origin = *origin;
	return request;
}

/* Charge a key; origin NULL: of a login. */
static enum ledger_answer charge(const char *key, const struct ledger_origin *origin)
{
	const struct ledger_request request = request_of(key, origin);
	struct ledger_usage usage;

	return ledger_charge(ledger, NOW, &request, 1, true, &usage);
}

static int copy_used(void *context, const struct ledger_view *view)
{
	*(uint64_t *)context = view->windows[0].used;
	return 0;
}

/* The count of a key; 0 if the ledger does not have it. */
static uint64_t used(const char *key)
{
	uint64_t amount = 0;

	(void)ledger_find(ledger, NOW, key, strlen(key), copy_used, &amount);
	return amount;
}

/* Charge that many new keys, and return how many charges were accepted. */
static unsigned make_flood(const char *table, unsigned count, const struct ledger_origin *origin)
{
	static unsigned serial;
	unsigned accepted = 0;
	char key[64];

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(key, sizeof(key), "%s:made%u@example.com", table, serial++);
		accepted += charge(key, origin) == LEDGER_FREE;
	}
	return accepted;
}

START_TEST(without_a_bound_every_key_is_kept)
	{
		ledger_set_bounds(ledger, 0, 0);
		ck_assert_uint_eq(make_flood("rate_rcpt", 2000, &flood), 2000);
		ck_assert_uint_eq(ledger_size(ledger).keys, 2000);
		ck_assert(!ledger_size(ledger).is_full);
		ck_assert_uint_eq(ledger_size(ledger).evicted, 0);
	}
END_TEST

/* Once a network has its share, all its new keys share one limit, and remove no others. */
START_TEST(a_flood_is_held_to_one_limit)
	{
		unsigned accepted;
		size_t evicted;

		(void)make_flood("rate_rcpt", 3 * KEYS, &flood);
		ck_assert(ledger_size(ledger).is_full);
		ck_assert_uint_le(ledger_size(ledger).keys, KEYS_MOST);
		ck_assert_uint_gt(used("rate_rcpt:overflow 192.0.2.0/24"), 0);
		(void)make_flood("rate_rcpt", FLOOD, &flood); /* fill the last shards */
		evicted = ledger_size(ledger).evicted;
		accepted = make_flood("rate_rcpt", FLOOD / 4, &flood);
		ck_assert_uint_eq(accepted, 0);
		ck_assert_uint_eq(ledger_size(ledger).evicted, evicted);
		ck_assert_uint_le(ledger_size(ledger).keys, KEYS_MOST);
		ck_assert_uint_ge(used("rate_rcpt:overflow 192.0.2.0/24"), limit.count);
	}
END_TEST

START_TEST(a_key_without_room_tells_with_whose_others_it_is_counted)
	{
		struct ledger_request request = { .key = "rate_rcpt:new@example.com",
			.key_len = 25,
			.limits = &limit,
			.limit_count = 1,
			.amount = 1,
			.origin = flood };
		struct ledger_usage usage;

		ck_assert_int_eq(ledger_look(ledger, NOW, &request, 1, &usage), LEDGER_FREE);
		ck_assert_str_eq(usage.shared, "");
		(void)make_flood("rate_rcpt", FLOOD, &flood);
		ck_assert_int_eq(ledger_look(ledger, NOW, &request, 1, &usage), LEDGER_FULL);
		ck_assert_str_eq(usage.shared, "192.0.2.0/24");
		ck_assert_int_eq(ledger_charge(ledger, NOW, &request, 1, false, &usage),
			LEDGER_FULL);
		ck_assert_str_eq(usage.shared, "192.0.2.0/24");
		request.origin = other;
		ck_assert_int_eq(ledger_look(ledger, NOW, &request, 1, &usage), LEDGER_FREE);
		ck_assert_str_eq(usage.shared, "");
	}
END_TEST

/* Other networks and other tables have their own limits. */
START_TEST(others_are_not_held_back_by_a_flood)
	{
		(void)make_flood("rate_rcpt", FLOOD, &flood);
		for (unsigned i = 0; i < limit.count; i++) {
			ck_assert_int_eq(charge("rate_rcpt:a@other.example", &other), LEDGER_FREE);
			ck_assert_int_eq(charge("rate_rcpt:b@far.example", &far), LEDGER_FREE);
			ck_assert_int_eq(charge("login:alice", NULL), LEDGER_FREE);
		}
		ck_assert_int_eq(charge("rate_rcpt:a@other.example", &other), LEDGER_FULL);
		ck_assert_int_eq(charge("login:alice", NULL), LEDGER_FULL);
		ck_assert_int_eq(charge("rate_rcpt_sender:c@example.com", &flood), LEDGER_FREE);
		ck_assert_int_eq(charge("rate_rcpt:d@example.com", &flood), LEDGER_FULL);
		ck_assert_uint_eq(used("rate_rcpt:overflow 198.51.100.0/24"), 0);
	}
END_TEST

/* Return how many of several new keys of each network are refused. */
static unsigned refused_of(unsigned networks, unsigned keys)
{
	unsigned refused = 0;

	for (unsigned net = 0; net < networks; net++) {
		const struct ledger_origin origin = { 4, { 10, 7, (uint8_t)net } };

		refused += keys - make_flood("rate_rcpt", keys, &origin);
	}
	return refused;
}

/* A flood from one network, below or above half of the limit, holds back no other network, whether
 * that has many keys already or none. */
START_TEST(a_flood_locks_out_no_other_network)
	{
		const unsigned times = (unsigned)_i + 1;
		const unsigned size = unit_times_plain(100, 5), others = 30 * size;

		ledger_set_bounds(ledger, size * KEYS, 0);
		ck_assert_uint_eq(make_flood("rate_rcpt", others, &other), others);
		for (unsigned i = 0; i < 2 * size * KEYS; i++) {
			char key[64];

			(void)snprintf(key, sizeof(key), "rate_rcpt:flood%u@example.com", i);
			for (unsigned k = 0; k < times; k++)
				(void)charge(key, &flood);
		}
		ck_assert_uint_ge(used("rate_rcpt:overflow 192.0.2.0/24"), limit.count);
		ck_assert_uint_eq(make_flood("rate_rcpt", 10 * size, &other), 10 * size);
		ck_assert_uint_eq(refused_of(50, size / 5), 0);
		ck_assert_uint_le(ledger_size(ledger).keys, size * KEYS_MOST);
	}
END_TEST

/* Charge each of some new keys of a network several times. */
static void flood_keys(unsigned keys, unsigned times, const struct ledger_origin *origin)
{
	static unsigned serial;
	char key[64];

	for (unsigned i = 0; i < keys; i++) {
		(void)snprintf(key, sizeof(key), "rate_rcpt:deep%u@example.com", serial++);
		for (unsigned k = 0; k < times; k++)
			(void)charge(key, origin);
	}
}

/* A flood from several networks, one after the other, below or above half of the limit, does not
 * hold back others with fewer keys than each of them. */
START_TEST(a_flood_from_many_networks_holds_back_only_these)
	{
		const unsigned size = unit_times_plain(100, 20), others = _i < 2 ? 10 * size : 60;

		ledger_set_bounds(ledger, size * KEYS, 0);
		ck_assert_uint_eq(make_flood("rate_rcpt", others, &other), others);
		for (unsigned net = 0; net < 20; net++) {
			const struct ledger_origin origin = { 4, { 11, 0, (uint8_t)net } };

			flood_keys((net == 0 ? 1 : size / 5) * (unsigned)KEYS, (unsigned)_i + 1,
				&origin);
		}
		ck_assert_uint_eq(make_flood("rate_rcpt", others / 2, &other), others / 2);
		ck_assert_uint_eq(refused_of(20, size / 5), 0);
	}
END_TEST

/* The network with a number in an IPv6 /32. */
static struct ledger_origin provider_network(unsigned number)
{
	return (struct ledger_origin){ 6,
		{ 0x2a, 0x00, 0x0d, 0xb8, (uint8_t)(number >> 8), (uint8_t)number } };
}

/* Charge new keys that many times each, in turn from that many networks of the /32. */
static void flood_from_provider(unsigned keys, unsigned networks, unsigned times)
{
	static const struct limit three = { 3, 3600 };
	struct ledger_usage usage;
	char key[64];

	for (unsigned i = 0; i < keys; i++) {
		const struct ledger_origin origin = provider_network(i % networks);
		struct ledger_request request;

		(void)snprintf(key, sizeof(key), "rate_rcpt:flood%u@example.com", i);
		request = request_of(key, &origin);
		request.limits = &three;
		for (unsigned k = 0; k < times; k++)
			(void)ledger_charge(ledger, NOW, &request, 1, true, &usage);
	}
}

/* A flood below or above half of the limit from a few or all networks of an IPv6 /32 holds back no
 * network elsewhere, whether that has more keys than each of them or not. */
START_TEST(a_flood_from_all_networks_of_a_provider_holds_back_no_other)
	{
		const unsigned times = (unsigned)_i % 2 + 1, networks = _i < 2 ? 40 : 65536;
		const unsigned size = unit_times_plain(60, 40);

		ledger_set_bounds(ledger, size * KEYS, 0);
		flood_from_provider(2 * size * (unsigned)KEYS, networks, times);
		ck_assert_uint_ge(used("rate_rcpt:overflow 2a00:db8::/32"), 3);
		ck_assert_uint_eq(used("rate_rcpt:overflow 2a00:db8:5::/48"), 0);
		ck_assert_uint_eq(refused_of(10, times == 1 ? size : size / 8), 0);
		ck_assert_uint_le(ledger_size(ledger).keys, size * KEYS_MOST);
		ck_assert(ledger_size(ledger).is_full);
	}
END_TEST

/* A flood from one network holds back no other one of its provider. */
START_TEST(a_flood_holds_back_no_other_network_of_its_provider)
	{
		const unsigned size = unit_times_plain(60, 10);
		unsigned refused = 0;

		ledger_set_bounds(ledger, size * KEYS, 0);
		flood_from_provider(2 * size * (unsigned)KEYS, 1, (unsigned)_i + 1);
		for (unsigned net = 1; net <= 20; net++) {
			const struct ledger_origin origin = provider_network(net);

			refused += size / 5 - make_flood("rate_rcpt", size / 5, &origin);
		}
		ck_assert_uint_eq(refused, 0);
		ck_assert_uint_ge(used("rate_rcpt:overflow 2a00:db8::/48"), 3);
		ck_assert_uint_eq(used("rate_rcpt:overflow 2a00:db8::/32"), 0);
	}
END_TEST

/* Charge a new key of each of many networks that many times. */
static void charge_networks(unsigned times)
{
	char key[64];

	for (unsigned i = 0; i < 4 * KEYS; i++) {
		const struct ledger_origin origin = { 4, { 11, (uint8_t)(i >> 8), (uint8_t)i } };

		(void)snprintf(key, sizeof(key), "rate_conn:%u", i);
		for (unsigned k = 0; k < times; k++)
			(void)charge(key, &origin);
	}
}

/* Charge two keys of many networks that many times each, in two tables. */
static void flood_from_botnet(unsigned networks, unsigned times)
{
	char key[64];

	for (unsigned i = 0; i < networks; i++) {
		const struct ledger_origin net = { 4,
			{ (uint8_t)(i % 200 + 1), (uint8_t)(i >> 8), (uint8_t)i } };

		for (unsigned k = 0; k < 2 * times; k++) {
			(void)snprintf(key, sizeof(key), "rate_rcpt:%u-%u@example.com", i, k % 2);
			(void)charge(key, &net);
			(void)snprintf(key, sizeof(key), "rate_conn:%u-%u", i, k % 2);
			(void)charge(key, &net);
		}
	}
}

/* A botnet with more networks than keys fit, below or above half of the limit, takes nothing from
 * others, apart from a few that share a trace. */
START_TEST(a_botnet_holds_back_no_other_network)
	{
		const unsigned times = (unsigned)_i + 1, newcomers = 100;
		unsigned accepted = 0, refused = 0;
		size_t evicted;
		char key[64];

		ledger_set_bounds(ledger, 2 * KEYS, 0);
		flood_from_botnet(unit_times_plain(8, 3) * (unsigned)KEYS, times);
		ck_assert_uint_gt(used("rate_rcpt:overflow all"), limit.count);
		evicted = ledger_size(ledger).evicted;
		for (unsigned i = 0; i < newcomers; i++) {
			const struct ledger_origin net = { 4, { 210, 51, (uint8_t)i } };

			(void)snprintf(key, sizeof(key), "rate_rcpt:new%u@example.com", i);
			for (unsigned k = 0; k < limit.count; k++) {
				const bool is_free = charge(key, &net) == LEDGER_FREE;

				accepted += is_free;
				refused += !is_free && k == 0;
			}
		}
		ck_assert_uint_le(refused, newcomers / 20);
		ck_assert_uint_ge(accepted, 17 * newcomers * limit.count / 20);
		if (times * 2 <= limit.count)
			ck_assert_uint_ge(ledger_size(ledger).evicted, evicted + newcomers / 2);
		ck_assert_uint_le(ledger_size(ledger).keys, 2 * KEYS_MOST);
	}
END_TEST

#define CYCLING 600

/* Charge new keys of many networks in cycles, so that their overflow keys are merged again and
 * again. Return the most charges of a network that these accept. */
static unsigned most_accepted_of_a_network(unsigned cycles)
{
	unsigned accepted[CYCLING] = { 0 }, most = 0;
	char key[64];

	for (unsigned i = 0; i < CYCLING * cycles; i++) {
		const unsigned n = i % CYCLING;
		const struct ledger_origin net = { 4, { 12, (uint8_t)(n >> 8), (uint8_t)n } };

		(void)snprintf(key, sizeof(key), "rate_rcpt:%u@example.com", i);
		accepted[n] += charge(key, &net) == LEDGER_FREE && used(key) == 0;
		most = accepted[n] > most ? accepted[n] : most;
	}
	return most;
}

/* Each network of a botnet is held to one limit, although there are more networks than overflow
 * keys fit. */
START_TEST(merged_overflow_keys_are_held_to_one_limit)
	{
		uint64_t evicted;

		charge_networks(3);
		evicted = ledger_size(ledger).evicted;
		ck_assert_uint_eq(most_accepted_of_a_network(12), limit.count);
		ck_assert_uint_ge(ledger_size(ledger).evicted, evicted + 4 * (uint64_t)CYCLING);
		ck_assert_uint_gt(used("rate_rcpt:overflow all"), 0);
		ck_assert_uint_le(ledger_size(ledger).keys, KEYS_MOST);
	}
END_TEST

#define REMOVED 60

static void removed_key(unsigned n, char key_r[64], struct ledger_origin *origin_r)
{
	(void)snprintf(key_r, 64, "rate_rcpt:removed%u@example.com", n);
	*origin_r = (struct ledger_origin){ 4, { 13, 0, (uint8_t)n } };
}

/* If a key is removed while there are too many overflow keys, and later counts in that of its
 * network, it does not start anew there. */
START_TEST(removed_counts_are_in_the_overflow_key_of_their_network)
	{
		struct ledger_origin origin;
		unsigned accepted, removed = 0;
		char key[64];

		for (unsigned n = 0; n < REMOVED; n++) {
			removed_key(n, key, &origin);
			for (unsigned i = 0; i < limit.count / 2; i++)
				ck_assert_int_eq(charge(key, &origin), LEDGER_FREE);
			(void)make_flood("rate_rcpt_sender", 2, &origin);
		}
		charge_networks(1);
		charge_networks(3);
		for (unsigned n = 0; n < REMOVED; n++) {
			removed_key(n, key, &origin);
			removed += used(key) == 0;
			accepted = 0;
			for (unsigned i = 0; i < limit.count; i++)
				accepted += charge(key, &origin) == LEDGER_FREE;
			ck_assert_uint_le(accepted, limit.count / 2);
		}
		ck_assert_uint_gt(removed, REMOVED / 2);
	}
END_TEST

/* Two new keys of one call that count in the same overflow key exceed no limit. */
START_TEST(keys_of_one_call_share_the_rest_of_their_overflow_key)
	{
		const struct ledger_request two[] = { request_of("rate_rcpt:a@a.example", &flood),
			request_of("rate_rcpt:b@b.example", &flood) };
		static const char overflow[] = "rate_rcpt:overflow 192.0.2.0/24";
		struct ledger_usage usage[2];

		(void)make_flood("rate_rcpt", FLOOD, &flood);
		ck_assert_int_eq(ledger_forget(ledger, NOW, overflow, strlen(overflow)), 1);
		for (unsigned i = 0; i + 1 < limit.count; i++)
			ck_assert_int_eq(charge("rate_rcpt:c@c.example", &flood), LEDGER_FREE);
		ck_assert_int_eq(ledger_look(ledger, NOW, two, 2, usage), LEDGER_FULL);
		ck_assert_int_eq(ledger_charge(ledger, NOW, two, 2, true, usage), LEDGER_FULL);
		ck_assert(!usage[0].is_full && usage[1].is_full);
		ck_assert_uint_eq(used(overflow), limit.count - 1);
		ck_assert_int_eq(ledger_charge(ledger, NOW, two, 1, true, usage), LEDGER_FREE);
	}
END_TEST

/* Keys above half of their limit, logins' keys and keys with open reservations stay. */
START_TEST(some_keys_are_never_removed)
	{
		static const char *const names[] = { "login:overflow bob", "login:overflow a",
			"login:overflow 192.0.2.0/24", "login:overflow b", "login:overflow c" };
		const struct ledger_request open = request_of("rate_rcpt:open@example.com", &other);
		struct ledger_hold *hold = NULL;
		struct ledger_usage usage;

		for (unsigned i = 0; i < 3; i++)
			ck_assert_int_eq(charge("rate_rcpt:half@example.com", &flood), LEDGER_FREE);
		ck_assert_int_eq(charge("login:bob", NULL), LEDGER_FREE);
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			ck_assert_int_eq(charge(names[i], NULL), LEDGER_FREE);
		ck_assert_int_eq(ledger_reserve(ledger, NOW, &hold, &open, 1, true, &usage),
			LEDGER_FREE);
		charge_networks(1);
		charge_networks(2);
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			ck_assert_uint_eq(used(names[i]), 1);
		for (uint8_t net = 0; net < 200; net++) {
			const struct ledger_origin origin = { 4, { 10, 0, net } };

			(void)make_flood("rate_rcpt", 20, &origin);
		}
		ck_assert_uint_le(ledger_size(ledger).keys, KEYS_MOST);
		ck_assert_uint_eq(used("rate_rcpt:half@example.com"), 3);
		ck_assert_uint_eq(used("login:bob"), 1);
		ck_assert_uint_eq(used("rate_rcpt:open@example.com"), 1);
		ledger_commit(ledger, NOW, &hold);
		ck_assert_uint_eq(used("rate_rcpt:open@example.com"), 1);
	}
END_TEST

/* If no key can be removed, new ones still count: in overflow keys, which are bounded, too. An
 * address may be "overflow", but not "overflow all". */
START_TEST(overflow_keys_are_bounded)
	{
		charge_networks(3);
		ck_assert_uint_le(ledger_size(ledger).keys, KEYS_MOST);
		ck_assert_uint_gt(used("rate_conn:overflow all"), 0);
		ck_assert_uint_eq(used("rate_conn:overflow"), 0);
	}
END_TEST

/* So are those of keys that were removed. */
START_TEST(overflow_keys_of_removed_keys_are_bounded)
	{
		charge_networks(1);
		ck_assert_uint_gt(ledger_size(ledger).evicted, 0);
		ck_assert_uint_gt(used("rate_conn:overflow all"), 0);
		ck_assert_uint_le(ledger_size(ledger).keys, KEYS_MOST);
	}
END_TEST

START_TEST(overflow_keys_are_bounded_by_bytes)
	{
		const size_t empty = ledger_size(ledger).bytes, most = 512 * LEDGER_SHARDS;

		ledger_set_bounds(ledger, 100 * KEYS, 4 * most);
		charge_networks(3);
		ck_assert_uint_gt(used("rate_conn:overflow all"), 0);
		ck_assert_uint_le(ledger_size(ledger).bytes - empty, 6 * most);
	}
END_TEST

/* Charge a key above half of its limit or, with is_reserved, reserve it and give the reservation
 * back. Returns whether a charge was accepted. */
static bool use_key(unsigned number, bool is_reserved)
{
	struct ledger_hold *hold = NULL;
	struct ledger_request request;
	struct ledger_usage usage;
	char key[64];

	(void)snprintf(key, sizeof(key), "rate_rcpt_sender:%u@example.com", number);
	request = request_of(key, &flood);
	request.attempts = 10;
	if (is_reserved) {
		(void)ledger_reserve(ledger, NOW, &hold, &request, 1, true, &usage);
		ledger_give_back(ledger, NOW, &hold);
		return false;
	}
	request.amount = limit.count / 2 + 1;
	return ledger_charge(ledger, NOW, &request, 1, true, &usage) == LEDGER_FREE;
}

/* A network that has its share takes no room from others by letting its keys grow. */
START_TEST(attempts_take_no_room_from_others)
	{
		const size_t empty = ledger_size(ledger).bytes, most = 16384 * LEDGER_SHARDS;
		unsigned keys = 0;

		ledger_set_bounds(ledger, 0, most);
		while (use_key(keys, false))
			keys++;
		for (unsigned i = 0; i < keys; i++)
			(void)use_key(i, true);
		ck_assert_uint_eq(refused_of(50, 10), 0);
		ck_assert_uint_le(ledger_size(ledger).bytes - empty, 2 * most);
	}
END_TEST

#define SMALL_KEYS 9000
#define LARGE_KEYS 600
#define RUNS 40

/* Charge a key of the network of that number. */
static void charge_net(unsigned net, unsigned serial, const struct limit *limits, size_t count)
{
	struct ledger_request request = { .limits = limits, .limit_count = count, .amount = 1 };
	struct ledger_usage usage;
	char key[64];

	(void)snprintf(key, sizeof(key), "rate_%zu:%u-%u@example.com", count, net, serial);
	request.key = key;
	request.key_len = strlen(key);
	request.origin = (struct ledger_origin){ 4, { 14, (uint8_t)(net >> 8), (uint8_t)net } };
	(void)ledger_charge(ledger, NOW + serial * UINT64_C(1000000), &request, 1, true, &usage);
}

/* So are large ones among small keys. */
START_TEST(large_overflow_keys_are_bounded_by_bytes)
	{
		const size_t empty = ledger_size(ledger).bytes, most = 16384 * LEDGER_SHARDS;
		const unsigned runs = unit_times_plain(RUNS, RUNS / 4);
		const struct limit once = { 1, 3600 },
				   large[] = { { RUNS, 900 }, { RUNS, 1800 }, { RUNS, 3600 } };

		ledger_set_bounds(ledger, 0, most);
		for (unsigned i = 0; i < SMALL_KEYS; i++)
			charge_net(i, 0, &once, 1);
		for (unsigned i = 0; i < LARGE_KEYS * runs; i++) {
			charge_net(i % LARGE_KEYS, i / LARGE_KEYS, large, 3);
			if (i % 2000 == 0)
				ledger_sweep(ledger, NOW + i / LARGE_KEYS * UINT64_C(1000000));
		}
		ck_assert_uint_gt(used("rate_3:overflow all"), 0);
		ck_assert_uint_le(ledger_size(ledger).bytes - empty, most + most / 4);
	}
END_TEST

/* Looking changes nothing, and shows what a charge would meet. */
START_TEST(looking_removes_nothing)
	{
		const struct ledger_request a = request_of("rate_rcpt:new@example.com", &other),
					    b = request_of("rate_rcpt:new@example.com", &flood);
		struct ledger_usage usage;
		struct ledger_size before, after;

		(void)make_flood("rate_rcpt", FLOOD, &flood);
		before = ledger_size(ledger);
		ck_assert_int_eq(ledger_look(ledger, NOW, &a, 1, &usage), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 0);
		ck_assert_int_eq(ledger_look(ledger, NOW, &b, 1, &usage), LEDGER_FULL);
		after = ledger_size(ledger);
		ck_assert_uint_eq(before.keys, after.keys);
		ck_assert_uint_eq(before.evicted, after.evicted);
	}
END_TEST

/* A lower bound takes effect in the next sweeps; bytes are bounded as keys are. */
START_TEST(a_lower_bound_takes_effect)
	{
		const size_t empty = ledger_size(ledger).bytes;

		ledger_set_bounds(ledger, 0, 0);
		(void)make_flood("rate_rcpt", 2000, &flood);
		(void)make_flood("rate_rcpt", 2000, &other);
		ledger_set_bounds(ledger, 0, (ledger_size(ledger).bytes - empty) / 4);
		ck_assert(ledger_size(ledger).is_full);
		for (int i = 0; i < 3 * LEDGER_SHARDS; i++)
			ledger_sweep(ledger, NOW);
		ck_assert_uint_lt(ledger_size(ledger).keys, 2000);
		ck_assert_uint_gt(ledger_size(ledger).keys, 200);
	}
END_TEST

/* Idle keys make room before others are removed. */
START_TEST(idle_keys_are_removed_first)
	{
		struct ledger_request request = request_of("rate_rcpt:later@example.com", &other);
		struct ledger_usage usage;

		(void)make_flood("rate_rcpt", FLOOD, &flood);
		for (unsigned i = 0; i < 100; i++) {
			char key[64];

			(void)snprintf(key, sizeof(key), "rate_rcpt:later%u@example.com", i);
			request.key = key;
			request.key_len = strlen(key);
			ck_assert_int_eq(ledger_charge(ledger, NOW + UINT64_C(7200000000), &request,
						 1, true, &usage),
				LEDGER_FREE);
		}
	}
END_TEST

/* ---- keys that come back --------------------------------------------------------------- */

/* Remove all keys that may be removed, then leave room for others. */
static void remove_keys(void)
{
	ledger_set_bounds(ledger, 0, 1);
	for (int i = 0; i < 4; i++)
		ledger_sweep(ledger, NOW);
	ledger_set_bounds(ledger, 0, 0);
}

/* Whoever has keys removed again and again does not get their limit each time. */
START_TEST(a_removed_key_does_not_start_anew)
	{
		static const char key[] = "rate_rcpt:victim@example.com";
		unsigned accepted = 0;

		for (int cycle = 0; cycle < 20; cycle++) {
			for (unsigned i = 0; i < limit.count / 2; i++)
				accepted += charge(key, &flood) == LEDGER_FREE;
			remove_keys();
		}
		ck_assert_uint_gt(ledger_size(ledger).evicted, 0);
		ck_assert_uint_le(accepted, 2 * limit.count);
		/* Other networks, and other tables, are not concerned. */
		ck_assert_int_eq(charge("rate_rcpt:other@example.com", &other), LEDGER_FREE);
		ck_assert_uint_eq(used("rate_rcpt:other@example.com"), 1);
		ck_assert_int_eq(charge("rate_rcpt_sender:a@example.com", &flood), LEDGER_FREE);
		ck_assert_uint_eq(used("rate_rcpt_sender:a@example.com"), 1);
		/* New keys of the network are not locked out. */
		ck_assert_int_eq(charge("rate_rcpt:new@example.com", &flood), LEDGER_FREE);
		ck_assert_int_eq(charge("rate_rcpt:new@example.com", &flood), LEDGER_FREE);
	}
END_TEST

static bool try_recipient(const char *key)
{
	struct ledger_request request = request_of(key, &flood);
	struct ledger_hold *hold = NULL;
	struct ledger_usage usage;
	bool accepted;

	request.attempts = 10;
	accepted = ledger_reserve(ledger, NOW, &hold, &request, 1, true, &usage) == LEDGER_FREE;
	ledger_give_back(ledger, NOW, &hold);
	return accepted;
}

/* Nor are attempts forgotten, while there is no room and afterwards. */
START_TEST(the_attempts_of_a_removed_key_remain)
	{
		static const char key[] = "rate_rcpt_host:192.0.2.7";
		unsigned accepted = 0;

		for (int cycle = 0; cycle < 20; cycle++) {
			for (unsigned i = 0; i < 5 * limit.count; i++)
				accepted += try_recipient(key);
			remove_keys();
		}
		ck_assert_uint_gt(ledger_size(ledger).evicted, 0);
		ck_assert_uint_ge(accepted, 10 * limit.count);
		ck_assert_uint_le(accepted, 2 * 10 * limit.count);
	}
END_TEST

/* Nor are the reservations that a key without room has in its overflow key, which may be sent. */
START_TEST(what_is_reserved_without_room_remains)
	{
		const struct ledger_request request =
			request_of("rate_rcpt:late@example.com", &flood);
		struct ledger_hold *hold = NULL;
		struct ledger_usage usage;
		unsigned reserved = 0, accepted = 0;

		(void)make_flood("rate_rcpt", FLOOD, &flood);
		ck_assert_int_eq(ledger_forget(ledger, NOW, "rate_rcpt:overflow 192.0.2.0/24",
					 strlen("rate_rcpt:overflow 192.0.2.0/24")),
			1);
		for (unsigned i = 0; i < limit.count; i++)
			reserved += ledger_reserve(ledger, NOW, &hold, &request, 1, true, &usage) ==
				LEDGER_FREE;
		ck_assert_uint_eq(reserved, limit.count);
		ck_assert_uint_eq(used("rate_rcpt:overflow 192.0.2.0/24"), limit.count);
		ledger_set_bounds(ledger, 0, 0);
		for (unsigned i = 0; i < limit.count; i++)
			accepted += charge("rate_rcpt:late@example.com", &flood) == LEDGER_FREE;
		ledger_commit(ledger, NOW, &hold);
		ck_assert_uint_eq(accepted, limit.count / 2);
	}
END_TEST

/* While there is no room, the probes of a network count in its overflow key. */
START_TEST(probes_that_find_no_room_have_one_bound)
	{
		unsigned accepted = 0;
		char key[64];

		ck_assert(try_recipient("rate_rcpt:first@example.com"));
		(void)make_flood("rate_rcpt", FLOOD, &flood);
		for (unsigned i = 0; i < 20 * limit.count; i++) {
			(void)snprintf(key, sizeof(key), "rate_rcpt_sender:%u@example.com", i);
			accepted += try_recipient(key);
		}
		ck_assert_uint_le(accepted, 10 * limit.count);
	}
END_TEST

/* ---- the model ----------------------------------------------------------------------- */

static uint64_t state = 88172645463325252ULL;

static unsigned roll(unsigned sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % sides;
}

#define MODEL_KEYS 4000
#define MODEL_NETWORKS 16

/*
 * Random charges of random keys from random networks, compared with plain counts of the accepted
 * charges. No key exceeds its limit by more than half of it (an evicted key starts anew, but only
 * below half); a key that passed half is counted exactly; logins are counted exactly; the ledger
 * keeps to its bound, and it never refuses a key whose network and itself have room.
 */
START_TEST(agrees_with_a_model)
	{
		static unsigned counts[MODEL_KEYS], logins[8];
		char key[64];

		memset(counts, 0, sizeof(counts));
		memset(logins, 0, sizeof(logins));
		for (unsigned n = 0; n < unit_times_plain(40000, 4000); n++) {
			const unsigned which = roll(MODEL_KEYS);
			const struct ledger_origin origin = { 4, { 10, 1, (uint8_t)(which % 16) } };
			const unsigned login = roll(8);
			enum ledger_answer answer;
			uint64_t before;

			(void)snprintf(key, sizeof(key), "rate_rcpt:%u@example.com", which);
			before = used(key);
			answer = charge(key, &origin);
			counts[which] += answer == LEDGER_FREE;
			if (before > 0)
				ck_assert_int_eq(answer,
					before < limit.count ? LEDGER_FREE : LEDGER_FULL);
			if (before > limit.count / 2)
				ck_assert_uint_eq(used(key),
					before + (answer == LEDGER_FREE ? 1 : 0));
			if (n % 16 != 0)
				continue;
			(void)snprintf(key, sizeof(key), "login:%u", login);
			answer = charge(key, NULL);
			ck_assert_int_eq(answer,
				logins[login] < limit.count ? LEDGER_FREE : LEDGER_FULL);
			logins[login] += answer == LEDGER_FREE;
			ck_assert_uint_eq(used(key), logins[login]);
			ck_assert_uint_le(ledger_size(ledger).keys, KEYS_MOST);
		}
		ck_assert_uint_gt(ledger_size(ledger).evicted, 0);
	}
END_TEST

START_TEST(too_many_keys_at_once_are_refused_when_full_too)
	{
		struct ledger_request many[TOO_MANY];
		struct ledger_usage usage[TOO_MANY];
		char keys[TOO_MANY][32];
		size_t evicted;

		(void)make_flood("rate_rcpt", 10 * KEYS, &flood);
		evicted = ledger_size(ledger).evicted;
		for (size_t i = 0; i < TOO_MANY; i++) {
			(void)snprintf(keys[i], sizeof(keys[i]), "rate_rcpt:many%zu", i);
			many[i] = request_of(keys[i], &flood);
		}
		ck_assert_int_eq(ledger_charge(ledger, NOW, many, TOO_MANY, true, usage),
			LEDGER_FAILED);
		ck_assert_uint_eq(ledger_size(ledger).evicted, evicted);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_bound");
	TCase *tcase = tcase_create("ledger_bound");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_a_bound_every_key_is_kept);
	tcase_add_test(tcase, a_flood_is_held_to_one_limit);
	tcase_add_test(tcase, a_key_without_room_tells_with_whose_others_it_is_counted);
	tcase_add_test(tcase, others_are_not_held_back_by_a_flood);
	tcase_add_loop_test(tcase, a_flood_locks_out_no_other_network, 0,
		(int)unit_times_plain(3, 1));
	tcase_add_loop_test(tcase, a_flood_from_many_networks_holds_back_only_these, 0,
		(int)unit_times_plain(3, 1));
	tcase_add_loop_test(tcase, a_flood_from_all_networks_of_a_provider_holds_back_no_other, 0,
		(int)unit_times_plain(4, 1));
	tcase_add_loop_test(tcase, a_flood_holds_back_no_other_network_of_its_provider, 0, 2);
	tcase_add_loop_test(tcase, a_botnet_holds_back_no_other_network, 0,
		(int)unit_times_plain(4, 1));
	tcase_add_test(tcase, merged_overflow_keys_are_held_to_one_limit);
	tcase_add_test(tcase, removed_counts_are_in_the_overflow_key_of_their_network);
	tcase_add_test(tcase, keys_of_one_call_share_the_rest_of_their_overflow_key);
	tcase_add_test(tcase, some_keys_are_never_removed);
	tcase_add_test(tcase, overflow_keys_are_bounded);
	tcase_add_test(tcase, overflow_keys_of_removed_keys_are_bounded);
	tcase_add_test(tcase, overflow_keys_are_bounded_by_bytes);
	tcase_add_test(tcase, attempts_take_no_room_from_others);
	tcase_add_test(tcase, large_overflow_keys_are_bounded_by_bytes);
	tcase_add_test(tcase, looking_removes_nothing);
	tcase_add_test(tcase, a_lower_bound_takes_effect);
	tcase_add_test(tcase, idle_keys_are_removed_first);
	tcase_add_test(tcase, a_removed_key_does_not_start_anew);
	tcase_add_test(tcase, the_attempts_of_a_removed_key_remain);
	tcase_add_test(tcase, what_is_reserved_without_room_remains);
	tcase_add_test(tcase, probes_that_find_no_room_have_one_bound);
	tcase_add_test(tcase, agrees_with_a_model);
	tcase_add_test(tcase, too_many_keys_at_once_are_refused_when_full_too);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
