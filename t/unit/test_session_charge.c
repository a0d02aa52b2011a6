/*
 * Shows that a session's connection is counted and charged while it is open, that exempt clients
 * consume nothing, and that a limit with on_limit = suspend suspends the login and logs that.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/rules/ledger.h"
#include "milter/log/log.h"
#include "milter/smtp/session_private.h"
#include "t/unit/lib/made_session.h"
#include "t/unit/unit.h"

static struct made_session s;
static struct ledger *ledger;
static struct ledger_ops ops;

static void setup(void)
{
	made_session_begin(&s);
	ledger = ledger_new();
	ops = ledger_ops(ledger);
	ck_assert_ptr_nonnull(ledger);
	s.made.settings->rates = rates_new();
	s.made.settings->default_domain = "own.example";
}

static void teardown(void)
{
	made_session_end(&s);
	ledger_free(&ledger);
}

static uint64_t read_clock(const void *context)
{
	return *(const uint64_t *)context;
}

static void limit_rate(enum rate rate, const char *key, const char *value)
{
	ck_assert_int_eq(rates_add(s.made.settings->rates, rate, key, value, NULL), 0);
}

static void open_with_ledger(void)
{
	made_session_open(&s);
	s.now = 1000000;
	shared_set_ledger(s.shared, &ops, read_clock, &s.now);
}

/* Connect a session and try to send mail, because connect is judged at MAIL. */
static enum verdict_kind send_from(struct session *session, const char *ip)
{
	(void)made_session_connect(&s, session, ip, "x.example");
	return made_session_mail(&s, session, "<a@x.example>", NULL);
}

START_TEST(a_connection_is_charged_even_if_it_sends_nothing)
	{
		struct session *second, *other;

		limit_rate(RATE_CONN, "default", "1/1h");
		open_with_ledger();
		second = made_session_another(&s);
		other = made_session_another(&s);
		(void)made_session_connect(&s, s.session, "192.0.2.1", "x.example");
		session_free(&s.session);
		ck_assert_int_eq(send_from(second, "192.0.2.1"), VERDICT_TEMPFAIL);
		ck_assert_str_eq(made_session_logged(&s, "check"), "rates");
		ck_assert_int_eq(send_from(other, "192.0.2.2"), VERDICT_CONTINUE);
		session_free(&second);
		session_free(&other);
	}
END_TEST

START_TEST(a_connection_is_charged_once_for_all_its_messages)
	{
		limit_rate(RATE_CONN, "default", "1/1h");
		open_with_ledger();
		ck_assert_int_eq(send_from(s.session, "192.0.2.1"), VERDICT_CONTINUE);
		ck_assert_int_eq(made_session_mail(&s, s.session, "<b@x.example>", NULL),
			VERDICT_CONTINUE);
	}
END_TEST

START_TEST(open_connections_of_a_client_are_counted_until_they_end)
	{
		struct session *second, *third;

		limit_rate(RATE_CONCURRENCY, "default", "1");
		open_with_ledger();
		second = made_session_another(&s);
		third = made_session_another(&s);
		ck_assert_int_eq(send_from(s.session, "192.0.2.1"), VERDICT_CONTINUE);
		ck_assert_uint_eq(s.session->open, 1);
		ck_assert_int_eq(send_from(second, "192.0.2.1"), VERDICT_TEMPFAIL);
		ck_assert_uint_eq(second->open, 2);
		session_free(&s.session);
		session_free(&second);
		ck_assert_int_eq(send_from(third, "192.0.2.1"), VERDICT_CONTINUE);
		ck_assert_uint_eq(third->open, 1);
		session_free(&third);
	}
END_TEST

