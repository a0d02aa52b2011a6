/*
 * Shows how a session reads the facts of a client and of MAIL, at which stage it judges them, and
 * that one policy judges a whole message.
 */
#include "milter/smtp/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_session.h"
#include "t/unit/unit.h"

static struct made_session s;
static struct sockaddr_in client_address; /* 192.0.2.1 */

static void setup(void)
{
	client_address.sin_family = AF_INET;
	client_address.sin_addr.s_addr = htonl(0xc0000201);
	made_session_begin(&s);
	s.made.settings->default_domain = "own.example";
	made_list(&s.made, LIST_CONN_DENY, "192.0.2.7\nbad.example");
	made_list(&s.made, LIST_MAIL_DENY, "spam@x.example");
	made_list(&s.made, LIST_RCPT_DENY, "no@y.example");
	made_list(&s.made, LIST_RCPT_ALLOW, "yes@y.example");
	(void)made_profile(&s.made,
		&(struct made_profile){ .id = "1", .name = "p", .open = "t", .maxsize = "1000" });
	(void)made_user(&s.made,
		&(struct made_user){ .id = "1", .name = "bob", .profile_id = "1" });
	(void)made_user(&s.made,
		&(struct made_user){ .id = "2", .name = "a+b=c", .profile_id = "1" });
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

START_TEST(a_listed_client_is_judged_at_mail)
	{
		made_session_open(&s);
		ck_assert_int_eq(connect_from("192.0.2.7", "[192.0.2.7]"), VERDICT_CONTINUE);
		session_helo(s.session, "x", &s.verdict);
		ck_assert_int_eq(s.verdict.kind, VERDICT_CONTINUE);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_REJECT);
		ck_assert_str_eq(made_session_logged(&s, "stage"), "connect");
		/* The lists of connect do not apply to a login. */
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
	}
END_TEST

START_TEST(without_delay_a_listed_client_is_judged_at_once)
	{
		s.made.settings->delay_reject = false;
		made_session_open(&s);
		ck_assert_int_eq(connect_from("192.0.2.7", "[192.0.2.7]"), VERDICT_REJECT);
		ck_assert_str_eq(made_session_logged(&s, "stage"), "connect");
		/* It is not judged again, because the MTA has its answer. */
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
	}
END_TEST

static const struct {
	const char *host, *resolve;
	enum verdict_kind want;
} names[] = {
	{ "bad.example", NULL, VERDICT_REJECT },
	{ "Bad.Example.", NULL, VERDICT_REJECT },
	{ "bad.example", "OK", VERDICT_REJECT },
	/* Sendmail passes names that do not resolve back; Postfix calls such a client unknown. */
	{ "bad.example", "FORGED", VERDICT_CONTINUE },
	{ "bad.example", "FAIL", VERDICT_CONTINUE },
	{ "[192.0.2.1]", NULL, VERDICT_CONTINUE },
	{ "unknown", NULL, VERDICT_CONTINUE },
	{ "", NULL, VERDICT_CONTINUE },
	{ NULL, NULL, VERDICT_CONTINUE },
};

START_TEST(a_host_that_is_no_name_matches_no_list)
	{
		made_session_open(&s);
		session_connect(s.session,
			&(struct client){ .host = names[_i].host,
				.resolve = names[_i].resolve,
				.address = (struct sockaddr *)&client_address },
			&s.verdict);
		ck_assert_int_eq(mail("<a@x.example>"), names[_i].want);
	}
END_TEST

START_TEST(a_local_client_has_no_address)
	{
		made_session_open(&s);
		session_connect(s.session, &(struct client){ .host = "localhost" }, &s.verdict);
		ck_assert_int_eq(mail("<spam@x.example>"), VERDICT_REJECT);
		ck_assert_str_eq(made_session_logged(&s, "client"), "local");
	}
END_TEST

/* The MTA's own host name is one of [lists] local_domains, in any case and with a dot behind it. */
static const struct {
	const char *mta_name;
	enum verdict_kind want;
} mta_names[] = {
	{ "mx.own.example", VERDICT_REJECT },
	{ "MX.Own.Example.", VERDICT_REJECT },
	{ "mail.own.example", VERDICT_CONTINUE },
	{ "", VERDICT_CONTINUE },
	{ NULL, VERDICT_CONTINUE },
};

