#include <stdio.h>
#include <string.h>

#include "lib/rules/check.h"
#include "lib/rules/ledger.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)

/* A policy, a ledger and a moment; what a stage says is put in words by say(). */
static struct made made;
static struct ledger *ledger;
static struct ledger_ops ops;
static uint64_t now;
static struct facts facts;
static struct mail_address sender;
static struct verdict verdict;
static char text[4096];
static bool looks; /* as explain does */

static void set_sender(const char *address)
{
	ck_assert_int_eq(address_parse(address, strlen(address), &sender), 0);
	facts.sender = &sender;
}

static void setup(void)
{
	made_begin(&made);
	ledger = ledger_new();
	ops = ledger_ops(ledger);
	made.settings->rates = rates_new();
	now = 1000 * SECOND;
	looks = false;
	facts = (struct facts){ .login = "bob" };
	set_sender("<bob@example.com>");
}

static void teardown(void)
{
	ledger_free(&ledger);
	made_end(&made);
}

/* User bob with a profile of these limits and that size. */
static void have(const char *limits, const char *maxsize)
{
	const struct made_profile profile = { .id = "1",
		.name = "sales",
		.open = "true",
		.limits = limits,
		.maxsize = maxsize };
	const struct made_user user = { .id = "7", .name = "bob", .froms = "*", .profile_id = "1" };

	ck_assert_int_eq(made_profile(&made, &profile), 1);
	ck_assert_int_eq(made_user(&made, &user), 1);
	made_build(&made);
}

static void rate(enum rate rate, const char *key, const char *value)
{
	struct errmsg err = { "" };

	ck_assert_msg(rates_add(made.settings->rates, rate, key, value, &err) == 0, "%s", err.text);
}

static struct check_env env_at_now(void)
{
	return (struct check_env){
		.policy = made.policy,
		.scratch = made.scratch,
		.ledger = &ops,
		.now = now,
		.charge = !looks,
	};
}

/* The findings of limits, rates and size: "reject 450 4.7.1 Rate ...; limits=fail(RULE) used=..."
 */
static const char *say(void)
{
	const struct finding *decided = verdict_deciding_finding(&verdict);
	size_t at = 0;
	char usage[USAGE_TEXT_SIZE];

	at += (size_t)snprintf(text, sizeof(text), "%s", verdict_name(verdict.kind));
	if (decided != NULL)
		at += (size_t)snprintf(text + at, sizeof(text) - at, " %d %s %s",
			decided->reply.code, decided->reply.enhanced, decided->reply.text);
	for (size_t i = 0; i < verdict.count; i++) {
		const struct finding *f = &verdict.findings[i];

		if (f->check != CHECK_LIMITS && f->check != CHECK_RATES && f->check != CHECK_SIZE)
			continue;
		usage[0] = '\0';
		if (f->usage.window > 0)
			usage_format(&f->usage, usage);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "; %s=%s(%s)%s%s",
			check_name(f->check), outcome_name(f->outcome), f->rule,
			usage[0] != '\0' ? " " : "", usage);
	}
	return text;
}

static const char *rcpt(const char *address)
{
	const struct check_env env = env_at_now();
	struct mail_address parsed;

	ck_assert_int_eq(address_parse(address, strlen(address), &parsed), 0);
	check_rcpt(&env, &facts, &parsed, &verdict);
	if (verdict.kind == VERDICT_CONTINUE && !looks)
		facts.recipients++;
	return say();
}

static const char *connect_from(const char *ip)
{
	const struct check_env env = env_at_now();
	static struct connection_charge charge;
	struct errmsg err = { "" };

	if (ip != NULL)
		ck_assert_msg(cidr_parse(ip, &facts.client, &err) == 0, "%s", err.text);
	facts.login = NULL;
	facts.connection = NULL;
	if (!looks) {
		check_charge_connection(&env, &facts, &charge);
		facts.connection = &charge;
	}
	check_connect(&env, &facts, &verdict);
	return say();
}

/* ---- limits of a profile ------------------------------------------------------ */

START_TEST(a_login_is_held_to_all_limits_of_its_profile)
	{
		have("1/5m,3/1d", NULL);
		ck_assert_str_eq(rcpt("<x@example.org>"),
			"accept; limits=pass(profile sales: limits) used=1/1 window=5m next=5m");
		ck_assert_str_eq(rcpt("<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 1/5m reached, next in 5m; "
			"limits=fail(profile sales: limits) used=1/1 window=5m next=5m");
		now += 301 * SECOND;
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "accept"));
		now += 301 * SECOND;
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "accept"));
		now += 301 * SECOND;
		ck_assert_str_eq(rcpt("<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 3/1d reached, next in 23h45m; "
			"limits=fail(profile sales: limits) used=3/3 window=1d next=23h45m");
	}
