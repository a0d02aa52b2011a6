/*
 * Shows whom a recipient is charged to, and the replies when a limit is full: the limits of the
 * login's profile and those for everybody, charged all or none.
 */
#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_limits.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)

static struct made_limits t;

static void setup(void)
{
	made_limits_begin(&t);
}

static void teardown(void)
{
	made_limits_end(&t);
}

START_TEST(a_login_is_held_to_all_limits_of_its_profile)
	{
		made_limits_have(&t, "1/5m,3/1d");
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"accept; limits=pass(profile sales: limits) used=1/1 window=5m next=5m");
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 1/5m reached, next in 5m; "
			"limits=fail(profile sales: limits) used=1/1 window=5m next=5m");
		made_limits_commit(&t);
		t.now += 301 * SECOND;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
		made_limits_commit(&t);
		t.now += 301 * SECOND;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
		made_limits_commit(&t);
		t.now += 301 * SECOND;
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 3/1d reached, next in 23h45m; "
			"limits=fail(profile sales: limits) used=3/3 window=1d next=23h45m");
	}
END_TEST

START_TEST(logins_are_counted_without_regard_to_case)
	{
		made_limits_have(&t, "1/5m");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
		t.facts.login = "BOB";
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "tempfail"));
		t.facts.login = NULL;
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"), "accept");
	}
END_TEST

START_TEST(with_messages_only_the_first_recipient_is_charged)
	{
		t.made.settings->limit_count = COUNT_MESSAGES;
		made_limits_have(&t, "2/5m");
		for (int message = 0; message < 3; message++) {
			t.facts.recipients = 0;
			for (int i = 0; i < 10; i++)
				ck_assert_ptr_nonnull(
					strstr(made_limits_rcpt(&t, "<x@example.org>"),
						message < 2 ? "accept" : "tempfail 450"));
		}
	}
END_TEST

START_TEST(on_limit_determines_the_answer)
	{
		t.made.settings->on_limit = _i == 0 ? ON_LIMIT_REJECT : ON_LIMIT_SUSPEND;
		made_limits_have(&t, "1/5m");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
		ck_assert(!t.verdict.suspend);
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"),
			"reject 550 5.7.1 Rate limit 1/5m reached, next in 5m"));
		ck_assert(t.verdict.suspend == (_i == 1));
		made_limits_commit(&t);
		t.looks = true;
		ck_assert_ptr_nonnull(
			strstr(made_limits_rcpt(&t, "<x@example.org>"), "reject 550 5.7.1"));
		ck_assert(!t.verdict.suspend); /* looking suspends nobody */
	}
END_TEST

/* ---- messages that are not sent -------------------------------------------------- */

START_TEST(a_message_that_is_not_sent_uses_up_nothing)
	{
		made_limits_rate(&t, RATE_RCPT, "default", "3/1h");
		made_limits_have(&t, "3/1h");
		for (int message = 0; message < 5; message++) {
			for (int i = 0; i < 5; i++)
				ck_assert_ptr_nonnull(
					strstr(made_limits_rcpt(&t, "<x@example.org>"),
						i < 3 ? "accept" :
							"tempfail 450 4.7.1 Rate limit "
							"3/1h reached, next in 1h; "));
			made_limits_give_back(&t);
		}
	}
END_TEST

START_TEST(a_message_counts_from_its_end)
	{
		made_limits_have(&t, "1/1h");
		(void)made_limits_rcpt(&t, "<x@example.org>");
		t.now += 7200 * SECOND;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "tempfail"));
		made_limits_commit(&t);
		t.now += 3599 * SECOND;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "tempfail"));
		t.now += 2 * SECOND;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
	}
END_TEST

START_TEST(attempts_over_their_bound_get_the_same_answer)
	{
		t.made.settings->limit_attempts = 2;
		made_limits_rate(&t, RATE_RCPT, "default", "4/1h");
		made_limits_have(&t, "3/1h");
		for (int message = 0; message < 2; message++) {
			for (int i = 0; i < 3; i++)
				ck_assert_ptr_nonnull(
					strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
			made_limits_give_back(&t);
		}
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 3/1h reached, next in 1h; "
			"limits=fail(profile sales: limits (attempts)) used=0/3 window=1h next=1h");
		t.facts.login = NULL;
		for (int i = 0; i < 2; i++)
			ck_assert_ptr_nonnull(
				strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
		made_limits_give_back(&t);
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 4/1h reached, next in 1h; "
			"rates=fail([limit rate_rcpt] default (attempts)) used=0/4 window=1h next=1h");
		t.now += 3601 * SECOND;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
	}
