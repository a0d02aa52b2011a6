/*
 * Shows what all checks share: limits of regexes, services, bounds of names, on_error, the order
 * of the checks, and the room for findings.
 */
#include "lib/rules/check.h"

#include <string.h>

#include "lib/match/domain.h"
#include "lib/rules/check_private.h"
#include "lib/rules/ledger.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
	m.services[0].mode[CHECK_HELO] = MODE_YES;
}

static void teardown(void)
{
	made_end(&m);
}

/* A regex with exponential time, and a subject that causes it. */
#define SLOW "(a+)+(b|c)@x\\.example"
#define AAAA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TRY_LATER " 451 4.3.0 Service temporarily unavailable, try again later"

/* A regex that exceeds its limits, in each kind of list. */
static const struct {
	enum list_id id;
	const char *list;
	enum on_error on_error;
	enum check_mode mode;
	struct asked asked;
	const char *want;
} slow[] = {
	{ LIST_MAIL_DENY_RE, "z\n" SLOW, ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_MAIL, .mail = "<" AAAA "@x.example>" },
		"tempfail: mail=error(mail_from.access.blacklist_regex:2 ran past its limits)" TRY_LATER },
	{ LIST_MAIL_DENY_RE, "z\n" SLOW, ON_ERROR_ACCEPT, MODE_YES,
		{ STAGE_MAIL, .mail = "<" AAAA "@x.example>" },
		"accept: mail=error(mail_from.access.blacklist_regex:2 ran past its limits)" TRY_LATER
		"; any=unlisted" },
	{ LIST_MAIL_DENY_RE, SLOW "\n" AAAA "@x\\.example", ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_MAIL, .mail = "<" AAAA "@x.example>" },
		"reject: mail=fail(mail_from.access.blacklist_regex:2) 550 5.7.1 " AAAA
		"@x.example That sender cannot send mail here" },
	{ LIST_MAIL_DENY_RE, AAAA "@x\\.example\n" SLOW, ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_MAIL, .mail = "<" AAAA "@x.example>" },
		"reject: mail=fail(mail_from.access.blacklist_regex:1) 550 5.7.1 " AAAA
		"@x.example That sender cannot send mail here" },
	{ LIST_MAIL_ALLOW_RE, SLOW, ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_MAIL, .mail = "<" AAAA "@x.example>" },
		"accept: mail=no-match(mail_from.access.whitelist_regex:1 ran past its limits); mail=unlisted; any=unlisted" },
	{ LIST_MAIL_ALLOW_RE, SLOW "\n" AAAA "@x\\.example", ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_MAIL, .mail = "<" AAAA "@x.example>" },
		"accept: mail=pass(mail_from.access.whitelist_regex:2); any=unlisted" },
	{ LIST_RCPT_DENY_RE, SLOW, ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_RCPT, .rcpt = "<" AAAA "@x.example>" },
		"tempfail: rcpt=error(rcpt_to.access.blacklist_regex:1 ran past its limits)" TRY_LATER },
	{ LIST_HELO_DENY_RE, "(a+)+(b|c)", ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_HELO, .helo = AAAA },
		"tempfail: helo=error(helo.checks.regexps:1 ran past its limits)" TRY_LATER },
	{ LIST_CONN_DENY_RE, "(a+)+(b|c)", ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_CONNECT, .ip = "192.0.2.1", .rdns = AAAA },
		"tempfail: conn=error(connect.rdns_access.blacklist_regex:1 ran past its limits)" TRY_LATER },
	{ LIST_CONN_ALLOW_RE, "(a+)+(b|c)", ON_ERROR_TEMPFAIL, MODE_YES,
		{ STAGE_CONNECT, .ip = "192.0.2.1", .rdns = AAAA },
		"accept: conn=no-match(connect.rdns_access.whitelist_regex:1 ran past its limits); conn=unlisted; any=unlisted" },
	{ LIST_MAIL_DENY_RE, SLOW, ON_ERROR_TEMPFAIL, MODE_WARN,
		{ STAGE_MAIL, .mail = "<" AAAA "@x.example>" },
		"accept: mail=error(mail_from.access.blacklist_regex:1 ran past its limits)" TRY_LATER
		"; any=unlisted" },
};
START_TEST(a_regex_past_its_limits_allows_nothing_and_denies_by_on_error)
	{
		static const enum check checks[] = { [STAGE_CONNECT] = CHECK_CONN,
			[STAGE_HELO] = CHECK_HELO,
			[STAGE_MAIL] = CHECK_MAIL,
			[STAGE_RCPT] = CHECK_RCPT };

		m.settings->on_error = slow[_i].on_error;
		m.services[0].mode[checks[slow[_i].asked.stage]] = slow[_i].mode;
		made_list(&m, slow[_i].id, slow[_i].list);
		made_build(&m);
		ck_assert_uint_eq(problems_count(m.problems), 0);
		ck_assert_str_eq(made_decide(&m, &slow[_i].asked), slow[_i].want);
	}
