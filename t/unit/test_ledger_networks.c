/*
 * Shows that a bounded ledger tells networks apart: a flood from many of them holds back no other
 * one.
 */
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger.h"
#include "t/unit/unit.h"

#define NOW UINT64_C(1000000000000)
#define FLOODING unit_times_or(2000, 200) /* networks */
#define KEYS_EACH 12u			  /* for which there is room */

static const struct limit limit = { 4, 3600 };
static struct ledger *ledger;

static void setup(void)
{
	ledger = ledger_new();
	ck_assert_ptr_nonnull(ledger);
	ledger_set_bounds(ledger, (size_t)FLOODING * KEYS_EACH, 0);
}

static void teardown(void)
{
	ledger_free(&ledger);
}

/* Charge new keys of a network, and return how many of the charges are refused. */
static unsigned make_keys(struct ledger_origin origin, unsigned count)
{
	struct ledger_request request = { .limits = &limit,
		.limit_count = 1,
		.amount = 1,
		.origin = origin };
	static unsigned serial;
	struct ledger_usage usage;
	unsigned refused = 0;
	char key[64];

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(key, sizeof(key), "rate_rcpt:made%u@example.com", serial++);
		request.key = key;
		request.key_len = strlen(key);
		refused += ledger_charge(ledger, NOW, &request, 1, true, &usage) != LEDGER_FREE;
	}
	return refused;
}

static struct ledger_origin network(uint8_t first, unsigned number)
{
	return (struct ledger_origin){ 4, { first, (uint8_t)(number >> 8), (uint8_t)number } };
}

/* A flood from many networks is mistaken for one from others only if these share both of their
 * places with networks of the flood. */
START_TEST(networks_are_told_apart)
	{
		unsigned held_back = 0;

		for (unsigned turn = 0; turn < 3; turn++) {
			for (unsigned net = 0; net < FLOODING; net++)
				(void)make_keys(network(11, net), KEYS_EACH);
		}
		ck_assert(ledger_size(ledger).is_full);
		for (unsigned net = 0; net < FLOODING / 10; net++)
			held_back += make_keys(network(12, net), KEYS_EACH - 1) > 0;
		ck_assert_uint_le(held_back, 2);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_networks");
	TCase *tcase = tcase_create("ledger_networks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, networks_are_told_apart);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
