/*
 * Shows what a session does with a message after MAIL: recipients, From fields, the counted size,
 * the results field, and the record of an accepted message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/smtp/session_private.h"
#include "t/unit/lib/made_session.h"
#include "t/unit/unit.h"

#define MAXSIZE 1000 /* bytes, of bob's profile */

static struct made_session s;

static void setup(void)
{
	made_session_begin(&s);
	s.made.settings->default_domain = "own.example";
	made_list(&s.made, LIST_RCPT_DENY, "no@y.example");
	made_list(&s.made, LIST_RCPT_ALLOW, "yes@y.example");
	(void)made_profile(&s.made,
		&(struct made_profile){ .id = "1", .name = "p", .open = "t", .maxsize = "1000" });
	(void)made_user(&s.made,
		&(struct made_user){ .id = "1", .name = "bob", .profile_id = "1" });
}

static void teardown(void)
{
	made_session_end(&s);
}

static enum verdict_kind connect_from(const char *ip, const char *host)
{
	return made_session_connect(&s, s.session, ip, host);
}

static enum verdict_kind mail_as(const char *sender, const char *login)
{
	return made_session_mail(&s, s.session, sender, login);
}

static enum verdict_kind mail(const char *sender)
{
	return mail_as(sender, NULL);
}

static enum verdict_kind rcpt(const char *recipient)
{
	return made_session_rcpt(&s, s.session, recipient);
}

static enum verdict_kind header_end(void)
{
	session_header_end(s.session, "Q", &s.verdict);
	return s.verdict.kind;
}

/* A message of bob up to its header, whose From is bob's. */
static void begin_message_of_bob(void)
{
	ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
	ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_CONTINUE);
	session_field(s.session, "From", "bob@own.example");
}

START_TEST(recipients_are_counted_by_their_verdicts)
	{
		struct results_field results;

		made_session_open(&s);
		(void)mail("<a@x.example>");
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_REJECT);
		ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), 0);
		ck_assert_str_eq(made_session_logged(&s, "recipients"), "2");
		ck_assert_str_eq(made_session_logged(&s, "refused"), "1");
	}
END_TEST

/* What a header field counts (RFC 1870): each line end is CRLF, whatever libmilter passes. */
static const struct {
	const char *name, *value;
	bool leading_space; /* negotiated: the value includes it */
	uint64_t octets;
} fields[] = {
	{ "Subject", "x", false, sizeof("Subject: x\r\n") - 1 },
	{ "Subject", " x", true, sizeof("Subject: x\r\n") - 1 },
	{ "Subject", "x", true, sizeof("Subject:x\r\n") - 1 },
	{ "Subject", "", false, sizeof("Subject: \r\n") - 1 },
	{ "To", "a,\n b", false, sizeof("To: a,\r\n b\r\n") - 1 },
	{ "To", "a,\r\n b", false, sizeof("To: a,\r\n b\r\n") - 1 },
	{ "To", "\n b", false, sizeof("To: \r\n b\r\n") - 1 },
};

START_TEST(a_field_is_counted_as_it_is_transmitted)
	{
		uint64_t before;

		made_session_open(&s);
		begin_message_of_bob();
		s.session->needs.leading_space = fields[_i].leading_space;
		before = s.session->message->octets;
		session_field(s.session, fields[_i].name, fields[_i].value);
		ck_assert_uint_eq(s.session->message->octets - before, fields[_i].octets);
	}
END_TEST

START_TEST(a_header_larger_than_the_message_may_be_is_refused)
	{
		char value[MAXSIZE + 1];

		memset(value, 'x', MAXSIZE);
		value[MAXSIZE] = '\0';
		made_session_open(&s);
		begin_message_of_bob();
		session_field(s.session, "Subject", value);
		ck_assert_int_eq(header_end(), VERDICT_REJECT);
		ck_assert_int_eq(verdict_deciding_finding(&s.verdict)->reply.code, 552);
	}
END_TEST

