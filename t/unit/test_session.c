#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "milter/log/events.h"
#include "milter/log/log.h"
#include "milter/smtp/session.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made made;
static struct snapshot *snapshot;
static struct shared *shared;
static struct session *session;
static struct verdict verdict;

static void wake(void *context)
{
	(void)context;
}

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR); /* decisions are followed, not read in the log */
	events_follow(wake, NULL);
	made_begin(&made);
	made.settings->default_domain = "own.example";
	made_list(&made, LIST_CONN_DENY, "192.0.2.7\nbad.example");
	made_list(&made, LIST_MAIL_DENY, "spam@x.example");
	made_list(&made, LIST_RCPT_DENY, "no@y.example");
	made_list(&made, LIST_RCPT_ALLOW, "yes@y.example");
	(void)made_profile(&made,
		&(struct made_profile){ .id = "1", .name = "p", .open = "t", .maxsize = "1000" });
	(void)made_user(&made, &(struct made_user){ .id = "1", .name = "bob", .profile_id = "1" });
	(void)made_user(&made,
		&(struct made_user){ .id = "2", .name = "a+b=c", .profile_id = "1" });
	snapshot = snapshot_new();
	ck_assert_ptr_nonnull(snapshot);
}

/* In force from now on: what `made` holds. */
static void begin(void)
{
	struct needs needs;

	made_build(&made);
	snapshot_publish(snapshot, policy_ref(made.policy));
	shared = shared_new(snapshot, made.settings, false);
	needs_of(&made.parts, false, &needs);
	needs.body = true;
	session = session_new(shared, &needs);
	ck_assert_ptr_nonnull(session);
}

static void teardown(void)
{
	session_free(&session);
	shared_free(&shared);
	snapshot_free(&snapshot);
	made_end(&made);
	events_unfollow();
}

static struct sockaddr *address(const char *text)
{
	static struct sockaddr_in in;

	in.sin_family = AF_INET;
	ck_assert_int_eq(inet_pton(AF_INET, text, &in.sin_addr), 1);
	return (struct sockaddr *)&in;
}

static enum verdict_kind connect_from(const char *ip, const char *host)
{
	session_connect(session, &(struct client){ .host = host, .address = address(ip) },
		&verdict);
	return verdict.kind;
}

static enum verdict_kind mail_as(const char *sender, const char *login)
{
	session_mail(session,
		&(struct mail_command){ .address = sender, .login = login, .queue = "Q" },
		&verdict);
	return verdict.kind;
}

static enum verdict_kind mail(const char *sender)
{
	return mail_as(sender, NULL);
}

static enum verdict_kind rcpt(const char *recipient)
{
	session_rcpt(session, recipient, "Q", &verdict);
	return verdict.kind;
}

static enum verdict_kind header_end(void)
{
	session_header_end(session, "Q", &verdict);
	return verdict.kind;
}

/* The text of the last decision's key; "" when there is none. The text stays until the next call.
 */
static const char *logged(const char *key)
{
	static char text[300];
	json_t *event = NULL;
	uint64_t dropped;
	char *line;

	while ((line = events_take(&dropped)) != NULL) {
		json_decref(event);
		event = json_loads(line, 0, NULL);
		free(line);
	}
	(void)snprintf(text, sizeof(text), "%s",
		json_is_string(json_object_get(event, key)) ?
			json_string_value(json_object_get(event, key)) :
			"");
	json_decref(event);
	return text;
}

START_TEST(a_listed_client_is_judged_at_mail)
	{
		begin();
		ck_assert_int_eq(connect_from("192.0.2.7", "[192.0.2.7]"), VERDICT_CONTINUE);
		session_helo(session, "x", &verdict);
		ck_assert_int_eq(verdict.kind, VERDICT_CONTINUE);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_REJECT);
		ck_assert_str_eq(logged("stage"), "connect");
		/* A login frees from it. */
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
	}
END_TEST

START_TEST(without_delay_it_is_judged_at_once)
	{
		made.settings->delay_reject = false;
		begin();
		ck_assert_int_eq(connect_from("192.0.2.7", "[192.0.2.7]"), VERDICT_REJECT);
		ck_assert_str_eq(logged("stage"), "connect");
		/* And not again: the MTA has its answer. */
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
	/* Sendmail hands over names that don't lead back; Postfix calls such a client unknown. */
	{ "bad.example", "FORGED", VERDICT_CONTINUE },
	{ "bad.example", "FAIL", VERDICT_CONTINUE },
	{ "[192.0.2.1]", NULL, VERDICT_CONTINUE },
	{ "unknown", NULL, VERDICT_CONTINUE },
	{ "", NULL, VERDICT_CONTINUE },
	{ NULL, NULL, VERDICT_CONTINUE },
};

START_TEST(what_is_no_name_is_not_compared)
	{
		begin();
		session_connect(session,
			&(struct client){ .host = names[_i].host,
				.resolve = names[_i].resolve,
				.address = address("192.0.2.1") },
			&verdict);
		ck_assert_int_eq(mail("<a@x.example>"), names[_i].want);
	}