START_TEST(the_mta_gives_its_own_name)
	{
		s.made.settings->local_domains = "x.example\0";
		made_session_open(&s);
		session_connect(s.session, &(struct client){ .mta_name = mta_names[_i].mta_name },
			&s.verdict);
		ck_assert_int_eq(mail("<spam@mx.own.example>"), mta_names[_i].want);
	}
END_TEST

static const struct {
	const char *version, *login;
	enum verdict_kind want;
} logins[] = {
	/* Sendmail writes logins in xtext, Postfix unchanged. */
	{ "8.17.1.9", "a+2Bb+3Dc", VERDICT_CONTINUE },
	{ "8.17.1.9", "a+b=c", VERDICT_CONTINUE }, /* "+b=" is not xtext */
	{ "Postfix 3.7.11", "a+b=c", VERDICT_CONTINUE },
	{ "Postfix 3.7.11", "a+2Bb+3Dc", VERDICT_REJECT }, { NULL, "a+b=c", VERDICT_CONTINUE },
	{ "8.17.1.9", "a+00b", VERDICT_REJECT }, /* xtext of NUL is not decoded */
};

START_TEST(a_login_is_read_in_the_encoding_of_the_mta)
	{
		made_session_open(&s);
		session_connect(s.session,
			&(struct client){ .host = "x.example", .version = logins[_i].version },
			&s.verdict);
		ck_assert_int_eq(mail_as("<a+b=c@own.example>", logins[_i].login), logins[_i].want);
	}
END_TEST

/* Spellings of token:carol@own.example, as an MTA reports them that asks saslauthd's protocol. */
static const char *const token_logins[] = {
	"token:carol@own.example",
	"TOKEN:Carol@OWN.Example",
	"token:carol@own.example.",
	"token:\"carol\"@own.example",
	"token:\"ca\\rol\"@own.example",
	"token:<carol@own.example>",
	"token: carol@own.example ",
	"token:@relay.example:carol@own.example",
};
START_TEST(all_spellings_of_a_token_are_one_login)
	{
		s.made.settings->token_login = "token";
		made_session_open(&s);
		(void)connect_from("192.0.2.1", "mx.x.example");
		(void)mail_as("<spam@x.example>", token_logins[_i]);
		ck_assert_str_eq(made_session_logged(&s, "login"), "token:carol@own.example");
	}
END_TEST

static const struct {
	const char *parameter;
	enum verdict_kind want;
} sizes[] = {
	{ "SIZE=1000", VERDICT_CONTINUE },
	{ "SIZE=1001", VERDICT_REJECT },
	{ "size=1001", VERDICT_REJECT },
	{ "SIZE=99999999999999999999999999", VERDICT_REJECT },
	{ "SIZE=", VERDICT_CONTINUE },
	{ "SIZE=-5", VERDICT_CONTINUE },
	{ "SIZE=5000x", VERDICT_CONTINUE },
	{ "XSIZE=5000", VERDICT_CONTINUE },
	{ "BODY=8BITMIME", VERDICT_CONTINUE },
};

START_TEST(a_declared_size_must_be_a_number)
	{
		const char *const parameters[] = { "BODY=7BIT", sizes[_i].parameter, NULL };

		made_session_open(&s);
		session_mail(s.session,
			&(struct mail_command){ .address = "<bob@own.example>",
				.login = "bob",
				.parameters = parameters },
			&s.verdict);
		ck_assert_int_eq(s.verdict.kind, sizes[_i].want);
	}
END_TEST

START_TEST(one_policy_judges_the_whole_message)
	{
		struct policy_parts parts;

		made_session_open(&s);
		parts = *policy_parts(s.made.policy);
		parts.lists[LIST_RCPT_DENY] = parts.lists[LIST_RCPT_ALLOW]; /* yes@y.example */
		parts.lists[LIST_RCPT_ALLOW] = NULL;
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		snapshot_publish(s.snapshot, policy_new(&parts));
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_REJECT);
		session_message_drop(s.session);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_REJECT);
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_CONTINUE);
	}
