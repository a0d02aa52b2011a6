/*
 * Shows what struct shared hands to sessions: the settings in force, the ledger with its clock, the
 * suspensions, and that settings may be replaced while other threads read them.
 */
#include "milter/shared/shared.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "lib/rules/ledger.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct snapshot *snapshot;
static struct settings *settings;
static struct shared *shared;

static void setup(void)
{
	snapshot = snapshot_new();
	settings = settings_new();
	shared = shared_new(snapshot, settings, true);
	ck_assert_ptr_nonnull(shared);
}

static void teardown(void)
{
	shared_free(&shared);
	ck_assert_ptr_null(shared);
	shared_free(&shared);
	ck_assert_uint_eq(settings->refs, 1);
	settings_unref(&settings);
	snapshot_free(&snapshot);
}

static void ck_settings(const struct settings *want)
{
	struct settings *got = shared_settings(shared);

	ck_assert_ptr_eq(got, want);
	settings_unref(&got);
}

START_TEST(starts_without_a_ledger_or_suspensions)
	{
		struct shared *other = shared_new(snapshot, settings, false);

		ck_assert_ptr_eq(shared_snapshot(shared), snapshot);
		ck_assert_ptr_nonnull(shared_scratches(shared));
		ck_assert_ptr_nonnull(shared_open_clients(shared));
		ck_assert(shared_is_inet(shared));
		ck_assert(!shared_is_inet(other));
		ck_assert_ptr_null(shared_ledger(shared));
		ck_assert_uint_eq(shared_now(shared), 0);
		ck_assert_uint_eq(suspensions_count(shared_suspensions(shared)), 0);
		ck_assert_ptr_ne(shared_suspensions(shared), shared_suspensions(other));
		shared_free(&other);
	}
END_TEST

START_TEST(without_a_policy_the_settings_are_those_of_the_configuration)
	{
		struct settings *next = settings_new();

		ck_settings(settings);
		ck_assert_uint_eq(settings->refs, 2); /* the test's and that of shared */
		shared_set_settings(shared, next);
		ck_settings(next);
		ck_assert_uint_eq(settings->refs, 1);
		ck_assert_uint_eq(next->refs, 2);
		shared_set_settings(shared, next);
		ck_assert_uint_eq(next->refs, 2);
		shared_set_settings(shared, settings);
		ck_assert_uint_eq(next->refs, 1);
		settings_unref(&next);
	}
END_TEST

START_TEST(the_settings_of_a_policy_take_precedence)
	{
		struct settings *next = settings_new(), *held;
		struct made made;

		made_begin(&made);
		made_build(&made);
		snapshot_publish(snapshot, policy_ref(made.policy));
		ck_settings(policy_parts(made.policy)->settings);
		shared_set_settings(shared, next);
		ck_settings(policy_parts(made.policy)->settings);
		held = shared_settings(shared);
		made_end(&made);
		snapshot_free(&snapshot); /* it held the last reference to the policy */
		ck_assert_uint_eq(held->refs, 1);
		ck_assert_uint_eq(held->service_count, 1);
		settings_unref(&held);
		settings_unref(&next);
	}
END_TEST

static uint64_t read_clock(const void *context)
{
	return *(const uint64_t *)context;
}

START_TEST(returns_the_ledger_and_the_time_of_its_clock)
	{
		struct ledger *ledger = ledger_new();
		const struct ledger_ops ops = ledger_ops(ledger);
		uint64_t now = 12345;

		shared_set_ledger(shared, &ops, read_clock, &now);
		ck_assert_ptr_eq(shared_ledger(shared), &ops);
		ck_assert_uint_eq(shared_now(shared), 12345);
		now++;
		ck_assert_uint_eq(shared_now(shared), 12346);
		ledger_free(&ledger);
	}
END_TEST

struct suspended {
	char login[32];
	int answer;
};

static int suspend_login(void *context, const char *login, struct errmsg *err)
{
	struct suspended *suspended = context;

	(void)strncpy(suspended->login, login, sizeof(suspended->login) - 1);
	return suspended->answer < 0 ? errmsg_set(err, "the disk is full") : 0;
}

START_TEST(suspending_calls_the_function_that_was_set)
	{
		struct suspended suspended = { .answer = 0 };
		struct errmsg err = { "" };

		ck_assert_int_eq(shared_suspend(shared, "bob", &err), -1);
		ck_assert_str_ne(err.text, "");
		ck_assert_int_eq(shared_suspend(shared, "bob", NULL), -1);
		err.text[0] = '\0';
		shared_on_suspend(shared, suspend_login, &suspended);
		ck_assert_int_eq(shared_suspend(shared, "bob", &err), 0);
		ck_assert_str_eq(suspended.login, "bob");
		ck_assert_str_eq(err.text, "");
		suspended.answer = -1;
		ck_assert_int_eq(shared_suspend(shared, "eve", &err), -1);
		ck_assert_str_eq(suspended.login, "eve");
		ck_assert_str_eq(err.text, "the disk is full");
	}
END_TEST

#define READERS 4

static atomic_bool ended;
static atomic_ulong reads;

static void *read_until_ended(void *unused)
{
	struct settings *got;

	while (!atomic_load(&ended)) {
		got = shared_settings(shared);
		if (got->service_count != 1)
			abort();
		settings_unref(&got);
		atomic_fetch_add(&reads, 1);
	}
	return unused;
}

/* The sanitizers and valgrind report settings that are freed while a reader takes a reference. */
START_TEST(settings_are_replaced_while_threads_read_them)
	{
		pthread_t threads[READERS];
		struct settings *next;

		atomic_store(&ended, false);
		atomic_store(&reads, 0);
		for (int i = 0; i < READERS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, read_until_ended, NULL),
				0);
		for (int i = 0; i < 500 || atomic_load(&reads) == 0; i++) {
			next = settings_new();
			shared_set_settings(shared, next);
			settings_unref(&next);
		}
		atomic_store(&ended, true);
		for (int i = 0; i < READERS; i++)
			(void)pthread_join(threads[i], NULL);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("shared");
	TCase *tcase = tcase_create("shared");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, starts_without_a_ledger_or_suspensions);
	tcase_add_test(tcase, without_a_policy_the_settings_are_those_of_the_configuration);
	tcase_add_test(tcase, the_settings_of_a_policy_take_precedence);
	tcase_add_test(tcase, returns_the_ledger_and_the_time_of_its_clock);
	tcase_add_test(tcase, suspending_calls_the_function_that_was_set);
	tcase_add_test(tcase, settings_are_replaced_while_threads_read_them);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
