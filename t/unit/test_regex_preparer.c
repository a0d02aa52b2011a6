/*
 * Shows that regexes are prepared beside the policy in force,
 * and that nothing waits for them.
 */
#include "milter/cache/regex_preparer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "milter/loop/clock.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

#define LINES "a.*\nb.*\nc.*\nd.*\n"
#define MORE_LINES LINES "e.*"
#define LATER_LINES "# more\n" LINES
#define COSTLY 24 /* regexes in a list */
#define CHEAP 12

static struct made m;

static void setup(void)
{
	made_begin(&m);
}

static void teardown(void)
{
	made_end(&m);
}

/* Make a policy with a list and a profile that take a moment to prepare. */
static void make_policy(void)
{
	static const struct made_profile row = { "1", "sales",
		.rcpt_re = "(a{1,9}b){1,9}$,c{0,99}d$,e{0,99}f$,g{0,99}h$" };

	ck_assert_int_eq(made_profile(&m, &row), 1);
	made_list(&m, LIST_RCPT_DENY_RE, LINES);
	made_build(&m);
}

static size_t count_unprepared(const struct policy *policy)
{
	size_t count = 0;

	free(policy_unprepared(policy, &count));
	return count;
}

/* Wait until the regexes of the policy are prepared, while they match. */
static void await_prepared(const struct policy *policy)
{
	const struct timespec pause = { 0, 1000000 };
	uint32_t line;

	while (count_unprepared(policy) > 0) {
		line = 0;
		ck_assert_int_eq(list_match(policy_parts(policy)->lists[LIST_RCPT_DENY_RE],
					 m.scratch, "cx", 2, &line),
			LIST_YES);
		ck_assert_uint_eq(line, 3);
		(void)nanosleep(&pause, NULL);
	}
}

START_TEST(prepares_each_policy)
	{
		struct regex_preparer *preparer = regex_preparer_new();
		struct policy_parts parts;
		struct policy *next;

		make_policy();
		ck_assert_uint_eq(count_unprepared(m.policy), 2);
		ck_assert_int_eq(regex_preparer_due(preparer), CLOCK_NEVER);
		regex_preparer_want(preparer, m.policy);
		ck_assert_int_eq(regex_preparer_due(preparer), 0);
		ck_assert(!regex_preparer_attend(preparer, 0));
		ck_assert_int_eq(regex_preparer_due(preparer), CLOCK_NEVER);
		ck_assert_str_eq(regex_preparer_error(preparer), "");
		await_prepared(m.policy);
		parts = *policy_parts(m.policy);
		parts.lists[LIST_RCPT_ALLOW_RE] =
			list_build(LIST_RCPT_ALLOW_RE, "x.*", 3, NULL, NULL);
		next = policy_new(&parts);
		list_unref(&parts.lists[LIST_RCPT_ALLOW_RE]);
		ck_assert_uint_eq(count_unprepared(next), 1);
		regex_preparer_want(preparer, next);
		ck_assert_int_eq(regex_preparer_due(preparer), CLOCK_NEVER);
		await_prepared(next);
		policy_unref(&next);
		regex_preparer_free(&preparer, 20000);
		ck_assert_ptr_null(preparer);
	}
END_TEST

/* Make the policy that follows when a list file is read again. */
static struct policy *reread(const struct policy *policy, const char *text)
{
	struct policy_parts parts = *policy_parts(policy);
	struct policy *next;

	parts.lists[LIST_RCPT_DENY_RE] =
		list_rebuild(parts.lists[LIST_RCPT_DENY_RE], LIST_RCPT_DENY_RE,
			&(const struct list_text){ text, strlen(text), NULL }, NULL, NULL);
	ck_assert_ptr_nonnull(parts.lists[LIST_RCPT_DENY_RE]);
	next = policy_new(&parts);
	list_unref(&parts.lists[LIST_RCPT_DENY_RE]);
	return next;
}