END_TEST

/* A client can keep a message open for days; it must not keep many old lists in memory. */
START_TEST(rules_that_were_replaced_many_times_judge_no_longer)
	{
		struct policy_parts parts;

		made_session_open(&s);
		parts = *policy_parts(s.made.policy);
		parts.lists[LIST_RCPT_DENY] = parts.lists[LIST_RCPT_ALLOW]; /* yes@y.example */
		parts.lists[LIST_RCPT_ALLOW] = NULL;
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		for (int i = 0; i <= POLICY_PINS_KEPT; i++) {
			ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_CONTINUE);
			snapshot_publish(s.snapshot, policy_new(&parts));
		}
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_REJECT);
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_CONTINUE);
	}
END_TEST

START_TEST(without_a_policy_mail_is_deferred)
	{
		s.made.settings->on_error = ON_ERROR_TEMPFAIL;
		made_session_open_without_policy(&s);
		(void)connect_from("192.0.2.7", "x.example");
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_TEMPFAIL);
		ck_assert_int_eq(verdict_deciding_finding(&s.verdict)->reply.code, 451);
		ck_assert_str_eq(made_session_logged(&s, "rule"), "no policy yet");
	}
END_TEST

START_TEST(without_a_policy_mail_passes_if_on_error_is_accept)
	{
		struct results_field results;

		s.made.settings->on_error = ON_ERROR_ACCEPT;
		made_session_open_without_policy(&s);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		ck_assert_str_eq(made_session_logged(&s, "verdict"), "accept-on-error");
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), 0);
		ck_assert_str_eq(made_session_logged(&s, "verdict"), "accept");
	}
END_TEST

START_TEST(commands_out_of_order_are_harmless)
	{
		struct results_field results;

		made_session_open(&s);
		ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_TEMPFAIL);
		session_field(s.session, "From", "a@b");
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(s.session, NULL, &results, &s.verdict), 0);
		session_message_drop(s.session);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(mail("<b@x.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), 0);
		ck_assert_str_eq(made_session_logged(&s, "sender"), "b@x.example");
	}
END_TEST

START_TEST(a_refused_sender_starts_no_message)
	{
		made_session_open(&s);
		ck_assert_int_eq(mail("<spam@x.example>"), VERDICT_REJECT);
		ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_TEMPFAIL);
	}
END_TEST

START_TEST(session_ids_are_unique)
	{
		char first[40];

		made_session_open(&s);
		(void)mail("<spam@x.example>");
		(void)snprintf(first, sizeof(first), "%s", made_session_logged(&s, "session"));
		ck_assert_uint_gt(strlen(first), 8);
		session_free(&s.session);
		session_free(&s.session);
		s.session = made_session_another(&s);
		(void)mail("<spam@x.example>");
		ck_assert_str_ne(made_session_logged(&s, "session"), first);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_listed_client_is_judged_at_mail);
	tcase_add_test(tcase, without_delay_a_listed_client_is_judged_at_once);
	tcase_add_loop_test(tcase, a_host_that_is_no_name_matches_no_list, 0, ROWS(names));
	tcase_add_test(tcase, a_local_client_has_no_address);
	tcase_add_loop_test(tcase, the_mta_gives_its_own_name, 0, ROWS(mta_names));
	tcase_add_loop_test(tcase, a_login_is_read_in_the_encoding_of_the_mta, 0, ROWS(logins));
	tcase_add_loop_test(tcase, all_spellings_of_a_token_are_one_login, 0, ROWS(token_logins));
	tcase_add_loop_test(tcase, a_declared_size_must_be_a_number, 0, ROWS(sizes));
	tcase_add_test(tcase, one_policy_judges_the_whole_message);
	tcase_add_test(tcase, rules_that_were_replaced_many_times_judge_no_longer);
	tcase_add_test(tcase, without_a_policy_mail_is_deferred);
	tcase_add_test(tcase, without_a_policy_mail_passes_if_on_error_is_accept);
	tcase_add_test(tcase, commands_out_of_order_are_harmless);
	tcase_add_test(tcase, a_refused_sender_starts_no_message);
	tcase_add_test(tcase, session_ids_are_unique);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