/* Sendmail sends mail from its aliases in DNS as from one address. */
START_TEST(a_sender_counts_where_the_mta_resolves_it)
	{
		const struct mail_command mails[] = { { .address = "<bob@a.example>",
							      .resolved = "bob@own.example" },
			{ .address = "<bob@b.example>", .resolved = "bob@own.example" } };
		struct session *second;

		limit_rate(RATE_RCPT_SENDER, "default", "1/1h");
		open_with_ledger();
		second = made_session_another(&s);
		session_mail(s.session, &mails[0], &s.verdict);
		ck_assert_int_eq(made_session_rcpt(&s, s.session, "<x@y.example>"),
			VERDICT_CONTINUE);
		session_mail(second, &mails[1], &s.verdict);
		ck_assert_int_eq(made_session_rcpt(&s, second, "<x@y.example>"), VERDICT_TEMPFAIL);
		session_free(&second);
	}
END_TEST

/* Sendmail reuses a connection to the milter for another client. */
START_TEST(a_second_client_of_a_session_replaces_the_first)
	{
		struct session *second;

		limit_rate(RATE_CONCURRENCY, "default", "1");
		open_with_ledger();
		second = made_session_another(&s);
		ck_assert_int_eq(send_from(s.session, "192.0.2.1"), VERDICT_CONTINUE);
		ck_assert_int_eq(send_from(s.session, "192.0.2.2"), VERDICT_CONTINUE);
		ck_assert_int_eq(send_from(second, "192.0.2.1"), VERDICT_CONTINUE);
		session_free(&second);
	}
END_TEST

START_TEST(an_exempt_client_consumes_nothing_of_a_shared_entry)
	{
		struct session *second;

		limit_rate(RATE_CONCURRENCY, "192.0.2.0/24", "1");
		ck_assert_int_eq(rates_exempt_network(s.made.settings->rates, "192.0.2.9/32", NULL),
			0);
		open_with_ledger();
		second = made_session_another(&s);
		ck_assert_int_eq(send_from(s.session, "192.0.2.9"), VERDICT_CONTINUE);
		ck_assert_int_eq(send_from(second, "192.0.2.1"), VERDICT_CONTINUE);
		ck_assert_uint_eq(second->open, 1);
		session_free(&second);
	}
END_TEST

START_TEST(a_check_that_is_off_counts_each_client_separately)
	{
		limit_rate(RATE_CONCURRENCY, "192.0.2.0/24", "1");
		s.made.services[0].mode[CHECK_RATES] = MODE_NO;
		open_with_ledger();
		(void)send_from(s.session, "192.0.2.1");
		ck_assert_str_eq(s.session->counted, "concurrency:192.0.2.1");
	}
END_TEST

START_TEST(a_local_client_is_not_counted)
	{
		limit_rate(RATE_CONCURRENCY, "default", "1");
		open_with_ledger();
		ck_assert_int_eq(send_from(s.session, NULL), VERDICT_CONTINUE);
		ck_assert_ptr_null(s.session->counted);
		ck_assert_uint_eq(s.session->open, 0);
	}
END_TEST

START_TEST(without_a_policy_a_connection_is_counted_but_not_charged)
	{
		limit_rate(RATE_CONN, "default", "1/1h");
		made_session_open_without_policy(&s);
		shared_set_ledger(s.shared, &ops, read_clock, &s.now);
		(void)send_from(s.session, "192.0.2.1");
		ck_assert_str_eq(s.session->counted, "concurrency:192.0.2.1");
		ck_assert(!s.session->is_charged);
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
	}
END_TEST

/* ---- the end of a message -------------------------------------------------- */

/* The end of a message after one recipient, with a limit of two. */
enum end {
	ACCEPTED,
	ACCEPTED_THEN_ABORTED,
	HIDDEN, /* as by smtpd_proxy_filter of Postfix, which then aborts it, too */
	ABORTED,
	ABORTED_AFTER_DATA,
	NEXT_MAIL,
	DISCONNECTED, /* libmilter aborts the message first */
	CLOSED,	      /* by libmilter, after a long silence of the MTA, which may still send it */
	BAD_FROM,
	TOO_BIG,
	FORGED,
	SUSPENDED, /* after the recipient was accepted */
	END_COUNT
};