END_TEST

/* A login with 4/1h and two attempts for each: the amounts that are final, given back, and reserved
 * by the message and by another one; the answer to the next recipient if on_limit is not tempfail;
 * and whether the login is suspended if it is suspend. */
static const struct {
	unsigned final, given_back, own, others;
	const char *answer;
	bool suspends;
} suspending[] = {
	{ 0, 0, 0, 4, "tempfail 450 4.7.1 Rate limit 4/1h reached", false },
	{ 0, 0, 3, 1, "tempfail 450 4.7.1 Rate limit 4/1h reached", false },
	{ 3, 0, 0, 1, "tempfail 450 4.7.1 Rate limit 4/1h reached", false },
	{ 0, 7, 0, 1, "tempfail 450 4.7.1 Rate limit 4/1h reached", false },
	{ 4, 0, 0, 0, "reject 550 5.7.1 Rate limit 4/1h reached", true },
	{ 0, 0, 4, 0, "reject 550 5.7.1 Rate limit 4/1h reached", true },
	{ 2, 0, 2, 0, "reject 550 5.7.1 Rate limit 4/1h reached", true },
	{ 0, 8, 0, 0, "reject 550 5.7.1 Rate limit 4/1h reached", true },
	{ 0, 6, 2, 0, "reject 550 5.7.1 Rate limit 4/1h reached", true },
	{ 0, 7, 0, 0, "accept", false },
	{ 3, 0, 0, 0, "accept", false },
};

static void reserve_some(unsigned count)
{
	for (; count > 0; count--)
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
}

#define SUSPENDING (sizeof(suspending) / sizeof(suspending[0]))

START_TEST(reservations_of_other_messages_refuse_for_a_while_alone)
	{
		const size_t row = (size_t)_i % SUSPENDING;
		const bool may_suspend = (size_t)_i < SUSPENDING;
		struct ledger_hold *others;

		t.made.settings->on_limit = may_suspend ? ON_LIMIT_SUSPEND : ON_LIMIT_REJECT;
		t.made.settings->limit_attempts = 2;
		made_limits_have(&t, "4/1h");
		reserve_some(suspending[row].final);
		made_limits_commit(&t);
		for (unsigned i = 0; i < suspending[row].given_back; i++) {
			reserve_some(1);
			made_limits_give_back(&t);
		}
		reserve_some(suspending[row].others);
		others = t.hold;
		t.hold = NULL;
		reserve_some(suspending[row].own);
		ck_assert_ptr_eq(strstr(made_limits_rcpt(&t, "<x@example.org>"),
					 suspending[row].answer),
			t.text);
		ck_assert(t.verdict.suspend == (may_suspend && suspending[row].suspends));
		ledger_give_back(t.ledger, t.now, &others);
	}
END_TEST

START_TEST(looking_never_charges)
	{
		made_limits_have(&t, "2/5m");
		t.looks = true;
		for (int i = 0; i < 10; i++)
			ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
				"accept; limits=pass(profile sales: limits) used=0/2 window=5m next=0s");
		ck_assert_uint_eq(ledger_size(t.ledger).keys, 0);
	}
END_TEST

START_TEST(a_limit_of_0_allows_nothing)
	{
		made_limits_have(&t, "0");
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 0/1m reached; "
			"limits=fail(profile sales: limits) used=0/0 window=1m next=never");
	}
END_TEST

START_TEST(a_check_that_warns_lets_pass_and_charges_only_the_others)
	{
		t.made.services[0].mode[CHECK_LIMITS] = MODE_WARN;
		t.made.services[0].mode[CHECK_SIZE] = MODE_WARN;
		t.made.settings->on_limit = ON_LIMIT_SUSPEND;
		made_limits_rate(&t, RATE_RCPT, "default", "5/5m");
		made_limits_have(&t, "1/5m");
		ck_assert_ptr_nonnull(
			strstr(made_limits_rcpt(&t, "<x@example.org>"), "limits=pass"));
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"accept; limits=would-reject(profile sales: limits) used=1/1 window=5m next=5m; "
			"rates=pass([limit rate_rcpt] default) used=2/5 window=5m next=0s");
		ck_assert(!t.verdict.suspend);
	}
