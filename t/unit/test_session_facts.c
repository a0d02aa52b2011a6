/*
 * Shows which facts of a session and its message reach the checks and the log, before MAIL and
 * after it.
 */
#include <string.h>

#include "milter/smtp/session_private.h"
#include "t/unit/lib/made_session.h"
#include "t/unit/unit.h"

static struct made_session s;

static void setup(void)
{
	made_session_begin(&s);
}

static void teardown(void)
{
	made_session_end(&s);
}

static void connect_client(void)
{
	(void)made_session_connect(&s, s.session, "192.0.2.1", "mail.x.example");
	session_helo(s.session, "helo.x.example", &s.verdict);
}

static void ck_client(const struct cidr *client)
{
	char text[CIDR_TEXT_SIZE];

	cidr_format(client, text);
	ck_assert_str_eq(text, "192.0.2.1");
}

START_TEST(before_mail_the_facts_are_those_of_the_client)
	{
		struct facts facts;
		struct decision_record record;

		made_session_open(&s);
		connect_client();
		facts = session_facts(s.session, NULL);
		ck_client(&facts.client);
		ck_assert_str_eq(facts.rdns, "mail.x.example");
		ck_assert_str_eq(facts.helo, "helo.x.example");
		ck_assert_str_eq(facts.counted, "concurrency:192.0.2.1");
		ck_assert_uint_eq(facts.open, 1);
		ck_assert_ptr_null(facts.service);
		ck_assert_ptr_null(facts.login);
		ck_assert_ptr_null(facts.sender);
		ck_assert_ptr_null(facts.connection); /* there are no rates */
		record = session_decision_record(s.session, NULL);
		ck_client(&record.client);
		ck_assert_str_eq(record.session, s.session->id);
		ck_assert_str_eq(record.rdns, "mail.x.example");
		ck_assert_str_eq(record.helo, "helo.x.example");
		ck_assert_ptr_null(record.queue);
		ck_assert_ptr_null(record.sender);
		ck_assert_uint_eq(record.policy, 0);
	}
END_TEST

START_TEST(after_mail_they_include_those_of_the_message)
	{
		struct facts facts;
		struct decision_record record;

		s.made.settings->unknown_user = UNKNOWN_ACCEPT;
		made_session_open(&s);
		connect_client();
		(void)made_session_mail(&s, s.session, "<Bob@x.example>", "bob");
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(made_session_rcpt(&s, s.session, "<a@y.example>"),
				VERDICT_CONTINUE);
		facts = session_facts(s.session, s.session->message);
		ck_assert_str_eq(facts.login, "bob");
		ck_assert_str_eq(facts.sender->text, "Bob@x.example");
		ck_assert_uint_eq(facts.recipients, 2);
		ck_assert_uint_eq(facts.named, 2);
		record = session_decision_record(s.session, s.session->message);
		ck_assert_str_eq(record.queue, "Q");
		ck_assert_str_eq(record.login, "bob");
		ck_assert_str_eq(record.sender, "Bob@x.example");
		ck_assert_uint_eq(record.policy, policy_serial(s.made.policy));
	}
END_TEST

START_TEST(a_message_without_a_policy_has_no_serial)
	{
		s.made.settings->on_error = ON_ERROR_ACCEPT;
		made_session_open_without_policy(&s);
		ck_assert_int_eq(made_session_mail(&s, s.session, "<a@x.example>", NULL),
			VERDICT_CONTINUE);
		ck_assert_uint_eq(session_decision_record(s.session, s.session->message).policy, 0);
	}
END_TEST

START_TEST(a_charged_connection_is_a_fact)
	{
		s.made.settings->rates = rates_new();
		made_session_open(&s);
		connect_client();
		ck_assert_ptr_eq(session_facts(s.session, NULL).connection, &s.session->connection);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("session_facts");
	TCase *tcase = tcase_create("session_facts");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, before_mail_the_facts_are_those_of_the_client);
	tcase_add_test(tcase, after_mail_they_include_those_of_the_message);
	tcase_add_test(tcase, a_message_without_a_policy_has_no_serial);
	tcase_add_test(tcase, a_charged_connection_is_a_fact);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