START_TEST(a_message_is_refused_at_the_first_octet_too_many)
	{
		size_t header = sizeof("From: bob@own.example\r\n\r\n") - 1;

		made_session_open(&s);
		begin_message_of_bob();
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		ck_assert(session_body(s.session, MAXSIZE - header, &s.verdict));
		ck_assert_int_eq(s.verdict.kind, VERDICT_CONTINUE);
		(void)session_body(s.session, 1, &s.verdict);
		ck_assert_int_eq(s.verdict.kind, VERDICT_REJECT);
		ck_assert_int_eq(verdict_deciding_finding(&s.verdict)->reply.code, 552);
	}
END_TEST

START_TEST(a_check_that_warns_reports_an_excessive_size_once)
	{
		s.made.services[0].mode[CHECK_SIZE] = MODE_WARN;
		made_session_open(&s);
		begin_message_of_bob();
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		(void)made_session_log_count(&s);
		ck_assert(!session_body(s.session, MAXSIZE, &s.verdict));
		ck_assert_int_eq(s.verdict.kind, VERDICT_CONTINUE);
		ck_assert_str_eq(made_session_logged(&s, "verdict"), "would-reject");
		ck_assert(!session_body(s.session, MAXSIZE, &s.verdict));
		ck_assert_uint_eq(made_session_log_count(&s), 0);
	}
END_TEST

START_TEST(the_body_of_a_message_without_a_limit_does_not_matter)
	{
		made_session_open(&s);
		ck_assert(!session_body(s.session, 1, &s.verdict)); /* no message */
		(void)mail("<a@x.example>");
		(void)rcpt("<a@y.example>");
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		ck_assert(!session_body(s.session, 10 * MAXSIZE, &s.verdict));
		ck_assert_int_eq(s.verdict.kind, VERDICT_CONTINUE);
	}
END_TEST

START_TEST(too_many_from_fields_are_refused_whatever_on_error_is)
	{
		char *value = malloc(60001);

		s.made.settings->on_error = _i % 2 ? ON_ERROR_ACCEPT : ON_ERROR_TEMPFAIL;
		if (_i >= 2)
			s.made.services[0].mode[CHECK_HEADER_FROM] = MODE_WARN;
		s.made.services[0].mode[CHECK_SIZE] = MODE_NO; /* they are large */
		made_session_open(&s);
		memset(value, 'x', 60000);
		value[60000] = '\0';
		for (int many = 0; many < 2; many++) {
			ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
			ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_CONTINUE);
			for (int i = 0; i < (many ? 100 : 10); i++)
				session_field(s.session, "From", many ? "bob@own.example" : value);
			ck_assert_int_eq(header_end(), _i < 2 ? VERDICT_REJECT : VERDICT_CONTINUE);
		}
		/* The From fields of a session without a login are not judged. */
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		for (int i = 0; i < 10; i++)
			session_field(s.session, "From", value);
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		free(value);
	}
END_TEST

START_TEST(the_header_is_judged_once)
	{
		made_session_open(&s);
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
		session_field(s.session, "Subject", "x");
		session_field(s.session, "FROM \t", "eve@own.example");
		ck_assert_int_eq(header_end(), VERDICT_REJECT);
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
	}
END_TEST

/* Fields before the From field of bob, as libmilter hands them over. */
static const struct {
	const char *name, *value;
	enum verdict_kind want;
} other_fields[] = {
	{ "Subject", "x", VERDICT_CONTINUE },
	{ "Subject", "From: eve@own.example", VERDICT_CONTINUE },
	{ "Subject", "x\n From: eve@own.example", VERDICT_CONTINUE },
	{ "Subject", "x\r\n\tFrom: eve@own.example", VERDICT_CONTINUE },
	{ "Subject", "x\rFrom eve@own.example", VERDICT_CONTINUE },
	{ "Subject", "x\rX-From: eve@own.example", VERDICT_CONTINUE },
	{ "Subject", "x\r", VERDICT_CONTINUE },
	{ "Resent-From", "eve@own.example", VERDICT_CONTINUE },
	{ "From ", "eve@own.example", VERDICT_REJECT },
	/* c-client reads a From field there */
	{ ">From", "eve@own.example", VERDICT_REJECT },
	{ ">FROM\t", "eve@own.example", VERDICT_REJECT },
	/* Thunderbird, Python, JavaMail and others read one behind a lone CR */
	{ "Subject", "x\rFrom: eve@own.example", VERDICT_REJECT },
	{ "Subject", "x\r\rfrom \t: eve@own.example", VERDICT_REJECT },
	{ "Subject", "x\n \rFrom: eve@own.example", VERDICT_REJECT },
	{ "Subject", "\rX: y\rFrom: eve@own.example\rZ: z", VERDICT_REJECT },
	{ "Sender", "x\nFrom: eve@own.example", VERDICT_REJECT },
	{ "Subject", "x\r>From: eve@own.example", VERDICT_REJECT },
};