END_TEST

START_TEST(an_allow_list_past_its_limits_lets_the_deny_list_speak)
	{
		struct asked asked = { STAGE_MAIL, .mail = "<" AAAA "@x.example>" };

		made_list(&m, LIST_MAIL_ALLOW_RE, SLOW);
		made_list(&m, LIST_MAIL_DENY, "@x.example");
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: mail=no-match(mail_from.access.whitelist_regex:1 ran past its limits); "
			"mail=fail(mail_from.access.blacklist:1) 550 5.7.1 " AAAA
			"@x.example That sender cannot send mail here");
	}
END_TEST

/* If an unknown match could mean a refusal, the refusal is temporary. */
START_TEST(a_recipient_that_no_allow_list_could_tell_is_put_off)
	{
		struct asked asked = { STAGE_RCPT, .rcpt = "<" AAAA "@x.example>" };

		m.settings->rcpt_accept = ACCEPT_STRICT;
		m.settings->on_error =
			ON_ERROR_ACCEPT; /* does not apply: the client chooses the recipient */
		made_list(&m, LIST_RCPT_ALLOW_RE, SLOW "\nsales@x\\.example");
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"tempfail: rcpt=no-match(rcpt_to.access.whitelist_regex:1 ran past its limits); "
			"rcpt=fail(rcpt_to.access.whitelist_regex:1 ran past its limits)" TRY_LATER);
		asked.rcpt = "<other@x.example>";
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: rcpt=fail([rcpt] accept = strict: on no allow list) 550 5.1.1 "
			"other@x.example No such recipient here");
		asked.rcpt = "<sales@x.example>";
		ck_assert_str_eq(made_decide(&m, &asked),
			"accept: rcpt=pass(rcpt_to.access.whitelist_regex:2)");
	}
END_TEST

static uint64_t now;
static uint64_t tick(void)
{
	return now += REGEX_BUDGET_NS / 4;
}

static uint64_t used(void)
{
	return now;
}

/* All regexes of one decision share a budget; the next decision has a new one. */
START_TEST(a_decision_has_one_budget_for_its_regexes)
	{
		static const struct regex_clock clock = { tick, used };
		struct asked asked = { STAGE_MAIL, .mail = "<a@b.example>" };
		struct strbuf text = STRBUF_INIT;

		regex_scratch_free(&m.scratch);
		m.scratch = regex_scratch_new(&clock);
		for (int i = 0; i < 3 * REGEX_BUDGET_STEPS; i++)
			strbuf_add_str(&text, "a@b\\.example.\n"); /* tried, in vain */
		made_list(&m, LIST_MAIL_ALLOW_RE, text.text);
		made_list(&m, LIST_MAIL_DENY_RE, text.text);
		strbuf_free(&text);
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"tempfail: mail=error(mail_from.access.blacklist_regex:33 ran past its limits)" TRY_LATER);
		ck_assert_str_eq(made_decide(&m, &asked),
			"tempfail: mail=error(mail_from.access.blacklist_regex:33 ran past its limits)" TRY_LATER);
	}
END_TEST

/* The MTA's {daemon_name} chooses the section. */
static const struct {
	const char *service, *want;
} services[] = {
	{ NULL, "reject" },
	{ "smtpd", "reject" },
	{ "submission", "accept: mail=would-reject" },
	{ "SUBMISSION", "accept: mail=would-reject" },
	{ "local", "accept: any=unlisted" },
	{ "localx", "reject" },
};
START_TEST(each_service_has_its_own_checks)
	{
		struct asked asked = { STAGE_MAIL, .service = services[_i].service,
			.mail = "<a@b.example>" };

		m.services[1].name = "submission";
		m.services[1].mode[CHECK_MAIL] = MODE_WARN;
		m.services[2].name = "Local";
		m.services[2].mode[CHECK_MAIL] = MODE_NO;
		m.settings->service_count = 3;
		made_list(&m, LIST_MAIL_DENY, "a@b.example");
		made_build(&m);
		ck_assert_ptr_eq(strstr(made_decide(&m, &asked), services[_i].want), m.text);
	}