END_TEST

START_TEST(logins_differ_by_name_alone_not_by_case)
	{
		have("1/5m", NULL);
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "accept"));
		facts.login = "BOB";
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "tempfail"));
		facts.login = NULL;
		ck_assert_str_eq(rcpt("<x@example.org>"), "accept");
	}
END_TEST

START_TEST(per_message_the_first_recipient_is_charged)
	{
		made.settings->limit_count = COUNT_MESSAGES;
		have("2/5m", NULL);
		for (int message = 0; message < 3; message++) {
			facts.recipients = 0;
			for (int i = 0; i < 10; i++)
				ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"),
					message < 2 ? "accept" : "tempfail 450"));
		}
	}
END_TEST

START_TEST(over_a_limit_the_answer_is_as_the_settings_say)
	{
		made.settings->on_limit = _i == 0 ? ON_LIMIT_REJECT : ON_LIMIT_SUSPEND;
		have("1/5m", NULL);
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "accept"));
		ck_assert(!verdict.suspend);
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"),
			"reject 550 5.7.1 Rate limit 1/5m reached, next in 5m"));
		ck_assert(verdict.suspend == (_i == 1));
		looks = true;
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "reject 550 5.7.1"));
		ck_assert(!verdict.suspend); /* looking suspends nobody */
	}
END_TEST

START_TEST(looking_never_charges)
	{
		have("2/5m", NULL);
		looks = true;
		for (int i = 0; i < 10; i++)
			ck_assert_str_eq(rcpt("<x@example.org>"),
				"accept; limits=pass(profile sales: limits) used=0/2 window=5m next=0s");
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
	}
END_TEST

START_TEST(a_limit_of_none_lets_nothing_out_ever)
	{
		have("0", NULL);
		ck_assert_str_eq(rcpt("<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 0/1m reached; "
			"limits=fail(profile sales: limits) used=0/0 window=1m next=never");
	}
END_TEST

START_TEST(warn_tells_lets_pass_and_charges_nothing_more)
	{
		made.services[0].mode[CHECK_LIMITS] = MODE_WARN;
		made.services[0].mode[CHECK_SIZE] = MODE_WARN;
		made.settings->on_limit = ON_LIMIT_SUSPEND;
		rate(RATE_RCPT, "default", "5/5m");
		have("1/5m", NULL);
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "limits=pass"));
		ck_assert_str_eq(rcpt("<x@example.org>"),
			"accept; limits=would-reject(profile sales: limits) used=1/1 window=5m next=5m; "
			"rates=pass([limit rate_rcpt] default) used=2/5 window=5m next=0s");
		ck_assert(!verdict.suspend);
	}
END_TEST

START_TEST(the_check_can_be_off)
	{
		made.services[0].mode[CHECK_LIMITS] = MODE_NO;
		made.services[0].mode[CHECK_RATES] = MODE_NO;
		rate(RATE_RCPT, "default", "1/5m");
		rate(RATE_RECIPIENTS, "max", "1");
		have("1/5m", NULL);
		for (int i = 0; i < 5; i++)
			ck_assert_str_eq(rcpt("<x@example.org>"), "accept");
	}
END_TEST

START_TEST(who_refuses_for_another_reason_charges_nothing)
	{
		made_list(&made, LIST_RCPT_DENY, "spam@example.org\n");
		have("1/5m", NULL);
		for (int i = 0; i < 5; i++)
			ck_assert_ptr_nonnull(strstr(rcpt("<spam@example.org>"), "reject"));
		ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "accept"));
	}
END_TEST

static int can_not_save(void *context, const struct ledger_record *records, size_t count)
{
	(void)context;
	(void)records;
	(void)count;
	return -1;
}

START_TEST(what_can_not_be_saved_is_answered_as_on_error_says)
	{
		made.settings->on_error = _i == 0 ? ON_ERROR_TEMPFAIL : ON_ERROR_ACCEPT;
		have("2/5m", NULL);
		ledger_on_charge(ledger, can_not_save, NULL);
		if (_i == 0) {
			ck_assert_ptr_nonnull(
				strstr(rcpt("<x@example.org>"), "tempfail 451 4.3.0"));
			ck_assert_uint_eq(ledger_size(ledger).keys, 0);
		} else {
			ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "accept"));
			ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "accept"));
			/* Counted all the same. */
			ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"), "tempfail 450"));
		}
	}
END_TEST

/* ---- what holds for everybody -------------------------------------------------- */