static bool is_sent(enum end end)
{
	return end == ACCEPTED || end == ACCEPTED_THEN_ABORTED || end == HIDDEN || end == CLOSED;
}

static void begin_message(struct session *session)
{
	ck_assert_int_eq(made_session_mail(&s, session, "<bob@own.example>", "bob"),
		VERDICT_CONTINUE);
	ck_assert_int_eq(made_session_rcpt(&s, session, "<a@y.example>"), VERDICT_CONTINUE);
}

static void accept_message(void)
{
	struct results_field results;

	ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), 0);
	results_field_free(&results);
}

/* As the callbacks do after a refusal. */
static void drop_refused(void)
{
	ck_assert_int_eq(s.verdict.kind, VERDICT_REJECT);
	session_message_drop(s.session);
}

static void end_message(enum end end)
{
	struct results_field results;

	session_field(s.session, "From", end == BAD_FROM ? "eve@own.example" : "bob@own.example");
	if (end == FORGED) {
		s.session->message->forged = 101;
		ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), -1);
	} else if (end == SUSPENDED) {
		ck_assert_int_eq(suspensions_set(shared_suspensions(s.shared), "BOB", true), 1);
		ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), -1);
		ck_assert_int_eq(suspensions_set(shared_suspensions(s.shared), "bob", false), 1);
	} else if (end == BAD_FROM) {
		session_header_end(s.session, "Q", &s.verdict);
	} else if (end == TOO_BIG) {
		session_header_end(s.session, "Q", &s.verdict);
		(void)session_body(s.session, 10000, &s.verdict);
	}
	if (end == BAD_FROM || end == TOO_BIG || end == FORGED || end == SUSPENDED)
		drop_refused();
	if (end == HIDDEN)
		s.session->message->queue[0] = '\0';
	if (end == HIDDEN || end == ABORTED_AFTER_DATA)
		session_data(s.session, end == HIDDEN ? NULL : "Q");
	if (end == ACCEPTED || end == ACCEPTED_THEN_ABORTED)
		accept_message();
	if (end == NEXT_MAIL)
		begin_message(s.session);
	if (end != CLOSED)
		session_message_drop(s.session);
	if (end == CLOSED || end == DISCONNECTED)
		session_free(&s.session);
}

START_TEST(a_message_is_charged_only_if_it_is_accepted)
	{
		struct session *other;

		s.made.settings->limit_attempts = 10;
		limit_rate(RATE_RCPT_SENDER, "default", "2/1h");
		(void)made_profile(&s.made,
			&(struct made_profile){ .id = "1",
				.name = "p",
				.open = "t",
				.limits = "2/1h",
				.maxsize = "1000" });
		(void)made_user(&s.made,
			&(struct made_user){ .id = "1", .name = "bob", .profile_id = "1" });
		open_with_ledger();
		other = made_session_another(&s);
		begin_message(s.session);
		begin_message(other);
		ck_assert_int_eq(made_session_rcpt(&s, s.session, "<b@y.example>"),
			VERDICT_TEMPFAIL);
		end_message((enum end)_i);
		ck_assert_int_eq(made_session_rcpt(&s, other, "<b@y.example>"),
			is_sent((enum end)_i) ? VERDICT_TEMPFAIL : VERDICT_CONTINUE);
		ck_assert_uint_eq(shared_hidden_messages(s.shared), _i == HIDDEN);
		session_free(&other);
	}
END_TEST

/* Postfix with smtpd_proxy_filter and milter_protocol = 3 reports nothing between RCPT and the
 * abort that follows each message. */