START_TEST(what_readers_take_for_another_from_field_is_one)
	{
		made_session_open(&s);
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
		session_field(s.session, other_fields[_i].name, other_fields[_i].value);
		session_field(s.session, "From", "bob@own.example");
		ck_assert_int_eq(header_end(), other_fields[_i].want);
	}
END_TEST

/* Fields beside a From field with two addresses of bob. */
static const struct {
	const char *name, *value;
	enum verdict_kind want;
} senders[] = {
	{ "Subject", "x", VERDICT_CONTINUE },
	{ "Subject", "x\n Sender: eve@own.example", VERDICT_CONTINUE },
	{ "Sender", "bob@own.example", VERDICT_CONTINUE },
	{ "Sender ", "eve@own.example", VERDICT_REJECT },
	{ "Subject", "x\rSender: bob@own.example", VERDICT_CONTINUE },
	{ "Subject", "x\rSender: eve@own.example", VERDICT_REJECT },
	{ "Subject", "x\r\rSENDER\t:eve@own.example\rX: y", VERDICT_REJECT },
};

START_TEST(what_readers_take_for_a_sender_field_is_one)
	{
		made_session_open(&s);
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
		session_field(s.session, "From", "bob@own.example, bob+x@own.example");
		session_field(s.session, senders[_i].name, senders[_i].value);
		ck_assert_int_eq(header_end(), senders[_i].want);
	}
END_TEST

/* Sylpheed and Thunderbird decode a From field that is not ASCII by the charset of Content-Type. */
static const struct {
	const char *from, *name, *value;
	enum verdict_kind want;
} recoded[] = {
	{ "J\xc3\xb6rg <bob@own.example>", "Content-Type", "text/plain", VERDICT_CONTINUE },
	{ "J\xf6rg <bob@own.example>", "Content-Type", "text/plain; charset=ISO-8859-1",
		VERDICT_CONTINUE },
	{ "J\xf6rg <bob@own.example>", "content-type ", "text/plain; charset=utf-7",
		VERDICT_REJECT },
	{ "J\xc3\xb6rg <bob@own.example>", "Content-Type", "text/plain;\n charset=IBM037",
		VERDICT_REJECT },
	{ "J\xc3\xb6rg <bob@own.example>", "Subject", "x\rContent-Type: text/plain; charset=utf-7",
		VERDICT_REJECT },
	{ "J\xc3\xb6rg <bob@own.example>", "Subject", "x; charset=utf-7", VERDICT_CONTINUE },
	{ "Bob <bob@own.example>", "Content-Type", "text/plain; charset=utf-7", VERDICT_CONTINUE },
};

START_TEST(a_field_that_another_charset_changes_is_refused)
	{
		made_session_open(&s);
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
		session_field(s.session, "From", recoded[_i].from);
		session_field(s.session, recoded[_i].name, recoded[_i].value);
		ck_assert_int_eq(header_end(), recoded[_i].want);
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
		session_field(s.session, "From", recoded[_i].from);
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE); /* a message of its own */
	}
END_TEST