END_TEST

START_TEST(each_service_exempts_its_own_networks)
	{
		struct asked asked = { STAGE_CONNECT, .ip = "192.0.2.1" };
		struct errmsg err = { "" };
		struct cidr net;

		ck_assert_int_eq(cidr_parse("192.0.2.0/24", &net, &err), 0);
		m.services[1].name = "submission";
		m.services[1].exempt = &net;
		m.services[1].exempt_count = 1;
		m.services[2].name = "strict";
		m.services[2].exempt_count = 0;
		m.settings->service_count = 3;
		made_list(&m, LIST_CONN_DENY, "0.0.0.0/0");
		made_build(&m);
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "reject"));
		asked.service = "submission";
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
		asked.ip = "127.0.0.1";
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "reject"));
		asked.service = "strict";
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "reject"));
		asked.service = NULL;
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
	}
END_TEST

/*
 * No list is searched for a name that was cut. on_error does not apply, because the client chooses
 * the name.
 */
START_TEST(a_name_past_its_bounds_is_refused_where_anybody_looks)
	{
		char name[DOMAIN_SIZE + 10];
		struct asked asked = { STAGE_CONNECT, .ip = "192.0.2.1", .rdns = name,
			.helo = name };

		memset(name, 'a', sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		m.settings->on_error = _i ? ON_ERROR_ACCEPT : ON_ERROR_TEMPFAIL;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: conn=fail(name length) 550 5.7.1 Client name is too long");
		asked.stage = STAGE_HELO;
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: helo=fail(name length) 550 5.7.1 HELO name is too long");
		m.services[0].mode[CHECK_HELO] = MODE_NO; /* `any` also looks at it */
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: any=fail(name length) 550 5.7.1 HELO name is too long");
		m.services[0].mode[CHECK_ANY] = MODE_WARN;
		ck_assert_str_eq(made_decide(&m, &asked),
			"accept: any=would-reject(name length) 550 5.7.1 HELO name is too long");
		m.services[0].mode[CHECK_ANY] = MODE_NO;
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
		m.services[0].mode[CHECK_CONN] = MODE_NO;
		asked.stage = STAGE_CONNECT;
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
		asked.stage = STAGE_HELO;
		m.services[0].mode[CHECK_CONN] = MODE_YES;
		m.services[0].mode[CHECK_HELO] = m.services[0].mode[CHECK_ANY] = MODE_YES;
		name[DOMAIN_SIZE - 1] = '\0';
		ck_assert_str_eq(made_decide(&m, &asked), "accept: helo=unlisted; any=unlisted");
		asked.stage = STAGE_CONNECT;
		ck_assert_str_eq(made_decide(&m, &asked), "accept: conn=unlisted; any=unlisted");
	}
END_TEST

START_TEST(a_trailing_dot_may_stand_behind_the_longest_name)
	{
		char name[DOMAIN_SIZE + 1];
		struct asked asked = { STAGE_CONNECT, .ip = "192.0.2.1", .rdns = name };

		memset(name, 'a', DOMAIN_SIZE - 1);
		memcpy(name + DOMAIN_SIZE - 1, ".", 2);
		made_list(&m, LIST_CONN_DENY, "192.0.2.1");
		made_build(&m);
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "reject: conn=fail"));
	}
END_TEST

START_TEST(on_error_answers_if_nothing_can_be_decided)
	{
		struct verdict verdict;

		memset(&verdict, 0xff, sizeof(verdict));
		check_failed(NULL, CHECK_RCPT, "no policy yet", &verdict);
		ck_assert_int_eq(verdict.kind, VERDICT_TEMPFAIL);
		ck_assert_uint_eq(verdict.count, 1);
		ck_assert_int_eq(verdict.findings[0].check, CHECK_RCPT);
		ck_assert_str_eq(verdict.findings[0].rule, "no policy yet");
		ck_assert_int_eq(verdict.findings[0].reply.code, 451);
		ck_assert_str_eq(verdict.findings[0].reply.enhanced, "4.3.0");
		check_failed(m.settings, CHECK_RCPT, "x", &verdict);
		ck_assert_int_eq(verdict.kind, VERDICT_TEMPFAIL);
		m.settings->on_error = ON_ERROR_ACCEPT;
		check_failed(m.settings, CHECK_RCPT, "x", &verdict);
		ck_assert_int_eq(verdict.kind, VERDICT_CONTINUE);
		ck_assert_int_eq(verdict.findings[0].outcome, OUTCOME_ERROR);
	}