START_TEST(without_data_a_message_without_content_counts)
	{
		const bool has_content = _i == 1, has_rcpt = _i != 2;

		limit_rate(RATE_RCPT, "default", "1/1h");
		s.made.settings->unknown_user = UNKNOWN_ACCEPT;
		open_with_ledger();
		s.session->needs.lacks_data = true;
		ck_assert_int_eq(made_session_mail(&s, s.session, "<bob@own.example>", "bob"),
			VERDICT_CONTINUE);
		if (has_rcpt)
			ck_assert_int_eq(made_session_rcpt(&s, s.session, "<a@y.example>"),
				VERDICT_CONTINUE);
		if (has_content)
			session_field(s.session, "From", "bob@own.example");
		session_message_drop(s.session);
		ck_assert_uint_eq(shared_unreported_messages(s.shared), _i == 0);
		ck_assert_int_eq(made_session_mail(&s, s.session, "<bob@own.example>", "bob"),
			VERDICT_CONTINUE);
		ck_assert_int_eq(made_session_rcpt(&s, s.session, "<a@y.example>"),
			_i == 0 ? VERDICT_TEMPFAIL : VERDICT_CONTINUE);
	}
END_TEST

/* The client may send its content for longer than the limit's window. */
START_TEST(a_hidden_message_is_reserved_until_its_end)
	{
		const uint64_t window = UINT64_C(3600000000);
		struct session *other;

		limit_rate(RATE_RCPT, "default", "1/1h");
		s.made.settings->unknown_user = UNKNOWN_ACCEPT;
		open_with_ledger();
		other = made_session_another(&s);
		begin_message(s.session);
		s.session->message->queue[0] = '\0';
		session_data(s.session, NULL);
		s.now += 2 * window;
		ck_assert_int_eq(made_session_mail(&s, other, "<bob@own.example>", "bob"),
			VERDICT_CONTINUE);
		ck_assert_int_eq(made_session_rcpt(&s, other, "<a@y.example>"), VERDICT_TEMPFAIL);
		session_message_drop(s.session);
		s.now += window - 1000000;
		ck_assert_int_eq(made_session_rcpt(&s, other, "<a@y.example>"), VERDICT_TEMPFAIL);
		s.now += 2000000;
		ck_assert_int_eq(made_session_rcpt(&s, other, "<a@y.example>"), VERDICT_CONTINUE);
		session_free(&other);
	}
END_TEST

/* With on_error = accept, the message is sent although its results field is lost. */
START_TEST(a_message_that_on_error_answers_is_charged_if_that_accepts_it)
	{
		const char *const key = "rate_rcpt:a@y.example";
		const struct limit limit = { 2, 3600 };
		const struct ledger_request request = { key, strlen(key), &limit, 1, 1, 0,
			{ 0, { 0 } } };
		struct results_field results;
		struct ledger_usage usage;

		s.made.settings->on_error = _i == 0 ? ON_ERROR_ACCEPT : ON_ERROR_TEMPFAIL;
		s.made.settings->results_header = "X-Results";
		limit_rate(RATE_RCPT, "default", "2/1h");
		open_with_ledger();
		s.session->needs.results = true;
		ck_assert_int_eq(made_session_mail(&s, s.session, "<a@x.example>", NULL),
			VERDICT_CONTINUE);
		ck_assert_int_eq(made_session_rcpt(&s, s.session, "<a@y.example>"),
			VERDICT_CONTINUE);
		s.session->message->results.failed = true;
		ck_assert_int_eq(session_accept(s.session, "Q", &results, &s.verdict), -1);
		ck_assert_int_eq(s.verdict.kind, _i == 0 ? VERDICT_CONTINUE : VERDICT_TEMPFAIL);
		session_message_drop(s.session);
		ck_assert_int_eq(ledger_look(ledger, s.now, &request, 1, &usage), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, _i == 0 ? 1 : 0);
		ck_assert_uint_eq(usage.open, 0);
	}
END_TEST

/* ---- suspensions ----------------------------------------------------------- */

static char suspended[32];
static bool disk_is_full;

