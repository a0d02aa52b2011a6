/*
 * Shows that policies share the parts that stay, live as long as somebody uses them, and find users
 * by their logins.
 */
#include "lib/rules/policy.h"

#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
}

static void teardown(void)
{
	made_end(&m);
}

START_TEST(a_missing_part_is_empty)
	{
		struct policy_parts parts = { .settings = m.settings, .psl = m.psl };
		struct policy *policy = policy_new(&parts);
		struct user user;
		int i;

		ck_assert_ptr_nonnull(policy);
		for (i = 0; i < LIST_COUNT; i++)
			ck_assert_uint_eq(list_entries(policy_parts(policy)->lists[i]), 0);
		ck_assert_uint_eq(profiles_count(policy_parts(policy)->profiles), 0);
		ck_assert_uint_eq(users_count(policy_parts(policy)->users), 0);
		ck_assert(!policy_find_user(policy, "bob", &user));
		ck_assert(!policy_find_user(policy, "", &user));
		policy_unref(&policy);
		ck_assert_ptr_null(policy);
		policy_unref(&policy);
	}
END_TEST

/* The lists that are not prepared are in the order of their cost. */
START_TEST(cheap_regexes_are_prepared_first)
	{
		static const struct made_profile rows[] = {
			{ "1", "costly", .rcpt_re = "((((a{1,9}|b|c){1,20}z){1,20}){1,5})x1$" },
			{ "2", "cheap", .rcpt_re = "a$" },
			{ "3", "none", .rcpt = "a@b.example" },
		};
		struct regexlist **lists;
		size_t count = 0;

		for (size_t i = 0; i < 3; i++)
			ck_assert_int_eq(made_profile(&m, &rows[i]), 1);
		made_list(&m, LIST_RCPT_DENY_RE, "[ab]{9}c\n[ab]{9}d");
		made_build(&m);
		lists = policy_unprepared(m.policy, &count);
		ck_assert_uint_eq(count, 3);
		ck_assert_ptr_eq(lists[0], profile_rcpt_re(profiles_at(m.parts.profiles, 1)));
		ck_assert_ptr_eq(lists[1], list_regexes(m.parts.lists[LIST_RCPT_DENY_RE]));
		ck_assert_ptr_eq(lists[2], profile_rcpt_re(profiles_at(m.parts.profiles, 0)));
		while (regexlist_prepare(lists[0]))
			;
		free(lists);
		lists = policy_unprepared(m.policy, &count);
		ck_assert_uint_eq(count, 2);
		free(lists);
	}
END_TEST

START_TEST(the_next_policy_shares_the_parts_that_stay)
	{
		static const struct made_user row = { .id = "1", .name = "bob" };
		struct policy_parts parts;
		struct policy *next;
		struct user user;

		ck_assert_int_eq(made_user(&m, &row), 1);
		made_list(&m, LIST_DOMAINS, "example.com");
		made_build(&m);
		parts = *policy_parts(m.policy);
		parts.lists[LIST_MAIL_DENY] =
			list_build(LIST_MAIL_DENY, "a@b.example", 11, NULL, NULL);
		next = policy_new(&parts);
		list_unref(&parts.lists[LIST_MAIL_DENY]);
		ck_assert_ptr_eq(policy_parts(next)->users, policy_parts(m.policy)->users);
		ck_assert_ptr_eq(policy_parts(next)->profiles, policy_parts(m.policy)->profiles);
		ck_assert_ptr_eq(policy_parts(next)->settings, policy_parts(m.policy)->settings);
		ck_assert_ptr_eq(policy_parts(next)->lists[LIST_DOMAINS],
			policy_parts(m.policy)->lists[LIST_DOMAINS]);
		ck_assert_uint_eq(list_entries(policy_parts(m.policy)->lists[LIST_MAIL_DENY]), 0);
		ck_assert_uint_eq(list_entries(policy_parts(next)->lists[LIST_MAIL_DENY]), 1);
		ck_assert_uint_gt(policy_serial(next), policy_serial(m.policy));
		made_end(&m); /* everything of the first policy that is not shared */
		ck_assert(policy_find_user(next, "bob", &user));
		ck_assert_uint_eq(list_entries(policy_parts(next)->lists[LIST_DOMAINS]), 1);
		policy_unref(&next);
	}
END_TEST

START_TEST(a_policy_lives_until_its_last_reference_goes)
	{
		struct policy *other;
		struct user user;

		made_build(&m);
		other = policy_ref(m.policy);
		policy_unref(&m.policy);
		ck_assert(!policy_find_user(other, "bob", &user));
		policy_unref(&other);
		ck_assert_ptr_null(policy_ref(NULL));
	}
END_TEST

static const struct {
	const char *login, *want; /* the row's name; NULL: none */
} logins[] = {
	{ "bob", "bob" },
	{ "BOB", "bob" },
	{ "bob@example.com", "bob" },
	{ "Bob@Example.Com", "bob" },
	{ "bob@example.org", NULL },
	{ "bob@", NULL },
	{ "bob@example.com@example.com", NULL },
	{ "alice", "Alice" },
	{ "alice@example.com", "alice@example.com" }, /* the long form is preferred */
	{ "carol@example.com", "Carol@example.com" },
	{ "carol", NULL },
	{ "@example.com", NULL },
	{ "", NULL },
	{ "dave@host@example.com", "dave@host" },
};
START_TEST(a_login_is_found)
	{
		static const struct made_user rows[] = { { .id = "1", .name = "bob" },
			{ .id = "2", .name = "Alice" }, { .id = "3", .name = "alice@example.com" },
			{ .id = "4", .name = "Carol@example.com" },
			{ .id = "5", .name = "dave@host" } };
		struct user user;
		size_t i;

		m.settings->default_domain = "example.com";
		for (i = 0; i < 5; i++)
			ck_assert_int_eq(made_user(&m, &rows[i]), 1);
		made_build(&m);
		ck_assert_int_eq(policy_find_user(m.policy, logins[_i].login, &user),
			logins[_i].want != NULL);
		if (logins[_i].want != NULL)
			ck_assert_str_eq(user.name, logins[_i].want);
	}
END_TEST

START_TEST(without_default_domain_there_is_no_short_form)
	{
		static const struct made_user row = { .id = "1", .name = "bob" };
		struct user user;

		ck_assert_int_eq(made_user(&m, &row), 1);
		made_build(&m);
		ck_assert(policy_find_user(m.policy, "bob", &user));
		ck_assert(!policy_find_user(m.policy, "bob@", &user));
		ck_assert(!policy_find_user(m.policy, "bob@example.com", &user));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_missing_part_is_empty);
	tcase_add_test(tcase, cheap_regexes_are_prepared_first);
	tcase_add_test(tcase, the_next_policy_shares_the_parts_that_stay);
	tcase_add_test(tcase, a_policy_lives_until_its_last_reference_goes);
	tcase_add_loop_test(tcase, a_login_is_found, 0, sizeof(logins) / sizeof(logins[0]));
	tcase_add_test(tcase, without_default_domain_there_is_no_short_form);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