END_TEST

START_TEST(the_check_can_be_off)
	{
		t.made.services[0].mode[CHECK_LIMITS] = MODE_NO;
		t.made.services[0].mode[CHECK_RATES] = MODE_NO;
		made_limits_rate(&t, RATE_RCPT, "default", "1/5m");
		made_limits_rate(&t, RATE_RECIPIENTS, "max", "1");
		made_limits_have(&t, "1/5m");
		for (int i = 0; i < 5; i++)
			ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"), "accept");
	}
END_TEST

START_TEST(a_recipient_refused_for_another_reason_is_not_charged)
	{
		made_list(&t.made, LIST_RCPT_DENY, "spam@example.org\n");
		made_limits_have(&t, "1/5m");
		for (int i = 0; i < 5; i++)
			ck_assert_ptr_nonnull(
				strstr(made_limits_rcpt(&t, "<spam@example.org>"), "reject"));
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
	}
END_TEST

static int refuse_to_save(void *context, const struct ledger_record *records, size_t count)
{
	(void)context;
	(void)records;
	(void)count;
	return -1;
}

START_TEST(on_error_answers_a_charge_that_cannot_be_saved)
	{
		t.made.settings->on_error = _i == 0 ? ON_ERROR_TEMPFAIL : ON_ERROR_ACCEPT;
		made_limits_have(&t, "2/5m");
		ledger_on_charge(t.ledger, refuse_to_save, NULL);
		if (_i == 0) {
			ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"),
				"tempfail 451 4.3.0"));
			ck_assert_uint_eq(ledger_size(t.ledger).keys, 0);
		} else {
			ck_assert_ptr_nonnull(
				strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
			ck_assert_ptr_nonnull(
				strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
			/* They are counted anyway. */
			ck_assert_ptr_nonnull(
				strstr(made_limits_rcpt(&t, "<x@example.org>"), "tempfail 450"));
		}
	}
END_TEST

/* What cannot be saved refuses a recipient as long as one of the checks is in force. */
START_TEST(a_check_that_warns_saves_nothing_for_the_others)
	{
		const bool limits_warn = _i == 0;

		t.made.services[0].mode[limits_warn ? CHECK_LIMITS : CHECK_RATES] = MODE_WARN;
		made_limits_rate(&t, RATE_RCPT, "default", "5/5m");
		made_limits_have(&t, "5/5m");
		ledger_on_charge(t.ledger, refuse_to_save, NULL);
		ck_assert_ptr_nonnull(
			strstr(made_limits_rcpt(&t, "<x@example.org>"), "tempfail 451 4.3.0"));
		t.made.services[0].mode[limits_warn ? CHECK_RATES : CHECK_LIMITS] = MODE_WARN;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
	}
END_TEST

START_TEST(a_login_is_charged_although_the_rates_only_warn_of_an_address)
	{
		static const char many[] =
			"<box+%a.example%b.example%c.example%d.example@e.example>";
		const bool is_sender = _i == 1;

		t.made.services[0].mode[CHECK_RATES] = MODE_WARN;
		t.made.settings->list_delimiter = "+";
		made_limits_rate(&t, is_sender ? RATE_RCPT_SENDER : RATE_RCPT, "default", "9/5m");
		made_limits_have(&t, "1/5m");
		if (is_sender)
			made_limits_sender(&t, many);
		ck_assert_str_eq(made_limits_rcpt(&t, is_sender ? "<a@x.example>" : many),
			"accept; rates=would-reject(more than 4 readings of the address to count); "
			"limits=pass(profile sales: limits) used=1/1 window=5m next=5m");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<a@x.example>"),
			"tempfail 450 4.7.1 Rate limit 1/5m reached"));
	}
END_TEST

