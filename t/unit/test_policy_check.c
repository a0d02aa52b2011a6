/*
 * Shows that parts of a policy that do not fit together, such as missing profiles and lists that no
 * section applies, are reported.
 */
#include "lib/rules/policy_check.h"

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

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Profiles and logins to which only the settings refer; "" for no problem. */
static const struct {
	enum unknown_user unknown;
	const char *unknown_profile, *token_login, *token_profile;
	bool lists_only;
	const char *want;
} named[] = {
	{ UNKNOWN_REJECT, "", "", "token", false, "" },
	{ UNKNOWN_PROFILE, "sales", "token", "sales", false, "" },
	{ UNKNOWN_PROFILE, "gone", "", "token", false,
		"[profile] unknown_user: there is no profile 'gone': "
		"users without one may send to nobody" },
	{ UNKNOWN_ACCEPT, "", "token", "gone", false,
		"[jwt] profile: there is no profile 'gone': "
		"logins by token may send to nobody" },
	{ UNKNOWN_PROFILE, "gone", "token", "gone", true, "" },
	{ UNKNOWN_REJECT, "", "BOB", "sales", false,
		"users id 7 (bob): its name is that of [jwt] login, "
		"whose password is a token: rename one of them" },
	{ UNKNOWN_REJECT, "", "API", "sales", false,
		"users id 8 (api:bob) and 1 more: a login that begins with [jwt] login and a colon is "
		"that of a token, so that the row is never used; rename the user, or set another "
		"[jwt] login" },
	{ UNKNOWN_REJECT, "", "x", "sales", false,
		"users id 10 (x:al): a login that begins with [jwt] login and a colon is that of a "
		"token, so that the row is never used; rename the user, or set another [jwt] login" },
	{ UNKNOWN_REJECT, "", "ap", "sales", false, "" },
	{ UNKNOWN_REJECT, "", "", "sales", false, "" },
};
START_TEST(profiles_and_logins_that_the_settings_name_are_looked_for)
	{
		static const struct made_profile row = { .id = "1", .name = "sales", .open = "t" };
		static const struct made_user user = { .id = "7", .name = "bob" };
		static const struct made_user others[] = { { .id = "9", .name = "Api:Carol" },
			{ .id = "8", .name = "api:bob" }, { .id = "10", .name = "x:al" },
			{ .id = "11",
				.name = "api"
					"x:al" } };
		struct problems *problems = problems_new();

		m.settings->unknown_user = named[_i].unknown;
		m.settings->unknown_profile = named[_i].unknown_profile;
		m.settings->token_login = named[_i].token_login;
		m.settings->token_profile = named[_i].token_profile;
		m.parts.lists_only = named[_i].lists_only;
		ck_assert_int_eq(made_profile(&m, &row), 1);
		ck_assert_int_eq(made_user(&m, &user), 1);
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			ck_assert_int_eq(made_user(&m, &others[i]), 1);
		made_build(&m);
		policy_check_names(policy_parts(m.policy), problems);
		ck_assert_uint_eq(problems_count(problems), named[_i].want[0] != '\0');
		if (named[_i].want[0] != '\0')
			ck_assert_str_eq(problems_text(problems, 0), named[_i].want);
		problems_free(&problems);
	}
END_TEST

START_TEST(regexes_without_machine_code_are_noted)
	{
		struct problems *problems = problems_new();

		policy_check_regexes(problems);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			regexlist_has_machine_code() ? 0 : 1);
		problems_free(&problems);
	}
END_TEST

/* Rules that are not applied to an address without a domain, or to all of them, if no domain is
 * known. */
static const struct {
	enum list_id id;
	const char *text, *local_domains;
	enum check_mode mode;
	const char *want;
} unapplied[] = {
	{ LIST_RCPT_DENY_RE, ".*@corp\\.example", "", MODE_YES, "rcpt_to.access.blacklist_regex" },
	{ LIST_DOMAINS, "x@y.example\ncorp.example", "", MODE_WARN, "access.domains:2" },
	{ LIST_DOMAINS, "corp.example", "corp.example\0", MODE_YES, NULL },
	{ LIST_DOMAINS, "x@corp.example\n!corp.example", "", MODE_YES, NULL },
	{ LIST_DOMAINS, "corp.example", "", MODE_NO, NULL },
	{ LIST_MAIL_DENY_RE, ".*@corp\\.example", "", MODE_YES,
		"mail_from.access.blacklist_regex: not" },
	{ LIST_RCPT_DENY, "x@y.example\n@corp.example", "", MODE_YES,
		"rcpt_to.access.blacklist:2: refuses all recipients without" },
	{ LIST_MAIL_DENY, ".corp.example", "", MODE_WARN,
		"mail_from.access.blacklist:1: refuses all senders without" },
	{ LIST_MAIL_DENY, ".corp.example", "", MODE_NO, NULL },
	{ LIST_RCPT_DENY, "x@corp.example", "", MODE_YES, NULL },
	{ LIST_RCPT_DENY, "@corp.example", "corp.example\0", MODE_YES, NULL },
	{ LIST_RCPT_ALLOW, "@corp.example", "", MODE_YES, NULL },
	{ LIST_RCPT_ALLOW_RE, ".*@corp\\.example", "", MODE_YES, NULL },
};
START_TEST(rules_that_need_local_domains_are_noted)
	{
		struct problems *problems = problems_new();
		struct service service = { .name = NULL };

		service.mode[CHECK_MAIL] = service.mode[CHECK_RCPT] = service.mode[CHECK_ANY] =
			unapplied[_i].mode;
		m.settings->services = &service;
		m.settings->service_count = 1;
		m.settings->local_domains = unapplied[_i].local_domains;
		made_list(&m, unapplied[_i].id, unapplied[_i].text);
		made_build(&m);
		policy_check_local_domains(policy_parts(m.policy), problems);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			unapplied[_i].want != NULL);
		if (unapplied[_i].want != NULL)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				unapplied[_i].want));
		problems_free(&problems);
	}