END_TEST

START_TEST(a_local_client_has_no_address)
	{
		begin();
		session_connect(session, &(struct client){ .host = "localhost" }, &verdict);
		ck_assert_int_eq(mail("<spam@x.example>"), VERDICT_REJECT);
		ck_assert_str_eq(logged("client"), "local");
	}
END_TEST

static const struct {
	const char *version, *login;
	enum verdict_kind want;
} logins[] = {
	/* Sendmail writes it as xtext, Postfix as it is. */
	{ "8.17.1.9", "a+2Bb+3Dc", VERDICT_CONTINUE },
	{ "8.17.1.9", "a+b=c", VERDICT_CONTINUE }, /* +b= is no xtext */
	{ "Postfix 3.7.11", "a+b=c", VERDICT_CONTINUE },
	{ "Postfix 3.7.11", "a+2Bb+3Dc", VERDICT_REJECT }, { NULL, "a+b=c", VERDICT_CONTINUE },
	{ "8.17.1.9", "a+00b", VERDICT_REJECT }, /* no NUL comes of it */
};

START_TEST(a_login_is_read_as_the_mta_writes_it)
	{
		begin();
		session_connect(session,
			&(struct client){ .host = "x.example", .version = logins[_i].version },
			&verdict);
		ck_assert_int_eq(mail_as("<a+b=c@own.example>", logins[_i].login), logins[_i].want);
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

START_TEST(a_declared_size_is_a_number)
	{
		const char *const parameters[] = { "BODY=7BIT", sizes[_i].parameter, NULL };

		begin();
		session_mail(session,
			&(struct mail_command){ .address = "<bob@own.example>",
				.login = "bob",
				.parameters = parameters },
			&verdict);
		ck_assert_int_eq(verdict.kind, sizes[_i].want);
	}
END_TEST

START_TEST(one_policy_judges_one_message)
	{
		struct policy_parts parts;

		begin();
		parts = *policy_parts(made.policy);
		parts.lists[LIST_RCPT_DENY] = parts.lists[LIST_RCPT_ALLOW]; /* yes@y.example */
		parts.lists[LIST_RCPT_ALLOW] = NULL;
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		snapshot_publish(snapshot, policy_new(&parts));
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_REJECT);
		session_message_drop(session);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_REJECT);
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_CONTINUE);
	}
END_TEST

static void without_policy(enum on_error on_error)
{
	struct needs needs;

	made_build(&made);
	made.settings->on_error = on_error;
	shared = shared_new(snapshot, made.settings, false);
	needs_of(&made.parts, false, &needs);
	needs.body = true;
	session = session_new(shared, &needs);
}

START_TEST(without_a_policy_mail_waits)
	{
		without_policy(ON_ERROR_TEMPFAIL);
		(void)connect_from("192.0.2.7", "x.example");
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_TEMPFAIL);
		ck_assert_int_eq(verdict_deciding_finding(&verdict)->reply.code, 451);
		ck_assert_str_eq(logged("rule"), "no policy yet");
	}
END_TEST

START_TEST(without_a_policy_mail_passes_where_it_is_set_so)
	{
		struct results_field results;

		without_policy(ON_ERROR_ACCEPT);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		ck_assert_str_eq(logged("verdict"), "accept-on-error");
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(session, "Q", &results, &verdict), 0);
		ck_assert_str_eq(logged("verdict"), "accept");
	}
END_TEST

START_TEST(commands_out_of_order_harm_nothing)
	{
		struct results_field results;

		begin();
		ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_TEMPFAIL);
		session_field(session, "From", "a@b");
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(session, NULL, &results, &verdict), 0);
		session_message_drop(session);
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(mail("<b@x.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(session, "Q", &results, &verdict), 0);
		ck_assert_str_eq(logged("sender"), "b@x.example");
	}
END_TEST

START_TEST(a_refused_sender_leaves_no_message)
	{
		begin();
		ck_assert_int_eq(mail("<spam@x.example>"), VERDICT_REJECT);
		ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_TEMPFAIL);
	}
END_TEST

START_TEST(from_fields_past_the_bound_are_refused_whatever_on_error_says)
	{
		char *value = malloc(60001);

		made.settings->on_error = _i % 2 ? ON_ERROR_ACCEPT : ON_ERROR_TEMPFAIL;
		if (_i >= 2)
			made.services[0].mode[CHECK_HEADER_FROM] = MODE_WARN;
		made.services[0].mode[CHECK_SIZE] = MODE_NO; /* they are large */
		begin();
		memset(value, 'x', 60000);
		value[60000] = '\0';
		for (int many = 0; many < 2; many++) {
			ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
			ck_assert_int_eq(rcpt("<a@y.example>"), VERDICT_CONTINUE);
			for (int i = 0; i < (many ? 100 : 10); i++)
				session_field(session, "From", many ? "bob@own.example" : value);
			ck_assert_int_eq(header_end(), _i < 2 ? VERDICT_REJECT : VERDICT_CONTINUE);
		}
		/* Nobody's From is looked at: nothing is kept, nothing can be lost. */
		ck_assert_int_eq(mail("<a@x.example>"), VERDICT_CONTINUE);
		for (int i = 0; i < 10; i++)
			session_field(session, "From", value);
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		free(value);
	}