START_TEST(rates_count_although_the_limits_only_warn_of_a_login)
	{
		static char login[ADDRESS_CANON_SIZE + 100];

		memset(login, 'x', sizeof(login) - 1);
		t.facts.login = login;
		t.made.settings->unknown_user = UNKNOWN_PROFILE;
		t.made.settings->unknown_profile = "sales";
		t.made.services[0].mode[CHECK_LIMITS] = MODE_WARN;
		made_limits_rate(&t, RATE_RCPT, "default", "1/5m");
		made_limits_have(&t, "9/5m");
		ck_assert_ptr_nonnull(
			strstr(made_limits_rcpt(&t, "<x@example.org>"), "rates=pass"));
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"),
			"tempfail 450 4.7.1 Rate limit 1/5m reached"));
	}
END_TEST

START_TEST(recipients_are_limited_by_client_sender_and_recipient)
	{
		struct errmsg err;

		ck_assert_int_eq(cidr_parse("192.0.2.7", &t.facts.client, &err), 0);
		t.facts.login = NULL;
		made_limits_rate(&t, RATE_RCPT_HOST, "192.0.2", "4/5m");
		made_limits_rate(&t, RATE_RCPT_SENDER, "default", "3/5m");
		made_limits_rate(&t, RATE_RCPT, "example.org", "2/5m");
		made_limits_rate(&t, RATE_RCPT_NULL, "default", "1/5m");
		made_limits_have(&t, NULL);
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"accept; rates=pass([limit rate_rcpt] example.org) used=1/2 window=5m next=0s");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<y@example.org>"), "accept"));
		ck_assert_str_eq(made_limits_rcpt(&t, "<z@example.org>"),
			"tempfail 450 4.7.1 Rate limit 2/5m reached, next in 5m; "
			"rates=fail([limit rate_rcpt] example.org) used=2/2 window=5m next=5m");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<z@example.net>"), "accept"));
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<z@example.net>"),
			"fail([limit rate_rcpt_sender] default"));
		made_limits_sender(&t, "<>");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<z@example.net>"), "accept"));
		ck_assert_ptr_nonnull(
			strstr(made_limits_rcpt(&t, "<z@example.net>"), "fail([limit rate_rcpt_"));
		made_limits_sender(&t, "<al@example.com>");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<q@example.net>"),
			"fail([limit rate_rcpt_host] 192.0.2.0/24"));
	}
END_TEST

/* A stranger can write the login's address as sender, and hold its messages open for as long as he
 * likes. */
START_TEST(a_stranger_does_not_use_up_the_limit_of_a_login_s_sender)
	{
		made_limits_rate(&t, RATE_RCPT_SENDER, _i == 0 ? "default" : "example.com", "1/5m");
		made_limits_have(&t, NULL);
		t.facts.login = NULL;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "tempfail"));
		t.facts.login = "bob";
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "accept"));
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"), "tempfail"));
	}
END_TEST

START_TEST(the_login_and_the_rates_are_charged_all_or_none)
	{
		made_limits_rate(&t, RATE_RCPT, "example.org", "2/5m");
		made_limits_have(&t, "3/5m");
		for (int i = 0; i < 10; i++)
			(void)made_limits_rcpt(&t, "<x@example.org>");
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.net>"),
			"accept; limits=pass(profile sales: limits) used=3/3 window=5m next=5m");
	}
END_TEST

START_TEST(a_connection_may_name_a_number_of_recipients)
	{
		struct errmsg err;

		ck_assert_int_eq(cidr_parse("192.0.2.7", &t.facts.client, &err), 0);
		made_limits_rate(&t, RATE_RECIPIENTS, "max", "2");
		made_limits_rate(&t, RATE_RECIPIENTS, "max_relaying", "4");
		made_limits_rate(&t, RATE_RECIPIENTS, "192.0.2.9", "0");
		made_limits_have(&t, NULL);
		t.facts.named = 3;
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"), "accept");
		t.facts.named = 4;
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"),
			"tempfail 452 4.5.3 Too many recipients: at most 4 in a connection; "
			"rates=fail([limit recipients] max_relaying)");
		t.facts.login = NULL;
		t.facts.named = 2;
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"),
			"rates=fail([limit recipients] default)"));
		ck_assert_int_eq(cidr_parse("192.0.2.9", &t.facts.client, &err), 0);
		ck_assert_str_eq(made_limits_rcpt(&t, "<x@example.org>"), "accept");
	}
END_TEST