static int suspend_login(void *context, const char *login, struct errmsg *err)
{
	(void)context;
	(void)snprintf(suspended, sizeof(suspended), "%s", login);
	return disk_is_full ? errmsg_set(err, "the disk is full") : 0;
}

/* Send two recipients as login, whose limit allows one. Returns the log's lines on stderr. */
static const char *exceed_limit(const char *login)
{
	static char written[2000];
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t len;

	(void)made_profile(&s.made,
		&(struct made_profile){ .id = "1", .name = "p", .open = "t", .limits = "1/1h" });
	(void)made_user(&s.made,
		&(struct made_user){ .id = "1", .name = "bob", .froms = "*", .profile_id = "1" });
	s.made.settings->on_limit = ON_LIMIT_SUSPEND;
	open_with_ledger();
	suspended[0] = '\0';
	shared_on_suspend(s.shared, suspend_login, NULL);
	log_set_level(LOG_LEVEL_WARNING);
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	(void)dup2(ends[1], STDERR_FILENO);
	(void)made_session_mail(&s, s.session, "<a@x.example>", login);
	for (int i = 0; i < 2; i++)
		(void)made_session_rcpt(&s, s.session, "<b@y.example>");
	(void)dup2(saved, STDERR_FILENO);
	len = read(ends[0], written, sizeof(written) - 1);
	written[len < 0 ? 0 : len] = '\0';
	(void)close(saved);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return written;
}

START_TEST(a_limit_suspends_the_login_as_the_row_spells_it)
	{
		const char *written;

		disk_is_full = false;
		written = exceed_limit("BOB@own.example");
		ck_assert_int_eq(s.verdict.kind, VERDICT_REJECT);
		ck_assert_str_eq(suspended, "bob");
		ck_assert_ptr_nonnull(strstr(written, " suspended=bob rule=\"profile p: limits\""));
		ck_assert_ptr_nonnull(strstr(written, " used=1/1 "));
	}
END_TEST

START_TEST(a_suspension_that_fails_is_logged_as_an_error)
	{
		const char *written;

		disk_is_full = true;
		written = exceed_limit("bob");
		ck_assert_int_eq(s.verdict.kind, VERDICT_REJECT);
		ck_assert_ptr_nonnull(strstr(written, "error"));
		ck_assert_ptr_nonnull(strstr(written, " not-suspended=bob "));
		ck_assert_ptr_nonnull(strstr(written, " error=\"the disk is full\""));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("session_charge");
	TCase *tcase = tcase_create("session_charge");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_connection_is_charged_even_if_it_sends_nothing);
	tcase_add_test(tcase, a_connection_is_charged_once_for_all_its_messages);
	tcase_add_test(tcase, open_connections_of_a_client_are_counted_until_they_end);
	tcase_add_test(tcase, a_sender_counts_where_the_mta_resolves_it);
	tcase_add_test(tcase, a_second_client_of_a_session_replaces_the_first);
	tcase_add_test(tcase, an_exempt_client_consumes_nothing_of_a_shared_entry);
	tcase_add_test(tcase, a_check_that_is_off_counts_each_client_separately);
	tcase_add_test(tcase, a_local_client_is_not_counted);
	tcase_add_test(tcase, without_a_policy_a_connection_is_counted_but_not_charged);
	tcase_add_loop_test(tcase, a_message_is_charged_only_if_it_is_accepted, 0, END_COUNT);
	tcase_add_loop_test(tcase, without_data_a_message_without_content_counts, 0, 3);
	tcase_add_test(tcase, a_hidden_message_is_reserved_until_its_end);
	tcase_add_loop_test(tcase, a_message_that_on_error_answers_is_charged_if_that_accepts_it, 0,
		2);
	tcase_add_test(tcase, a_limit_suspends_the_login_as_the_row_spells_it);
	tcase_add_test(tcase, a_suspension_that_fails_is_logged_as_an_error);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