/* Sendmail delivers "eve, Bob <bob@own.example>" as a message from eve at its own domain. */
static const struct {
	const char *version, *from;
	enum verdict_kind want;
} completed[] = {
	{ "8.17.1.9", "eve, Bob <bob@own.example>", VERDICT_REJECT },
	{ "8.17.1.9", "Own Inc., Sales <bob@own.example>", VERDICT_REJECT },
	{ "8.17.1.9", "Bob <bob@own.example>, eve, Bob <bob@own.example>", VERDICT_REJECT },
	{ "8.17.1.9", "\"Own, Inc\" <bob@own.example>", VERDICT_CONTINUE },
	{ "8.17.1.9", "Bob <bob@own.example>, bob@own.example", VERDICT_CONTINUE },
	{ "Postfix 3.7.11", "Own Inc., Sales <bob@own.example>", VERDICT_CONTINUE },
	{ NULL, "Own Inc., Sales <bob@own.example>", VERDICT_CONTINUE },
	{ NULL, "Own Inc., Sales <eve@own.example>", VERDICT_REJECT },
};

START_TEST(a_name_that_sendmail_completes_is_refused)
	{
		made_session_open(&s);
		session_connect(s.session,
			&(struct client){ .host = "x.example", .version = completed[_i].version },
			&s.verdict);
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
		session_field(s.session, "From", completed[_i].from);
		ck_assert_int_eq(header_end(), completed[_i].want);
	}
END_TEST

START_TEST(the_results_show_accepted_recipients_and_count_forged_fields)
	{
		struct results_field results;

		s.made.settings->results_header = "X-Results";
		made_session_open(&s);
		(void)connect_from("192.0.2.1", "x.example");
		session_helo(s.session, "x", &s.verdict);
		(void)mail("<a@x.example>");
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_REJECT);
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_CONTINUE);
		session_field(s.session, "X-Results", "1");
		session_field(s.session, "x-results ", "2");
		session_field(s.session, "X-Results-Not", "3");
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), 0);
		ck_assert_str_eq(results.name, "X-Results");
		ck_assert_uint_eq(results.forged, 2);
		ck_assert_ptr_nonnull(strstr(results.value, "connect=unlisted;"));
		ck_assert_ptr_nonnull(
			strstr(results.value, "rcpt=pass(rcpt_to.access.whitelist:1);"));
		ck_assert_ptr_null(strstr(results.value, "blacklist"));
		ck_assert_ptr_null(strstr(results.value, "y.example"));
		results_field_free(&results);
	}
END_TEST

START_TEST(the_results_of_a_login_name_rules_only_if_set)
	{
		struct results_field results;

		s.made.settings->results_header = "X-Results";
		s.made.settings->results_names = _i == 1;
		made_session_open(&s);
		(void)connect_from("192.0.2.1", "x.example");
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), 0);
		ck_assert((strstr(results.value, "bob") != NULL) == (_i == 1));
		ck_assert((strpbrk(results.value, "()") != NULL) == (_i == 1));
		ck_assert_ptr_nonnull(strstr(results.value, "mail.sender=pass"));
		results_field_free(&results);
	}
END_TEST

START_TEST(the_results_include_stages_judged_before_mail)
	{
		struct results_field results;

		s.made.settings->results_header = "X-Results";
		s.made.settings->delay_reject = false;
		made_session_open(&s);
		(void)connect_from("192.0.2.1", "x.example");
		session_helo(s.session, "x", &s.verdict);
		for (int i = 0; i < 2; i++) {
			(void)mail("<a@x.example>");
			(void)rcpt("<yes@y.example>");
			ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), 0);
			ck_assert_ptr_nonnull(strstr(results.value, "connect=unlisted;"));
			results_field_free(&results);
			session_message_drop(s.session);
		}
	}
END_TEST

START_TEST(the_record_of_an_accepted_message_has_the_rule_and_the_queue_id)
	{
		struct results_field results;

		made_session_open(&s);
		(void)connect_from("192.0.2.1", "mail.x.example");
		(void)mail("<>");
		(void)rcpt("<yes@y.example>");
		ck_assert_int_eq(session_accept(s.session, "Q2", &results, &s.verdict), 0);
		ck_assert_ptr_null(results.name);
		ck_assert_str_eq(made_session_logged(&s, "rule"), "rcpt_to.access.whitelist:1");
		(void)mail("<>");
		ck_assert_int_eq(session_accept(s.session, "Q3", &results, &s.verdict), 0);
		ck_assert_str_eq(made_session_logged(&s, "queue"), "Q3");
	}