END_TEST

START_TEST(the_header_is_judged_once)
	{
		begin();
		ck_assert_int_eq(mail_as("<bob@own.example>", "bob"), VERDICT_CONTINUE);
		session_field(session, "Subject", "x");
		session_field(session, "FROM \t", "eve@own.example");
		ck_assert_int_eq(header_end(), VERDICT_REJECT);
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
	}
END_TEST

START_TEST(results_tell_of_accepted_recipients_and_count_forged_fields)
	{
		struct results_field results;

		made.settings->results_header = "X-Results";
		begin();
		(void)connect_from("192.0.2.1", "x.example");
		session_helo(session, "x", &verdict);
		(void)mail("<a@x.example>");
		ck_assert_int_eq(rcpt("<no@y.example>"), VERDICT_REJECT);
		ck_assert_int_eq(rcpt("<yes@y.example>"), VERDICT_CONTINUE);
		session_field(session, "X-Results", "1");
		session_field(session, "x-results ", "2");
		session_field(session, "X-Results-Not", "3");
		ck_assert_int_eq(header_end(), VERDICT_CONTINUE);
		ck_assert_int_eq(session_accept(session, "Q", &results, &verdict), 0);
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

START_TEST(what_was_judged_before_mail_is_in_the_results_too)
	{
		struct results_field results;

		made.settings->results_header = "X-Results";
		made.settings->delay_reject = false;
		begin();
		(void)connect_from("192.0.2.1", "x.example");
		session_helo(session, "x", &verdict);
		for (int i = 0; i < 2; i++) {
			(void)mail("<a@x.example>");
			(void)rcpt("<yes@y.example>");
			ck_assert_int_eq(session_accept(session, "Q", &results, &verdict), 0);
			ck_assert_ptr_nonnull(strstr(results.value, "connect=unlisted;"));
			results_field_free(&results);
			session_message_drop(session);
		}
	}
END_TEST

START_TEST(the_line_of_an_accepted_message_tells_all)
	{
		struct results_field results;

		begin();
		(void)connect_from("192.0.2.1", "mail.x.example");
		(void)mail("<>");
		(void)rcpt("<yes@y.example>");
		ck_assert_int_eq(session_accept(session, "Q2", &results, &verdict), 0);
		ck_assert_ptr_null(results.name);
		ck_assert_str_eq(logged("rule"), "rcpt_to.access.whitelist:1");
		(void)mail("<>");
		ck_assert_int_eq(session_accept(session, "Q3", &results, &verdict), 0);
		ck_assert_str_eq(logged("queue"), "Q3");
	}
END_TEST

START_TEST(sessions_have_names_of_their_own)
	{
		char first[40];

		begin();
		(void)mail("<spam@x.example>");
		(void)snprintf(first, sizeof(first), "%s", logged("session"));
		ck_assert_uint_gt(strlen(first), 8);
		session_free(&session);
		session_free(&session);
		session = session_new(shared, &(struct needs){ .delay_reject = true });
		(void)mail("<spam@x.example>");
		ck_assert_str_ne(logged("session"), first);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_listed_client_is_judged_at_mail);
	tcase_add_test(tcase, without_delay_it_is_judged_at_once);
	tcase_add_loop_test(tcase, what_is_no_name_is_not_compared, 0, ROWS(names));
	tcase_add_test(tcase, a_local_client_has_no_address);
	tcase_add_loop_test(tcase, a_login_is_read_as_the_mta_writes_it, 0, ROWS(logins));
	tcase_add_loop_test(tcase, a_declared_size_is_a_number, 0, ROWS(sizes));
	tcase_add_test(tcase, one_policy_judges_one_message);
	tcase_add_test(tcase, without_a_policy_mail_waits);
	tcase_add_test(tcase, without_a_policy_mail_passes_where_it_is_set_so);
	tcase_add_test(tcase, commands_out_of_order_harm_nothing);
	tcase_add_test(tcase, a_refused_sender_leaves_no_message);
	tcase_add_loop_test(tcase, from_fields_past_the_bound_are_refused_whatever_on_error_says, 0,
		4);
	tcase_add_test(tcase, the_header_is_judged_once);
	tcase_add_test(tcase, results_tell_of_accepted_recipients_and_count_forged_fields);
	tcase_add_test(tcase, what_was_judged_before_mail_is_in_the_results_too);
	tcase_add_test(tcase, the_line_of_an_accepted_message_tells_all);
	tcase_add_test(tcase, sessions_have_names_of_their_own);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