END_TEST

/* The order of the checks: lists, any, the profile; the first rejection ends the stage. */
START_TEST(the_first_rejection_ends_the_stage)
	{
		static const struct made_user row = { .id = "1", .name = "bob", .profile_id = "1" };
		static const struct made_profile profile = { .id = "1",
			.name = "p",
			.maxsize = "10" };
		struct asked asked = { STAGE_MAIL, .login = "bob", .mail = "<a@b.example>",
			.size = 11, .rcpt = "<a@b.example>" };
		static const enum check mail[] = { CHECK_MAIL, CHECK_ANY, CHECK_SENDER,
			CHECK_SIZE };
		static const enum check rcpt[] = { CHECK_RCPT, CHECK_ANY, CHECK_RECIPIENT };
		struct verdict v;
		size_t i, k;

		made_list(&m, LIST_MAIL_DENY, "a@b.example");
		made_list(&m, LIST_RCPT_DENY, "a@b.example");
		made_list(&m, LIST_DOMAINS, "b.example");
		ck_assert_int_eq(made_profile(&m, &profile), 1);
		ck_assert_int_eq(made_user(&m, &row), 1);
		made_build(&m);
		for (i = 0; i < 4; i++) { /* each check in turn rejects, and those before it warn */
			made_verdict(&m, &asked, &v);
			ck_assert_int_eq(v.kind, VERDICT_REJECT);
			ck_assert_uint_eq(v.count, i + 1);
			for (k = 0; k <= i; k++) {
				ck_assert_int_eq(v.findings[k].check, mail[k]);
				ck_assert_int_eq(v.findings[k].outcome,
					k < i ? OUTCOME_WARN : OUTCOME_FAIL);
			}
			m.services[0].mode[mail[i]] = MODE_WARN;
		}
		m.services[0].mode[CHECK_ANY] = MODE_YES;
		asked.stage = STAGE_RCPT;
		for (i = 0; i < 3; i++) {
			made_verdict(&m, &asked, &v);
			ck_assert_int_eq(v.kind, VERDICT_REJECT);
			ck_assert_uint_eq(v.count, i + 1);
			for (k = 0; k <= i; k++)
				ck_assert_int_eq(v.findings[k].check, rcpt[k]);
			m.services[0].mode[rcpt[i]] = MODE_WARN;
		}
		made_verdict(&m, &asked, &v);
		ck_assert_int_eq(v.kind, VERDICT_CONTINUE);
	}
END_TEST

/* Make a policy under which every check of a recipient warns, and some of them twice. */
static void make_everything_warn(void)
{
	static const struct made_user bob = { .id = "1", .name = "bob", .profile_id = "1" };
	static const struct made_profile profile = { .id = "1", .name = "p", .limits = "0/1d" };
	struct errmsg err = { "" };

	for (int i = 0; i < CHECK_COUNT; i++)
		m.services[0].mode[i] = MODE_WARN;
	m.settings->rates = rates_new();
	ck_assert_int_eq(rates_add(m.settings->rates, RATE_RECIPIENTS, "max_relaying", "1", &err),
		0);
	ck_assert_int_eq(rates_add(m.settings->rates, RATE_RCPT, "default", "1/1d", &err), 0);
	made_list(&m, LIST_RCPT_ALLOW_RE, "(a+)+(b|c)@.*");
	made_list(&m, LIST_RCPT_DENY_RE, ".*");
	ck_assert_int_eq(made_profile(&m, &profile), 1);
	ck_assert_int_eq(made_user(&m, &bob), 1);
	made_build(&m);
}

