/*
 * Shows that a flood of keys, which takes all bytes of the ledger, does not refuse clients that
 * stay well below their limits, although their counters can take no more memory.
 */
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)
#define CLIENTS 32U
#define NETWORKS 40U
#define BYTES ((size_t)384 << 10)
#define HOURS 6

static const struct limit limits[] = { { 10, 3600 }, { 150, 86400 } };
static struct ledger *ledger;
static uint64_t now;

static struct ledger_request request_of(const char *key, const struct ledger_origin *origin,
	uint32_t amount)
{
	return (struct ledger_request){ .key = key,
		.key_len = strlen(key),
		.limits = limits,
		.limit_count = 2,
		.amount = amount,
		.attempts = 10,
		.origin = *origin };
}

/* Use more than half of the limit of a long made-up key, so that it is not removed. */
static void flood(void)
{
	static unsigned serial;
	const struct ledger_origin origin = { 4, { 10, 0, (uint8_t)(serial % NETWORKS) } };
	struct ledger_request request;
	struct ledger_usage usage;
	char key[160];

	(void)snprintf(key, sizeof(key), "rate_rcpt:%0130u@made.example", serial++);
	request = request_of(key, &origin, 6);
	(void)ledger_charge(ledger, now, &request, 1, true, &usage);
}

/* Charge a client, which is the only one of its network. */
static enum ledger_answer charge(unsigned client)
{
	const struct ledger_origin origin = { 4, { 192, 0, (uint8_t)client } };
	struct ledger_request request;
	struct ledger_usage usage;
	char key[60];

	(void)snprintf(key, sizeof(key), "rate_rcpt:192.0.%u.7", client);
	request = request_of(key, &origin, 1);
	return ledger_charge(ledger, now, &request, 1, true, &usage);
}

START_TEST(a_flood_by_bytes_refuses_no_client_below_its_limit)
	{
		ledger = ledger_new();
		ck_assert_ptr_nonnull(ledger);
		ledger_set_bounds(ledger, 0, BYTES);
		now = 1000 * SECOND;
		/* Each client uses 6 of 10 in an hour. Half of them come after the flood has begun.
		 */
		for (unsigned turn = 0; turn < 6 * HOURS; turn++, now += 600 * SECOND) {
			for (unsigned i = 0; i < CLIENTS / (turn < 4 ? 2 : 1); i++)
				ck_assert_int_eq(charge(i), LEDGER_FREE);
			for (unsigned i = 0; i < 200 && turn > 0; i++)
				flood();
			for (unsigned i = 0; i < LEDGER_SHARDS; i++)
				ledger_sweep(ledger, now);
		}
		ck_assert(ledger_size(ledger).is_full);
		ledger_free(&ledger);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_entry");
	TCase *tcase = tcase_create("ledger_entry");

	tcase_add_test(tcase, a_flood_by_bytes_refuses_no_client_below_its_limit);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
