/*
 * Shows how a session decides a stage: by which policy, what each outcome is called in the log, and
 * what is answered when nothing can be decided.
 */
#include <string.h>

#include "milter/smtp/session_private.h"
#include "t/unit/lib/made_session.h"
#include "t/unit/unit.h"

static struct made_session s;

static void setup(void)
{
	made_session_begin(&s);
	made_list(&s.made, LIST_MAIL_DENY, "spam@x.example");
	made_list(&s.made, LIST_RCPT_DENY, "no@y.example");
}

static void teardown(void)
{
	made_session_end(&s);
}

static enum verdict_kind mail(const char *sender)
{
	return made_session_mail(&s, s.session, sender, NULL);
}

START_TEST(a_refusal_is_logged_with_its_reply)
	{
		made_session_open(&s);
		ck_assert_int_eq(mail("<spam@x.example>"), VERDICT_REJECT);
		ck_assert_uint_eq(made_session_log_count(&s), 1);
		ck_assert_str_eq(made_session_logged(&s, "stage"), "mail");
		ck_assert_str_eq(made_session_logged(&s, "verdict"), "reject");
		ck_assert_str_eq(made_session_logged(&s, "check"), "mail");
		ck_assert_str_eq(made_session_logged(&s, "rule"), "mail_from.access.blacklist:1");
		ck_assert_str_eq(made_session_logged(&s, "code"), "550");
		ck_assert_str_eq(made_session_logged(&s, "enhanced"), "5.7.1");
	}
END_TEST

START_TEST(accepted_commands_are_not_logged)
	{
		made_session_open(&s);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(made_session_rcpt(&s, s.session, "<a@y.example>"),
			VERDICT_CONTINUE);
		ck_assert_uint_eq(made_session_log_count(&s), 0);
	}
END_TEST

START_TEST(a_check_that_warns_is_logged_as_would_reject)
	{
		s.made.services[0].mode[CHECK_RCPT] = MODE_WARN;
		made_session_open(&s);
		(void)mail("<a@x.example>");
		ck_assert_int_eq(made_session_rcpt(&s, s.session, "<no@y.example>"),
			VERDICT_CONTINUE);
		ck_assert_str_eq(made_session_logged(&s, "verdict"), "would-reject");
		ck_assert_str_eq(made_session_logged(&s, "recipient"), "no@y.example");
		ck_assert_str_eq(made_session_logged(&s, "code"), "550");
	}
END_TEST

START_TEST(an_allow_regex_that_exceeds_its_limits_is_logged_as_no_match)
	{
		char rule[RULE_SIZE] = "";
		int64_t last;

		made_list(&s.made, LIST_MAIL_ALLOW_RE, "(?=a)(a*)*\\1b@x\\.example");
		made_session_open(&s);
		ck_assert_int_eq(
			mail("<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.example>"),
			VERDICT_CONTINUE);
		ck_assert_str_eq(made_session_logged(&s, "verdict"), "no-match");
		ck_assert_str_eq(made_session_logged(&s, "rule"),
			"mail_from.access.whitelist_regex:1 ran past its limits");
		ck_assert_uint_eq(regex_failures_read(shared_regex_failures(s.shared), &last, rule),
			1);
		ck_assert_str_eq(rule, made_session_logged(&s, "rule"));
	}
END_TEST

static const struct {
	enum on_error on_error;
	enum verdict_kind want;
	const char *logged;
} failures[] = {
	{ ON_ERROR_TEMPFAIL, VERDICT_TEMPFAIL, "tempfail" },
	{ ON_ERROR_ACCEPT, VERDICT_CONTINUE, "accept-on-error" },
};

START_TEST(a_failure_is_answered_according_to_on_error)
	{
		const struct stage_facts about = { .stage = STAGE_HELO };

		s.made.settings->on_error = failures[_i].on_error;
		made_session_open(&s);
		session_fail(s.session, NULL, &about, "a test", &s.verdict); /* no message yet */
		ck_assert_int_eq(s.verdict.kind, failures[_i].want);
		ck_assert_str_eq(made_session_logged(&s, "stage"), "helo");
		ck_assert_str_eq(made_session_logged(&s, "verdict"), failures[_i].logged);
		ck_assert_str_eq(made_session_logged(&s, "rule"), "a test");
		(void)mail("<a@x.example>");
		session_fail(s.session, s.session->message, &about, "a test", &s.verdict);
		ck_assert_int_eq(s.verdict.kind, failures[_i].want);
		ck_assert_str_eq(made_session_logged(&s, "sender"), "a@x.example");
	}
END_TEST