/* Name new recipients from a client, each in a message of its own. */
static void flood(const char *client, int count)
{
	static unsigned serial;
	struct errmsg err;
	char address[64];

	ck_assert_int_eq(cidr_parse(client, &t.facts.client, &err), 0);
	for (int i = 0; i < count; i++) {
		(void)snprintf(address, sizeof(address), "<made%u@corp.example>", serial++);
		(void)made_limits_rcpt(&t, address);
		made_limits_commit(&t);
	}
}

static unsigned accepted_of(int count, const char *client, const char *address)
{
	struct errmsg err;
	unsigned accepted = 0;

	ck_assert_int_eq(cidr_parse(client, &t.facts.client, &err), 0);
	for (int i = 0; i < count; i++) {
		accepted += strncmp(made_limits_rcpt(&t, address), "accept", 6) == 0;
		made_limits_commit(&t);
	}
	return accepted;
}

/* Only counts under "default", which strangers make up, can be removed or lack room. */
START_TEST(an_entry_keeps_its_count_in_a_flood)
	{
		t.facts.login = NULL;
		made_limits_rate(&t, RATE_RCPT, "default", "4/5m");
		made_limits_rate(&t, RATE_RCPT, "all@corp.example", "4/5m");
		made_limits_rate(&t, RATE_RCPT, "boss@corp.example", "4/5m");
		made_limits_have(&t, NULL);
		ledger_set_bounds(t.ledger, 2 * LEDGER_SHARDS, 0);
		ck_assert_uint_eq(accepted_of(1, "192.0.2.7", "<all@corp.example>"), 1);
		flood("192.0.2.7", 600);
		for (int net = 0; net < 60; net++) {
			char client[32];

			(void)snprintf(client, sizeof(client), "10.0.%d.1", net);
			flood(client, 10);
		}
		ck_assert_uint_gt(ledger_size(t.ledger).evicted, 0);
		ck_assert_uint_eq(accepted_of(4, "192.0.2.7", "<boss@corp.example>"), 4);
		ck_assert_uint_eq(accepted_of(5, "198.51.100.7", "<all@corp.example>"), 3);
		ck_assert_uint_eq(accepted_of(5, "192.0.2.7", "<any@corp.example>"), 0);
	}
END_TEST

static Suite *check_charges_suite(void)
{
	Suite *suite = suite_create("check_charges");
	TCase *tcase = tcase_create("check_charges");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_login_is_held_to_all_limits_of_its_profile);
	tcase_add_test(tcase, logins_are_counted_without_regard_to_case);
	tcase_add_test(tcase, with_messages_only_the_first_recipient_is_charged);
	tcase_add_loop_test(tcase, on_limit_determines_the_answer, 0, 2);
	tcase_add_test(tcase, a_message_that_is_not_sent_uses_up_nothing);
	tcase_add_test(tcase, a_message_counts_from_its_end);
	tcase_add_test(tcase, attempts_over_their_bound_get_the_same_answer);
	tcase_add_loop_test(tcase, reservations_of_other_messages_refuse_for_a_while_alone, 0,
		2 * SUSPENDING);
	tcase_add_test(tcase, looking_never_charges);
	tcase_add_test(tcase, a_limit_of_0_allows_nothing);
	tcase_add_test(tcase, a_check_that_warns_lets_pass_and_charges_only_the_others);
	tcase_add_test(tcase, the_check_can_be_off);
	tcase_add_test(tcase, a_recipient_refused_for_another_reason_is_not_charged);
	tcase_add_loop_test(tcase, on_error_answers_a_charge_that_cannot_be_saved, 0, 2);
	tcase_add_loop_test(tcase, a_check_that_warns_saves_nothing_for_the_others, 0, 2);
	tcase_add_loop_test(tcase, a_login_is_charged_although_the_rates_only_warn_of_an_address, 0,
		2);
	tcase_add_test(tcase, rates_count_although_the_limits_only_warn_of_a_login);
	tcase_add_test(tcase, recipients_are_limited_by_client_sender_and_recipient);
	tcase_add_loop_test(tcase, a_stranger_does_not_use_up_the_limit_of_a_login_s_sender, 0, 2);
	tcase_add_test(tcase, the_login_and_the_rates_are_charged_all_or_none);
	tcase_add_test(tcase, a_connection_may_name_a_number_of_recipients);
	tcase_add_test(tcase, an_entry_keeps_its_count_in_a_flood);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(check_charges_suite)
