/*
 * Shows that a message keeps the policy that was in force at its MAIL, until that was replaced many
 * times, so that open messages do not keep any number of policies in memory.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "milter/shared/snapshot.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

#define PINS 5000 /* more in each list than are renewed at once */

static struct made made;
static struct snapshot *snapshot;

static void setup(void)
{
	made_begin(&made);
	made_build(&made);
	snapshot = snapshot_new();
	ck_assert_ptr_nonnull(snapshot);
}

static void teardown(void)
{
	snapshot_free(&snapshot);
	made_end(&made);
}

/* Put a number of further policies in force. */
static void publish(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		snapshot_publish(snapshot, policy_new(policy_parts(made.policy)));
}

static uint64_t serial_of(struct policy_pin *pin)
{
	struct policy *policy = policy_pin_get(pin);
	const uint64_t serial = policy == NULL ? 0 : policy_serial(policy);

	policy_unref(&policy);
	return serial;
}

START_TEST(without_a_policy_nothing_is_pinned)
	{
		struct policy_pin pin = { .list = NULL };

		snapshot_pin(snapshot, &pin);
		publish(1);
		ck_assert_ptr_null(policy_pin_get(&pin));
		policy_unpin(&pin);
	}
END_TEST

START_TEST(a_pinned_policy_stays_until_it_was_replaced_many_times)
	{
		struct policy_pin pin = { .list = NULL };
		uint64_t serial;

		publish(1);
		snapshot_pin(snapshot, &pin);
		serial = serial_of(&pin);
		publish(POLICY_PINS_KEPT);
		ck_assert_uint_eq(serial_of(&pin), serial);
		publish(1);
		ck_assert_uint_eq(serial_of(&pin), serial + POLICY_PINS_KEPT + 1);
		policy_unpin(&pin);
		policy_unpin(&pin);
	}
END_TEST

/* Every third one is unpinned before the rest is renewed. */
START_TEST(all_old_policies_are_renewed)
	{
		static struct policy_pin pins[PINS];
		uint64_t newest;

		publish(1);
		for (int i = 0; i < PINS; i++)
			snapshot_pin(snapshot, &pins[i]);
		for (int i = 0; i < PINS; i += 3)
			policy_unpin(&pins[i]);
		publish(POLICY_PINS_KEPT + 1);
		newest = serial_of(&pins[1]);
		for (int i = 0; i < PINS; i++) {
			ck_assert_uint_eq(serial_of(&pins[i]), i % 3 == 0 ? 0 : newest);
			policy_unpin(&pins[i]);
		}
	}
END_TEST

static atomic_bool ended;

static void *pin_until_ended(void *unused)
{
	struct policy_pin pin = { .list = NULL };
	uint64_t last = 0, serial;

	(void)unused;
	while (!atomic_load(&ended)) {
		snapshot_pin(snapshot, &pin);
		for (int i = 0; i < 3; i++) {
			serial = serial_of(&pin);
			if (serial < last)
				abort();
			last = serial;
		}
		policy_unpin(&pin);
	}
	return NULL;
}

/* The sanitizers and valgrind report a policy that is used after it was freed. */
START_TEST(policies_are_renewed_while_messages_use_them)
	{
		struct policy_pin pin = { .list = NULL };
		pthread_t threads[2];

		publish(1);
		snapshot_pin(snapshot, &pin);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, pin_until_ended, NULL),
				0);
		publish(10 * POLICY_PINS_KEPT);
		atomic_store(&ended, true);
		for (int i = 0; i < 2; i++)
			(void)pthread_join(threads[i], NULL);
		policy_unpin(&pin);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("policy_pins");
	TCase *tcase = tcase_create("policy_pins");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_a_policy_nothing_is_pinned);
	tcase_add_test(tcase, a_pinned_policy_stays_until_it_was_replaced_many_times);
	tcase_add_test(tcase, all_old_policies_are_renewed);
	tcase_add_test(tcase, policies_are_renewed_while_messages_use_them);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