START_TEST(the_most_findings_of_a_stage_fit_into_a_verdict)
	{
		static const enum check want[] = { CHECK_RCPT, CHECK_RCPT, CHECK_RCPT, CHECK_ANY,
			CHECK_RECIPIENT, CHECK_RATES, CHECK_LIMITS, CHECK_RATES };
		static const char odd[] = "<" AAAA "@x.example(y)>";
		struct ledger *ledger = ledger_new();
		const struct ledger_ops ops = ledger_ops(ledger);
		struct mail_address sender, rcpt;
		struct facts facts = { .login = "bob", .sender = &sender, .named = 1 };
		struct ledger_hold *hold = NULL;
		struct check_env env = { .scratch = m.scratch,
			.ledger = &ops,
			.charge = true,
			.hold = &hold };
		struct verdict v;

		make_everything_warn();
		env.policy = m.policy;
		address_read("<bob@b.example>", 15, &sender);
		address_read(odd, strlen(odd), &rcpt);
		check_rcpt(&env, &facts, &rcpt, &v); /* uses up the rate of the recipient */
		check_rcpt(&env, &facts, &rcpt, &v);
		ck_assert_int_eq(v.kind, VERDICT_CONTINUE);
		ck_assert_uint_eq(v.count, sizeof(want) / sizeof(want[0]));
		ck_assert_uint_eq(v.count, STAGE_FINDINGS(RCPT));
		ck_assert_uint_lt(v.count, VERDICT_FINDINGS);
		for (size_t i = 0; i < v.count; i++)
			ck_assert_int_eq(v.findings[i].check, want[i]);
		ledger_give_back(ledger, 0, &hold);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(a_verdict_that_overflows_is_answered_by_on_error)
	{
		static const struct facts facts = { .login = NULL };
		struct check_env env = { .scratch = m.scratch };
		struct check_run run;
		struct verdict v;

		m.settings->on_error = _i ? ON_ERROR_ACCEPT : ON_ERROR_TEMPFAIL;
		made_build(&m);
		env.policy = m.policy;
		run = check_run_begin(&env, &facts, &v);
		for (int i = 0; i + 1 < VERDICT_FINDINGS; i++)
			finding_new(&run, CHECK_MAIL)->outcome = OUTCOME_PASS;
		check_run_end(&run);
		ck_assert_int_eq(v.kind, VERDICT_CONTINUE);
		for (int i = 0; i < 3; i++)
			finding_new(&run, CHECK_MAIL)->outcome = OUTCOME_PASS;
		check_run_end(&run);
		ck_assert_int_eq(v.kind, _i ? VERDICT_CONTINUE : VERDICT_TEMPFAIL);
		ck_assert_uint_eq(v.count, VERDICT_FINDINGS);
		ck_assert_int_eq(v.findings[v.count - 1].outcome, OUTCOME_ERROR);
		ck_assert_int_eq(v.findings[v.count - 1].reply.code, 451);
		ck_assert_str_eq(v.findings[v.count - 1].rule,
			"more findings than the stage has room for");
	}
END_TEST

START_TEST(a_refusal_holds_in_a_verdict_that_overflows)
	{
		static const struct facts facts = { .login = NULL };
		struct check_env env = { .scratch = m.scratch };
		struct check_run run;
		struct verdict v;

		made_build(&m);
		env.policy = m.policy;
		run = check_run_begin(&env, &facts, &v);
		for (int i = 0; i < VERDICT_FINDINGS; i++)
			(void)finding_new(&run, CHECK_MAIL);
		ck_assert(!finding_fail(&run, finding_new(&run, CHECK_RCPT), 550, "5.7.1", "no"));
		check_run_end(&run);
		ck_assert_int_eq(v.kind, VERDICT_REJECT);
		ck_assert_str_eq(verdict_deciding_finding(&v)->reply.text, "no");
		ck_assert_int_eq(verdict_deciding_finding(&v)->check, CHECK_RCPT);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check");
	TCase *tcase = tcase_create("check");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_regex_past_its_limits_allows_nothing_and_denies_by_on_error, 0,
		ROWS(slow));
	tcase_add_test(tcase, an_allow_list_past_its_limits_lets_the_deny_list_speak);
	tcase_add_test(tcase, a_recipient_that_no_allow_list_could_tell_is_put_off);
	tcase_add_test(tcase, a_decision_has_one_budget_for_its_regexes);
	tcase_add_loop_test(tcase, each_service_has_its_own_checks, 0, ROWS(services));
	tcase_add_test(tcase, each_service_exempts_its_own_networks);
	tcase_add_loop_test(tcase, a_name_past_its_bounds_is_refused_where_anybody_looks, 0, 2);
	tcase_add_test(tcase, a_trailing_dot_may_stand_behind_the_longest_name);
	tcase_add_test(tcase, on_error_answers_if_nothing_can_be_decided);
	tcase_add_test(tcase, the_first_rejection_ends_the_stage);
	tcase_add_test(tcase, the_most_findings_of_a_stage_fit_into_a_verdict);
	tcase_add_loop_test(tcase, a_verdict_that_overflows_is_answered_by_on_error, 0, 2);
	tcase_add_test(tcase, a_refusal_holds_in_a_verdict_that_overflows);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