END_TEST

/* Whether a list of one entry is noted, because no section applies it. */
static const struct {
	enum list_id id;
	const char *text;
	enum check check;
	enum check_mode mode[2]; /* of [check] and of [check NAME] */
	const char *want;
} unused[] = {
	{ LIST_HELO_DENY_RE, "bad.*", CHECK_HELO, { MODE_NO, MODE_NO },
		"helo.checks.regexps: not applied, because [check] helo is no" },
	{ LIST_HELO_DENY_RE, "bad.*", CHECK_HELO, { MODE_NO, MODE_WARN }, NULL },
	{ LIST_HELO_DENY_RE, "bad.*", CHECK_HELO, { MODE_YES, MODE_NO }, NULL },
	{ LIST_HELO_DENY_RE, "# none", CHECK_HELO, { MODE_NO, MODE_NO }, NULL },
	{ LIST_MAIL_DENY, "a@b.example", CHECK_MAIL, { MODE_NO, MODE_NO },
		"mail_from.access.blacklist: not applied, because [check] mail is no" },
	{ LIST_RCPT_ALLOW_RE, "a@b", CHECK_RCPT, { MODE_NO, MODE_NO },
		"rcpt_to.access.whitelist_regex: not applied, because [check] rcpt is no" },
	{ LIST_CONN_ALLOW, "192.0.2.1", CHECK_CONN, { MODE_NO, MODE_NO },
		"connect.rdns_access.whitelist: not applied, because [check] conn is no" },
	{ LIST_DOMAINS, "b.example", CHECK_ANY, { MODE_NO, MODE_NO },
		"access.domains: not applied, because [check] any is no" },
	{ LIST_DOMAINS, "b.example", CHECK_DATA, { MODE_YES, MODE_NO }, NULL },
};
START_TEST(lists_that_no_section_applies_are_noted)
	{
		struct problems *problems = problems_new();
		struct service services[2] = { { .name = NULL }, { .name = "submission" } };

		services[0].mode[unused[_i].check] = unused[_i].mode[0];
		services[1].mode[unused[_i].check] = unused[_i].mode[1];
		m.settings->services = services;
		m.settings->service_count = 2;
		made_list(&m, unused[_i].id, unused[_i].text);
		made_build(&m);
		policy_check_unused_lists(policy_parts(m.policy), problems);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			unused[_i].want != NULL);
		if (unused[_i].want != NULL)
			ck_assert_str_eq(problems_level_text(problems, PROBLEM_NOTE, 0),
				unused[_i].want);
		problems_free(&problems);
	}
END_TEST

START_TEST(a_refusal_of_all_routes_that_no_section_applies_is_noted)
	{
		for (int i = 0; i < 4; i++) {
			struct problems *problems = problems_new();
			struct service service = { .name = NULL };

			service.mode[CHECK_RCPT] = i & 1 ? MODE_YES : MODE_NO;
			service.mode[CHECK_ANY] = i & 2 ? MODE_WARN : MODE_NO;
			m.settings->services = &service;
			m.settings->service_count = 1;
			m.settings->routed_recipients = ROUTED_REFUSE_ALL;
			policy_check_unused_lists(&(struct policy_parts){ .settings = m.settings },
				problems);
			ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), i == 0);
			problems_free(&problems);
		}
	}
END_TEST