/* The thread works on regexes that the next version of the list shares. */
START_TEST(prepares_a_list_that_is_read_again)
	{
		static const char *const texts[] = { LINES, MORE_LINES, LATER_LINES };
		struct regex_preparer *preparer = regex_preparer_new();
		struct policy *policy, *next;
		uint32_t line;

		make_policy();
		policy = policy_ref(m.policy);
		for (size_t i = 0; i < unit_times(30); i++) {
			next = reread(policy, texts[i % 3]);
			policy_unref(&policy);
			policy = next;
			regex_preparer_want(preparer, policy);
			(void)regex_preparer_attend(preparer, 0);
			ck_assert_int_eq(list_match(policy_parts(policy)->lists[LIST_RCPT_DENY_RE],
						 m.scratch, "ax", 2, &line),
				LIST_YES);
			ck_assert_uint_eq(line, i % 3 == 2 ? 2 : 1);
		}
		next = reread(policy, LINES);
		regex_preparer_want(preparer, next);
		policy_unref(&policy);
		await_prepared(next);
		policy_unref(&next);
		regex_preparer_free(&preparer, 20000);
	}
END_TEST

/* Write a list of regexes that no other list has. */
static size_t write_regexes(char *text_r, size_t size, unsigned first, unsigned count)
{
	size_t len = 0;

	for (unsigned i = first; i < first + count; i++)
		len += (size_t)snprintf(text_r + len, size - len, "x%u(a|b)*y.*\n", i);
	return len;
}

/* Make the policy that follows when another list changes, which is cheaper to prepare than the
 * first, but takes longer to prepare than to read. */
static struct policy *change_cheap_list(const struct policy *policy, unsigned first)
{
	struct policy_parts parts = *policy_parts(policy);
	struct policy *next;
	char text[4096];
	const size_t len = write_regexes(text, sizeof(text), first, CHEAP);

	parts.lists[LIST_RCPT_ALLOW_RE] = list_build(LIST_RCPT_ALLOW_RE, text, len, NULL, NULL);
	ck_assert_ptr_nonnull(parts.lists[LIST_RCPT_ALLOW_RE]);
	next = policy_new(&parts);
	list_unref(&parts.lists[LIST_RCPT_ALLOW_RE]);
	return next;
}

/* Each new policy ends the work on the one before. */
START_TEST(lists_that_change_all_the_time_do_not_delay_the_others_for_ever)
	{
		struct regex_preparer *preparer = regex_preparer_new();
		struct regexlist *list;
		struct policy *policy, *next;
		char text[8192];

		(void)write_regexes(text, sizeof(text), 0, COSTLY);
		made_list(&m, LIST_RCPT_DENY_RE, text);
		made_build(&m);
		policy = policy_ref(m.policy);
		list = list_regexes(policy_parts(policy)->lists[LIST_RCPT_DENY_RE]);
		for (unsigned i = COSTLY; !regexlist_is_prepared(list); i += CHEAP) {
			next = change_cheap_list(policy, i);
			policy_unref(&policy);
			policy = next;
			regex_preparer_want(preparer, policy);
			(void)regex_preparer_attend(preparer, 0);
		}
		policy_unref(&policy);
		regex_preparer_free(&preparer, 20000);
	}
END_TEST

/* The thread can be ended at any time, also before it has begun. */
START_TEST(ends_at_any_time)
	{
		struct regex_preparer *preparer = regex_preparer_new();

		regex_preparer_free(&preparer, 0);
		regex_preparer_free(&preparer, 0);
		preparer = regex_preparer_new();
		make_policy();
		regex_preparer_want(preparer, m.policy);
		regex_preparer_free(&preparer, 0);
		preparer = regex_preparer_new();
		regex_preparer_want(preparer, m.policy);
		ck_assert(!regex_preparer_attend(preparer, 0));
		regex_preparer_want(preparer, m.policy);
		regex_preparer_free(&preparer, 20000);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_preparer");
	TCase *tcase = tcase_create("regex_preparer");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, prepares_each_policy);
	tcase_add_test(tcase, prepares_a_list_that_is_read_again);
	tcase_add_test(tcase, lists_that_change_all_the_time_do_not_delay_the_others_for_ever);
	tcase_add_test(tcase, ends_at_any_time);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