START_TEST(a_session_that_lost_a_fact_decides_nothing)
	{
		made_session_open(&s);
		s.session->facts_lost = true;
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_TEMPFAIL);
		ck_assert_str_eq(made_session_logged(&s, "rule"), "out of memory");
	}
END_TEST

START_TEST(a_message_is_put_off_whatever_on_error_is)
	{
		const struct stage_facts about = { .stage = STAGE_MAIL };

		s.made.settings->on_error = failures[_i].on_error;
		made_session_open(&s);
		(void)mail("<a@x.example>");
		session_put_off(s.session, s.session->message, &about, "a test", &s.verdict);
		ck_assert_int_eq(s.verdict.kind, VERDICT_TEMPFAIL);
		ck_assert_int_eq(verdict_deciding_finding(&s.verdict)->reply.code, 451);
		ck_assert_str_eq(made_session_logged(&s, "rule"), "a test");
	}
END_TEST

/* The settings now need recipients, which the MTA was told to leave out when it connected. */
START_TEST(a_message_waits_for_a_new_connection_when_settings_need_more_events)
	{
		made_session_open(&s);
		s.session->needs.answer_rcpt = false;
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_TEMPFAIL);
		ck_assert_ptr_nonnull(strstr(made_session_logged(&s, "rule"), "negotiated"));
		ck_assert_ptr_null(s.session->message);
	}
END_TEST

START_TEST(a_refusal_without_a_check_has_its_rule_code_and_text)
	{
		static const struct refusal refusal = { "a rule", "5.6.0", "a text" };
		const struct stage_facts about = { .stage = STAGE_HEADER };
		const struct finding *deciding;

		made_session_open(&s);
		(void)mail("<a@x.example>");
		session_refuse(s.session, s.session->message, &about, &refusal, &s.verdict);
		ck_assert_int_eq(s.verdict.kind, VERDICT_REJECT);
		deciding = verdict_deciding_finding(&s.verdict);
		ck_assert_int_eq(deciding->reply.code, 550);
		ck_assert_str_eq(deciding->reply.enhanced, "5.6.0");
		ck_assert_str_eq(deciding->reply.text, "a text");
		ck_assert_str_eq(made_session_logged(&s, "rule"), "a rule");
	}
END_TEST

START_TEST(before_mail_the_policy_in_force_decides)
	{
		struct policy_parts parts;

		made_list(&s.made, LIST_CONN_DENY, "192.0.2.1");
		s.made.settings->delay_reject = false;
		made_session_open(&s);
		ck_assert_int_eq(made_session_connect(&s, s.session, "192.0.2.1", "x.example"),
			VERDICT_REJECT);
		parts = *policy_parts(s.made.policy);
		parts.lists[LIST_CONN_DENY] = NULL;
		snapshot_publish(s.snapshot, policy_new(&parts));
		ck_assert_int_eq(made_session_connect(&s, s.session, "192.0.2.1", "x.example"),
			VERDICT_CONTINUE);
	}
END_TEST

START_TEST(a_suspended_login_is_refused_whatever_the_policy_allows)
	{
		s.made.settings->unknown_user = UNKNOWN_ACCEPT;
		made_session_open(&s);
		ck_assert_int_eq(suspensions_set(shared_suspensions(s.shared), "bob", true), 1);
		ck_assert_int_eq(made_session_mail(&s, s.session, "<a@x.example>", "bob"),
			VERDICT_REJECT);
		ck_assert_int_eq(made_session_mail(&s, s.session, "<a@x.example>", "eve"),
			VERDICT_CONTINUE);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("session_decide");
	TCase *tcase = tcase_create("session_decide");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_refusal_is_logged_with_its_reply);
	tcase_add_test(tcase, accepted_commands_are_not_logged);
	tcase_add_test(tcase, a_check_that_warns_is_logged_as_would_reject);
	tcase_add_test(tcase, an_allow_regex_that_exceeds_its_limits_is_logged_as_no_match);
	tcase_add_loop_test(tcase, a_failure_is_answered_according_to_on_error, 0, 2);
	tcase_add_test(tcase, a_session_that_lost_a_fact_decides_nothing);
	tcase_add_loop_test(tcase, a_message_is_put_off_whatever_on_error_is, 0, 2);
	tcase_add_test(tcase, a_message_waits_for_a_new_connection_when_settings_need_more_events);
	tcase_add_test(tcase, a_refusal_without_a_check_has_its_rule_code_and_text);
	tcase_add_test(tcase, before_mail_the_policy_in_force_decides);
	tcase_add_test(tcase, a_suspended_login_is_refused_whatever_the_policy_allows);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