START_TEST(recipients_are_limited_by_client_sender_and_recipient)
	{
		struct errmsg err;

		ck_assert_int_eq(cidr_parse("192.0.2.7", &facts.client, &err), 0);
		facts.login = NULL;
		rate(RATE_RCPT_HOST, "192.0.2", "4/5m");
		rate(RATE_RCPT_SENDER, "default", "3/5m");
		rate(RATE_RCPT, "example.org", "2/5m");
		rate(RATE_RCPT_NULL, "default", "1/5m");
		have(NULL, NULL);
		ck_assert_str_eq(rcpt("<x@example.org>"),
			"accept; rates=pass([limit rate_rcpt] example.org) used=1/2 window=5m next=0s");
		ck_assert_ptr_nonnull(strstr(rcpt("<y@example.org>"), "accept"));
		ck_assert_str_eq(rcpt("<z@example.org>"),
			"tempfail 450 4.7.1 Rate limit 2/5m reached, next in 5m; "
			"rates=fail([limit rate_rcpt] example.org) used=2/2 window=5m next=5m");
		ck_assert_ptr_nonnull(strstr(rcpt("<z@example.net>"), "accept"));
		ck_assert_ptr_nonnull(
			strstr(rcpt("<z@example.net>"), "fail([limit rate_rcpt_sender] default"));
		set_sender("<>");
		ck_assert_ptr_nonnull(strstr(rcpt("<z@example.net>"), "accept"));
		ck_assert_ptr_nonnull(strstr(rcpt("<z@example.net>"), "fail([limit rate_rcpt_"));
		set_sender("<al@example.com>");
		ck_assert_ptr_nonnull(strstr(rcpt("<q@example.net>"),
			"fail([limit rate_rcpt_host] 192.0.2.0/24"));
	}
END_TEST

START_TEST(a_login_and_everybody_are_charged_all_or_none)
	{
		rate(RATE_RCPT, "example.org", "2/5m");
		have("3/5m", NULL);
		for (int i = 0; i < 10; i++)
			(void)rcpt("<x@example.org>");
		ck_assert_str_eq(rcpt("<x@example.net>"),
			"accept; limits=pass(profile sales: limits) used=3/3 window=5m next=5m");
	}
END_TEST

START_TEST(a_connection_may_name_so_many_recipients)
	{
		struct errmsg err;

		ck_assert_int_eq(cidr_parse("192.0.2.7", &facts.client, &err), 0);
		rate(RATE_RECIPIENTS, "max", "2");
		rate(RATE_RECIPIENTS, "max_relaying", "4");
		rate(RATE_RECIPIENTS, "192.0.2.9", "0");
		have(NULL, NULL);
		facts.named = 3;
		ck_assert_str_eq(rcpt("<x@example.org>"), "accept");
		facts.named = 4;
		ck_assert_str_eq(rcpt("<x@example.org>"),
			"tempfail 452 4.5.3 Too many recipients: at most 4 in a connection; "
			"rates=fail([limit recipients] max_relaying)");
		facts.login = NULL;
		facts.named = 2;
		ck_assert_ptr_nonnull(
			strstr(rcpt("<x@example.org>"), "rates=fail([limit recipients] default)"));
		ck_assert_int_eq(cidr_parse("192.0.2.9", &facts.client, &err), 0);
		ck_assert_str_eq(rcpt("<x@example.org>"), "accept");
	}
END_TEST

START_TEST(connections_are_charged_as_they_come)
	{
		rate(RATE_CONN, "default", "2/1m");
		rate(RATE_CONN, "127", "0");
		have(NULL, NULL);
		ck_assert_str_eq(connect_from("192.0.2.7"),
			"accept; rates=pass([limit rate_conn] default) used=1/2 window=1m next=0s");
		ck_assert_ptr_nonnull(strstr(connect_from("192.0.2.7"), "accept"));
		ck_assert_str_eq(connect_from("192.0.2.7"),
			"tempfail 450 4.7.1 Connection rate limit 2/1m reached, next in 1m; "
			"rates=fail([limit rate_conn] default) used=2/2 window=1m next=1m");
		ck_assert_ptr_nonnull(strstr(connect_from("192.0.2.8"), "accept"));
		for (int i = 0; i < 5; i++)
			ck_assert_str_eq(connect_from("127.0.0.1"), "accept");
		looks = true;
		ck_assert_ptr_nonnull(strstr(connect_from("192.0.2.7"), "tempfail 450"));
		ck_assert_ptr_nonnull(strstr(connect_from("192.0.2.9"), "used=0/2"));
	}
END_TEST

START_TEST(a_client_may_have_so_many_connections_at_once)
	{
		rate(RATE_CONCURRENCY, "max", "3");
		rate(RATE_CONCURRENCY, "192.0.2.9", "0");
		have(NULL, NULL);
		facts.counted = "concurrency:192.0.2.7";
		facts.open = 3;
		ck_assert_str_eq(connect_from("192.0.2.7"), "accept");
		facts.open = 4;
		ck_assert_str_eq(connect_from("192.0.2.7"),
			"tempfail 450 4.7.1 Too many connections at once: at most 3; "
			"rates=fail([limit concurrency] default)");
		facts.counted = "concurrency:192.0.2.0/24"; /* before a reload */
		ck_assert_str_eq(connect_from("192.0.2.7"), "accept");
		facts.counted = "concurrency:192.0.2.9";
		ck_assert_str_eq(connect_from("192.0.2.9"), "accept");
	}
