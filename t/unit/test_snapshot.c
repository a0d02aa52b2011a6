/*
 * Shows that readers get the policy in force, keep the one that they got, and never touch a freed
 * one while another thread publishes.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "milter/shared/snapshot.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

#define READERS 4
#define PUBLICATIONS 200

/* Make another policy from the same parts. */
static struct policy *next_policy(const struct policy *policy)
{
	struct policy *next = policy_new(policy_parts(policy));

	ck_assert_ptr_nonnull(next);
	return next;
}

START_TEST(a_new_snapshot_has_no_policy)
	{
		struct snapshot *snapshot = snapshot_new();

		ck_assert_ptr_null(snapshot_get(snapshot));
		snapshot_free(&snapshot);
		ck_assert_ptr_null(snapshot);
		snapshot_free(&snapshot);
	}
END_TEST

START_TEST(a_reader_keeps_the_policy_that_it_got)
	{
		struct snapshot *snapshot = snapshot_new();
		struct policy *held, *now;
		struct made made;
		uint64_t serial;

		made_begin(&made);
		made_build(&made);
		snapshot_publish(snapshot, next_policy(made.policy));
		held = snapshot_get(snapshot);
		serial = policy_serial(held);
		snapshot_publish(snapshot, next_policy(made.policy));
		now = snapshot_get(snapshot);
		ck_assert_uint_eq(policy_serial(held), serial);
		ck_assert_uint_gt(policy_serial(now), serial);
		policy_unref(&held);
		policy_unref(&now);
		snapshot_free(&snapshot);
		made_end(&made);
	}
END_TEST

struct readers {
	struct snapshot *snapshot;
	atomic_bool ended;
	atomic_ulong reads;
};

static void *read_until_ended(void *argument)
{
	struct readers *readers = argument;
	struct policy *policy;
	uint64_t last = 0, serial;

	while (!atomic_load(&readers->ended)) {
		if ((policy = snapshot_get(readers->snapshot)) == NULL)
			continue;
		serial = policy_serial(policy);
		if (serial < last || policy_parts(policy)->settings->service_count != 1)
			abort();
		last = serial;
		policy_unref(&policy);
		atomic_fetch_add(&readers->reads, 1);
	}
	return NULL;
}

/* The sanitizers and valgrind report a reference that is taken after the last one was released. */
START_TEST(policies_are_replaced_while_threads_read_them)
	{
		struct readers readers = { .snapshot = snapshot_new() };
		pthread_t threads[READERS];
		struct made made;

		made_begin(&made);
		made_build(&made);
		for (int i = 0; i < READERS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, read_until_ended,
						 &readers),
				0);
		for (int i = 0; i < PUBLICATIONS; i++) {
			snapshot_publish(readers.snapshot, next_policy(made.policy));
			(void)nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		}
		while (atomic_load(&readers.reads) == 0)
			(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		atomic_store(&readers.ended, true);
		for (int i = 0; i < READERS; i++)
			(void)pthread_join(threads[i], NULL);
		snapshot_free(&readers.snapshot);
		made_end(&made);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("snapshot");
	TCase *tcase = tcase_create("snapshot");

	tcase_add_test(tcase, a_new_snapshot_has_no_policy);
	tcase_add_test(tcase, a_reader_keeps_the_policy_that_it_got);
	tcase_add_test(tcase, policies_are_replaced_while_threads_read_them);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