/* The valid recipients that strict needs. */
static const struct {
	enum rcpt_accept accept;
	enum check_mode rcpt;
	enum list_id id;
	const char *text;
	bool is_reported;
} valid[] = {
	{ ACCEPT_STRICT, MODE_YES, LIST_RCPT_ALLOW, "# none yet", true },
	{ ACCEPT_STRICT, MODE_YES, LIST_RCPT_ALLOW, "a.example", true },
	{ ACCEPT_STRICT, MODE_YES, LIST_RCPT_DENY, "a@a.example", true },
	{ ACCEPT_STRICT, MODE_WARN, LIST_RCPT_ALLOW, "", true },
	{ ACCEPT_STRICT, MODE_YES, LIST_RCPT_ALLOW, "@a.example", false },
	{ ACCEPT_STRICT, MODE_YES, LIST_RCPT_ALLOW_RE, ".*@a.example", false },
	{ ACCEPT_STRICT, MODE_NO, LIST_RCPT_ALLOW, "", false },
	{ ACCEPT_YES, MODE_YES, LIST_RCPT_ALLOW, "", false },
};
START_TEST(strict_without_a_valid_recipient_is_reported)
	{
		struct problems *problems = problems_new();
		struct service service = { .name = NULL };

		service.mode[CHECK_RCPT] = valid[_i].rcpt;
		m.settings->services = &service;
		m.settings->service_count = 1;
		m.settings->rcpt_accept = valid[_i].accept;
		made_list(&m, valid[_i].id, valid[_i].text);
		made_build(&m);
		policy_check_unused_lists(policy_parts(m.policy), problems);
		ck_assert_uint_eq(problems_count(problems), valid[_i].is_reported);
		if (valid[_i].is_reported)
			ck_assert_ptr_nonnull(strstr(problems_text(problems, 0),
				"[rcpt] accept = strict: rcpt_to.access.whitelist and "));
		problems_free(&problems);
	}
END_TEST

/* Users of whom one has no address of his own, and whether that is noted. */
static const struct {
	const char *name, *froms, *enabled, *default_domain;
	enum check_mode mode;
	bool is_noted;
} senders[] = {
	{ "bob", NULL, NULL, "", MODE_YES, true },
	{ "bob", "", NULL, "", MODE_WARN, true },
	{ "bob", NULL, NULL, "corp.example", MODE_YES, false },
	{ "bob", "bob@corp.example", NULL, "", MODE_YES, false },
	{ "bob@corp.example", NULL, NULL, "", MODE_YES, false },
	{ "bob", NULL, "false", "", MODE_YES, false },
	{ "bob", NULL, NULL, "", MODE_NO, false },
};
START_TEST(users_without_an_address_are_noted)
	{
		struct problems *problems = problems_new();
		struct service service = { .name = NULL };

		service.mode[CHECK_SENDER] = senders[_i].mode;
		m.settings->services = &service;
		m.settings->service_count = 1;
		m.settings->default_domain = senders[_i].default_domain;
		(void)made_user(&m,
			&(struct made_user){ .id = "1", .name = "al", .froms = "al@corp.example" });
		(void)made_user(&m,
			&(struct made_user){ .id = "2",
				.name = senders[_i].name,
				.froms = senders[_i].froms,
				.enabled = senders[_i].enabled });
		made_build(&m);
		policy_check_senders(policy_parts(m.policy), problems);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			senders[_i].is_noted);
		if (senders[_i].is_noted)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				"[profile] default_domain is empty, so that 1 user without froms"));
		problems_free(&problems);
	}
END_TEST

/* Whether a rate is noted, because addresses without a domain have counts of their own. */
static const struct {
	enum rate rate;
	const char *local_domains;
	enum check_mode mode;
	bool is_noted;
} counted_apart[] = {
	{ RATE_RCPT, "", MODE_YES, true },
	{ RATE_RCPT_SENDER, "", MODE_WARN, true },
	{ RATE_RCPT_NULL, "", MODE_YES, true },
	{ RATE_RCPT_HOST, "", MODE_YES, false },
	{ RATE_RCPT, "corp.example\0", MODE_YES, false },
	{ RATE_RCPT, "", MODE_NO, false },
};
START_TEST(rates_that_need_local_domains_are_noted)
	{
		struct problems *problems = problems_new();
		struct service service = { .name = NULL };
		struct errmsg err;

		service.mode[CHECK_RATES] = counted_apart[_i].mode;
		m.settings->services = &service;
		m.settings->service_count = 1;
		m.settings->local_domains = counted_apart[_i].local_domains;
		m.settings->rates = rates_new();
		ck_assert_int_eq(rates_add(m.settings->rates, counted_apart[_i].rate, "default",
					 "5/1h", &err),
			0);
		made_build(&m);
		policy_check_local_domains(policy_parts(m.policy), problems);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			counted_apart[_i].is_noted);
		if (counted_apart[_i].is_noted)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				rate_name(counted_apart[_i].rate)));
		problems_free(&problems);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("policy_check");
	TCase *tcase = tcase_create("policy_check");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, rules_that_need_local_domains_are_noted, 0, ROWS(unapplied));
	tcase_add_loop_test(tcase, strict_without_a_valid_recipient_is_reported, 0, ROWS(valid));
	tcase_add_loop_test(tcase, users_without_an_address_are_noted, 0, ROWS(senders));
	tcase_add_test(tcase, a_refusal_of_all_routes_that_no_section_applies_is_noted);
	tcase_add_loop_test(tcase, lists_that_no_section_applies_are_noted, 0, ROWS(unused));
	tcase_add_loop_test(tcase, rates_that_need_local_domains_are_noted, 0, ROWS(counted_apart));
	tcase_add_loop_test(tcase, profiles_and_logins_that_the_settings_name_are_looked_for, 0,
		ROWS(named));
	tcase_add_test(tcase, regexes_without_machine_code_are_noted);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