END_TEST

START_TEST(a_message_with_too_many_forged_results_is_refused)
	{
		struct results_field results;

		s.made.settings->results_header = "X-Results";
		made_session_open(&s);
		for (int forged = 100; forged <= 101; forged++) {
			(void)mail("<a@x.example>");
			(void)rcpt("<yes@y.example>");
			for (int i = 0; i < forged; i++)
				session_field(s.session, "X-Results", "mail=pass");
			ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
			ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict),
				forged <= 100 ? 0 : -1);
			ck_assert_uint_eq(results.forged, forged <= 100 ? 100 : 0);
			results_field_free(&results);
		}
		ck_assert_int_eq(s.verdict.kind, VERDICT_REJECT);
		ck_assert_str_eq(verdict_deciding_finding(&s.verdict)->reply.enhanced, "5.6.0");
		ck_assert_str_eq(made_session_logged(&s, "verdict"), "reject");
	}
END_TEST

START_TEST(the_results_begin_with_a_space_where_the_mta_adds_none)
	{
		struct results_field results;

		s.made.settings->results_header = "X-Results";
		made_session_open(&s);
		for (int leading = 0; leading < 2; leading++) {
			s.session->needs.leading_space = leading == 1;
			(void)mail("<a@x.example>");
			(void)rcpt("<yes@y.example>");
			ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), 0);
			ck_assert_int_eq(results.value[0] == ' ', leading);
			results_field_free(&results);
		}
	}
END_TEST

START_TEST(the_queue_id_is_kept_until_a_later_one_arrives)
	{
		made_session_open(&s);
		session_queue_id(s.session, "Q1"); /* no message */
		(void)mail("<a@x.example>");
		ck_assert_str_eq(s.session->message->queue, "Q");
		session_queue_id(s.session, NULL);
		session_queue_id(s.session, "");
		ck_assert_str_eq(s.session->message->queue, "Q");
		session_queue_id(s.session, "Q2");
		ck_assert_str_eq(s.session->message->queue, "Q2");
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("session_message");
	TCase *tcase = tcase_create("session_message");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, recipients_are_counted_by_their_verdicts);
	tcase_add_loop_test(tcase, a_field_is_counted_as_it_is_transmitted, 0, ROWS(fields));
	tcase_add_test(tcase, a_header_larger_than_the_message_may_be_is_refused);
	tcase_add_test(tcase, a_message_is_refused_at_the_first_octet_too_many);
	tcase_add_test(tcase, a_check_that_warns_reports_an_excessive_size_once);
	tcase_add_test(tcase, the_body_of_a_message_without_a_limit_does_not_matter);
	tcase_add_loop_test(tcase, too_many_from_fields_are_refused_whatever_on_error_is, 0, 4);
	tcase_add_test(tcase, the_header_is_judged_once);
	tcase_add_loop_test(tcase, what_readers_take_for_another_from_field_is_one, 0,
		sizeof(other_fields) / sizeof(other_fields[0]));
	tcase_add_loop_test(tcase, what_readers_take_for_a_sender_field_is_one, 0,
		(int)(sizeof(senders) / sizeof(senders[0])));
	tcase_add_loop_test(tcase, a_field_that_another_charset_changes_is_refused, 0,
		(int)(sizeof(recoded) / sizeof(recoded[0])));
	tcase_add_loop_test(tcase, a_name_that_sendmail_completes_is_refused, 0,
		sizeof(completed) / sizeof(completed[0]));
	tcase_add_test(tcase, the_results_show_accepted_recipients_and_count_forged_fields);
	tcase_add_loop_test(tcase, the_results_of_a_login_name_rules_only_if_set, 0, 2);
	tcase_add_test(tcase, the_results_include_stages_judged_before_mail);
	tcase_add_test(tcase, the_record_of_an_accepted_message_has_the_rule_and_the_queue_id);
	tcase_add_test(tcase, a_message_with_too_many_forged_results_is_refused);
	tcase_add_test(tcase, the_results_begin_with_a_space_where_the_mta_adds_none);
	tcase_add_test(tcase, the_queue_id_is_kept_until_a_later_one_arrives);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