END_TEST

START_TEST(the_exempt_are_neither_held_nor_charged)
	{
		struct errmsg err;

		rate(RATE_CONN, "default", "1/1m");
		rate(RATE_RCPT, "default", "1/1m");
		ck_assert_int_eq(rates_exempt_network(made.settings->rates, "192.0.2.0/24", &err),
			0);
		ck_assert_int_eq(rates_exempt_login(made.settings->rates, "bob", &err), 0);
		ck_assert_int_eq(rates_exempt_sender(made.settings->rates, "news@example.com",
					 &err),
			0);
		have("2/5m", NULL);
		for (int i = 0; i < 3; i++)
			ck_assert_str_eq(connect_from("192.0.2.7"), "accept");
		ck_assert_ptr_nonnull(strstr(connect_from("198.51.100.7"), "used=1/1"));
		ck_assert_ptr_nonnull(strstr(connect_from("198.51.100.7"), "tempfail"));
		for (int i = 0; i < 3; i++) { /* no login yet */
			set_sender("<news@example.com>");
			ck_assert_str_eq(rcpt("<x@example.org>"), "accept");
		}
		facts.login = "bob";
		set_sender("<bob@example.com>");
		for (int i = 0; i < 3; i++) /* the profile holds bob all the same */
			ck_assert_ptr_nonnull(strstr(rcpt("<x@example.org>"),
				i < 2 ? "accept" : "Rate limit 2/5m"));
	}
END_TEST

/* ---- the counted size ------------------------------------------------------------- */

START_TEST(a_message_may_count_maxsize_octets)
	{
		struct check_env env;

		made.services[1].name = "relaxed";
		made.services[1].mode[CHECK_SIZE] = MODE_WARN;
		made.services[2].name = "off";
		made.services[2].mode[CHECK_SIZE] = MODE_NO;
		made.settings->service_count = 3;
		have(NULL, "1000");
		env = env_at_now();
		ck_assert_uint_eq(check_maxsize(made.policy, &facts), 1000);
		check_body(&env, &facts, 1000, &verdict);
		ck_assert_str_eq(say(), "accept");
		check_body(&env, &facts, 1001, &verdict);
		ck_assert_str_eq(say(),
			"reject 552 5.3.4 Message too big: the limit is 1000 bytes; size=fail(profile sales: maxsize)");
		facts.service = "relaxed";
		ck_assert_uint_eq(check_maxsize(made.policy, &facts), 1000);
		check_body(&env, &facts, 1001, &verdict);
		ck_assert_str_eq(say(), "accept; size=would-reject(profile sales: maxsize)");
		facts.service = "off";
		ck_assert_uint_eq(check_maxsize(made.policy, &facts), 0);
		facts.service = NULL;
		facts.login = NULL;
		ck_assert_uint_eq(check_maxsize(made.policy, &facts), 0);
		check_body(&env, &facts, 1U << 30, &verdict);
		ck_assert_str_eq(say(), "accept");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("charges");
	TCase *tcase = tcase_create("charges");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_login_is_held_to_all_limits_of_its_profile);
	tcase_add_test(tcase, logins_differ_by_name_alone_not_by_case);
	tcase_add_test(tcase, per_message_the_first_recipient_is_charged);
	tcase_add_loop_test(tcase, over_a_limit_the_answer_is_as_the_settings_say, 0, 2);
	tcase_add_test(tcase, looking_never_charges);
	tcase_add_test(tcase, a_limit_of_none_lets_nothing_out_ever);
	tcase_add_test(tcase, warn_tells_lets_pass_and_charges_nothing_more);
	tcase_add_test(tcase, the_check_can_be_off);
	tcase_add_test(tcase, who_refuses_for_another_reason_charges_nothing);
	tcase_add_loop_test(tcase, what_can_not_be_saved_is_answered_as_on_error_says, 0, 2);
	tcase_add_test(tcase, recipients_are_limited_by_client_sender_and_recipient);
	tcase_add_test(tcase, a_login_and_everybody_are_charged_all_or_none);
	tcase_add_test(tcase, a_connection_may_name_so_many_recipients);
	tcase_add_test(tcase, connections_are_charged_as_they_come);
	tcase_add_test(tcase, a_client_may_have_so_many_connections_at_once);
	tcase_add_test(tcase, the_exempt_are_neither_held_nor_charged);
	tcase_add_test(tcase, a_message_may_count_maxsize_octets);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
