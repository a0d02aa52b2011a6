/*
 * Shows how overflow keys are named, which of them count for a key, and with how much of their
 * counts a new key begins.
 */
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger_private.h"
#include "t/unit/unit.h"

#define NOW UINT64_C(1000000000000)

static const struct ledger_origin v4 = { 4, { 192, 0, 2 } },
				  v6 = { 6, { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x07 } }, login = { 0 },
				  unknown = { LEDGER_ORIGIN_UNKNOWN, { 0 } };

static const struct {
	const char *key;
	const struct ledger_origin *origin;
	enum overflow_scope scope;
	const char *want;
	bool is_network; /* and not that of all networks */
} names[] = {
	{ "rate_rcpt:a@b.example", &v4, OVERFLOW_NETWORK, "rate_rcpt:overflow 192.0.2.0/24", true },
	{ "rate_rcpt:a@b.example", &v6, OVERFLOW_NETWORK, "rate_rcpt:overflow 2001:db8:7::/48",
		true },
	{ "rate_rcpt:a@b.example", &v6, OVERFLOW_PROVIDER, "rate_rcpt:overflow 2001:db8::/32",
		true },
	{ "rate_rcpt:a@b.example", &v4, OVERFLOW_ALL, "rate_rcpt:overflow all", false },
	{ "rate_rcpt:a@b.example", &unknown, OVERFLOW_NETWORK, "rate_rcpt:overflow unknown", true },
	/* The table ends at the first colon. */
	{ "rate_conn:2001:db8::1", &v6, OVERFLOW_NETWORK, "rate_conn:overflow 2001:db8:7::/48",
		true },
	{ "rate_rcpt:overflow 192.0.2.0/24", &v4, OVERFLOW_ALL, "rate_rcpt:overflow all", false },
};
START_TEST(an_overflow_key_has_the_table_and_the_network)
	{
		char key[OVERFLOW_KEY_SIZE];

		ledger_overflow_key(names[_i].key, strlen(names[_i].key), names[_i].origin,
			names[_i].scope, key);
		ck_assert_str_eq(key, names[_i].want);
		ck_assert(ledger_key_is_overflow(key, strlen(key)));
		ck_assert_int_eq(ledger_is_network_overflow(key, strlen(key)),
			names[_i].is_network);
	}
END_TEST

START_TEST(the_longest_key_has_an_overflow_key)
	{
		char key[LEDGER_KEY_MAX], overflow[OVERFLOW_KEY_SIZE];

		memset(key, 'a', sizeof(key));
		ledger_overflow_key(key, sizeof(key), &v6, OVERFLOW_NETWORK, overflow);
		ck_assert_str_eq(overflow, LEDGER_OVERFLOW " 2001:db8:7::/48");
		key[29] = ':'; /* a table of 30 characters */
		ledger_overflow_key(key, sizeof(key), &v6, OVERFLOW_NETWORK, overflow);
		ck_assert_int_eq(strncmp(overflow, key, 30), 0);
		ck_assert_str_eq(overflow + 30, LEDGER_OVERFLOW " 2001:db8:7::/48");
	}
END_TEST

static const struct {
	const char *key;
	const struct ledger_origin *origin;
	const char *want[OVERFLOW_SCOPES + 1];
} ancestors[] = {
	{ "t:a", &v4, { "t:overflow 192.0.2.0/24", "t:overflow all", NULL } },
	{ "t:a", &v6,
		{ "t:overflow 2001:db8:7::/48", "t:overflow 2001:db8::/32", "t:overflow all",
			NULL } },
	{ "t:a", &unknown, { "t:overflow unknown", "t:overflow all", NULL } },
	/* What overflow keys left is in that of all networks. */
	{ "t:overflow 192.0.2.0/24", &login, { "t:overflow all", NULL } },
};
START_TEST(a_key_has_the_overflow_keys_of_its_network_and_of_all)
	{
		struct ledger *ledger = ledger_new();
		struct ledger_overflows found;
		size_t count = 0;

		ck_assert_ptr_nonnull(ledger);
		ledger_overflows_init(ledger, ancestors[_i].key, strlen(ancestors[_i].key),
			ancestors[_i].origin, &found);
		for (; ancestors[_i].want[count] != NULL; count++) {
			const char *key = ancestors[_i].want[count];

			ck_assert_uint_lt(count, found.count);
			ck_assert_str_eq(found.keys[count], key);
			ck_assert_uint_eq(found.hash[count], ledger_hash(key, strlen(key)));
			ck_assert_ptr_eq(found.shard[count],
				ledger_shard_of(ledger, found.hash[count]));
		}
		ck_assert_uint_eq(found.count, count);
		ledger_free(&ledger);
	}
END_TEST

/* A key begins with its own past, as far as its overflow keys still count it. */
static const struct {
	uint32_t charged; /* of the network's overflow key */
	uint32_t past;	  /* of the key */
	uint32_t limit;
	uint64_t want;
} inheritances[] = {
	{ 10, 3, 100, 3 }, { 2, 3, 100, 2 }, /* the overflow key counts less by now */
	{ 10, 0, 100, 0 },		     /* a new key, and none that returns */
	{ 90, 90, 100, 50 },		     /* none above half of a limit was removed */
	{ 10, LEDGER_PAST_UNKNOWN, 100, 10 }, { 90, LEDGER_PAST_UNKNOWN, 100, 50 },
	{ 90, LEDGER_PAST_UNKNOWN | 60, 100, 50 }, { 0, 3, 100, 0 }, /* no overflow key */
};
START_TEST(a_new_key_begins_with_its_part_of_the_overflow_keys)
	{
		const struct limit limit = { inheritances[_i].limit, 3600 };
		const struct ledger_past past = { inheritances[_i].past, 0 };
		struct ledger *ledger = ledger_new();
		struct ledger_overflows overflows;
		struct ledger_shard *shard;
		struct ledger_entry *entry;
		const struct counter *counter;

		ck_assert_ptr_nonnull(ledger);
		ledger_overflows_init(ledger, "t:a", 3, &v4, &overflows);
		if (inheritances[_i].charged > 0) {
			const struct ledger_request request = { .key = overflows.keys[0],
				.key_len = strlen(overflows.keys[0]),
				.limits = &limit,
				.limit_count = 1,
				.amount = inheritances[_i].charged };
			struct ledger_usage usage;

			ck_assert_int_eq(ledger_charge(ledger, NOW, &request, 1, true, &usage),
				LEDGER_FREE);
		}
		shard = ledger_shard_of(ledger, ledger_hash("t:a", 3));
		entry = shard_add(shard, ledger_hash("t:a", 3), "t:a", 3, &v4, 1);
		ck_assert_ptr_nonnull(entry);
		ck_assert_int_eq(entry_inherit(shard, entry, &overflows, past, &limit, 1, NOW + 1),
			0);
		counter = entry_best(entry, limit.seconds);
		ck_assert_uint_eq(counter == NULL ? 0 :
						    counter_used(counter, limit.seconds, NOW + 1),
			inheritances[_i].want);
		ledger_free(&ledger);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_overflow");
	TCase *tcase = tcase_create("ledger_overflow");

	tcase_add_loop_test(tcase, an_overflow_key_has_the_table_and_the_network, 0, ROWS(names));
	tcase_add_test(tcase, the_longest_key_has_an_overflow_key);
	tcase_add_loop_test(tcase, a_key_has_the_overflow_keys_of_its_network_and_of_all, 0,
		ROWS(ancestors));
	tcase_add_loop_test(tcase, a_new_key_begins_with_its_part_of_the_overflow_keys, 0,
		ROWS(inheritances));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
