/*
 * Shows the steps in the explanation of a session, their content, and the errors for sessions of a
 * wrong form.
 */
#include "lib/decide/explain.h"

#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;
static struct ledger *ledger;
static struct errmsg err;
static json_t *answer;

static void setup(void)
{
	static const struct made_profile profile = { .id = "1",
		.name = "sales",
		.host = "one.example",
		.limits = "2/1d" };
	static const struct made_user bob = { .id = "1",
		.name = "bob",
		.profile_id = "1",
		.froms = "bob@example.com" };

	made_begin(&m);
	ck_assert_int_eq(made_profile(&m, &profile), 1);
	ck_assert_int_eq(made_user(&m, &bob), 1);
	made_list(&m, LIST_CONN_DENY, "192.0.2.66");
	ledger = ledger_new();
	err.text[0] = '\0';
	answer = NULL;
}

static void teardown(void)
{
	json_decref(answer);
	ledger_free(&ledger);
	made_end(&m);
}

/* Play a session in JSON, whose login has the answer `checked` unless that is NULL. The explanation
 * lives until the next one. */
static int play_checked(const char *text, const struct login_answer *checked)
{
	const struct ledger_ops ops = ledger_ops(ledger);
	const struct explain_ledger looked_at = { &ops, 1000000 };
	struct login_rules rules = { .policy = NULL };
	json_t *session = json_loads(text, JSON_ALLOW_NUL, NULL);
	int ret;

	ck_assert_ptr_nonnull(session);
	if (m.policy == NULL)
		made_build(&m);
	rules.policy = m.policy;
	json_decref(answer);
	answer = NULL;
	ret = explain_session(&rules, &looked_at, checked, m.scratch, session, &answer, &err);
	json_decref(session);
	return ret;
}

static int play(const char *text)
{
	return play_checked(text, NULL);
}

/* Return a member of step i. */
static const char *step(size_t i, const char *key)
{
	json_t *steps = json_object_get(answer, "steps");

	return json_string_value(json_object_get(json_array_get(steps, i), key));
}

/* Return the steps of the answer, such as "connect=accept helo=accept mail=reject". */
static const char *described_steps(void)
{
	static char text[400];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; step(i, "step") != NULL; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s=%s", i > 0 ? " " : "",
			step(i, "step"), step(i, "verdict"));
	return text;
}

/* Sessions and their steps. */
static const struct {
	const char *session, *want;
} played[] = {
	{ "{}", "connect=accept helo=accept" },
	{ "{\"ip\": \"192.0.2.66\", \"mail\": \"<a@b.example>\"}", "connect=reject" },
	{ "{\"mail\": \"<a@b.example>\", \"rcpts\": [\"<x@y.example>\"], \"from\": \"a@b.example\"}",
		"connect=accept helo=accept mail=accept rcpt=accept header=accept" },
	{ "{\"mail\": \"<a@b.example>\", \"rcpts\": [\"<x@y.example>\"], \"headers\": false}",
		"connect=accept helo=accept mail=accept rcpt=accept" },
	{ "{\"mail\": \"<a@b.example>\", \"rcpts\": null}",
		"connect=accept helo=accept mail=accept" },
	{ "{\"login\": \"bob\", \"mail\": \"<eve@example.com>\", \"rcpts\": [\"<x@one.example>\"]}",
		"connect=accept helo=accept mail=reject" },
	{ "{\"login\": \"bob\", \"mail\": \"<bob@example.com>\", \"rcpts\": [\"<x@two.example>\"]}",
		"connect=accept helo=accept mail=accept rcpt=reject" },
	{ "{\"auth\": {\"user\": \"eve\", \"password\": \"x\"}, \"mail\": \"<a@b.example>\"}",
		"connect=accept helo=accept auth=reject" },
	{ "{\"login\": \"bob\", \"mail\": \"<bob@example.com>\", \"rcpts\": [\"<x@one.example>\"],"
	  " \"headers\": [[\"From\", \"bob@example.com\"], [\"from\", \"bob@example.com\"]]}",
		"connect=accept helo=accept mail=accept rcpt=accept header=reject" },
	{ "{\"login\": \"bob\", \"mail\": \"<bob@example.com>\", \"rcpts\": [\"<x@one.example>\"],"
	  " \"headers\": [[\"From\", \"bob@example.com\"], [\"from \\t\", \"bob@example.com\"]]}",
		"connect=accept helo=accept mail=accept rcpt=accept header=reject" },
};
START_TEST(a_session_takes_its_steps)
	{
		ck_assert_msg(play(played[_i].session) == 0, "%s", err.text);
		ck_assert_str_eq(described_steps(), played[_i].want);
	}
END_TEST

START_TEST(a_step_shows_the_rule_and_the_reply)
	{
		json_t *check;

		ck_assert_int_eq(play("{\"id\": \"one\", \"ip\": \"192.0.2.66\"}"), 0);
		ck_assert_str_eq(json_string_value(json_object_get(answer, "id")), "one");
		ck_assert_str_eq(step(0, "rule"), "connect.rdns_access.blacklist:1");
		ck_assert_str_eq(step(0, "enhanced"), "5.7.1");
		ck_assert_ptr_nonnull(strstr(step(0, "text"), "unknown [192.0.2.66] "));
		check = json_array_get(json_object_get(json_array_get(json_object_get(answer,
									      "steps"),
							       0),
					       "checks"),
			0);
		ck_assert_str_eq(json_string_value(json_object_get(check, "check")), "conn");
		ck_assert_str_eq(json_string_value(json_object_get(check, "outcome")), "fail");
		ck_assert_int_eq(json_integer_value(json_object_get(check, "code")), 550);
	}
END_TEST

START_TEST(the_own_name_of_the_mta_may_be_given)
	{
		m.settings->local_domains = "one.example\0";
		made_list(&m, LIST_MAIL_DENY, "x@one.example");
		ck_assert_int_eq(
			play("{\"mta\": \"MX.own.example.\", \"mail\": \"<x@mx.own.example>\"}"),
			0);
		ck_assert_str_eq(step(2, "verdict"), "reject");
		ck_assert_int_eq(play("{\"mail\": \"<x@mx.own.example>\"}"), 0);
		ck_assert_str_eq(step(2, "verdict"), "accept");
	}
END_TEST

START_TEST(the_address_to_which_the_mta_resolves_a_sender_may_be_given)
	{
		made_list(&m, LIST_MAIL_DENY, "@one.example");
		ck_assert_int_eq(play("{\"mail\": \"<a@alias.example>\"}"), 0);
		ck_assert_str_eq(step(2, "verdict"), "accept");
		ck_assert_int_eq(play("{\"mail\": \"<a@alias.example>\","
				      " \"mail_resolved\": \"a@one.example\"}"),
			0);
		ck_assert_str_eq(step(2, "verdict"), "reject");
		ck_assert_str_eq(step(2, "rule"), "mail_from.access.blacklist:1");
		ck_assert_int_eq(play("{\"mail_resolved\": \"a\"}"), 0);
		ck_assert_int_eq(play("{\"mail_resolved\": \"\"}"), -1);
	}
END_TEST

START_TEST(the_address_to_which_the_mta_resolves_a_recipient_may_be_given)
	{
		m.settings->local_domains = "one.example\0";
		made_list(&m, LIST_RCPT_DENY, "all@one.example");
		ck_assert_int_eq(
			play("{\"mail\": \"<x@y.example>\", \"resolved\": \"all\","
			     " \"rcpts\": [\"<bob@alias.example>\", \"<all@alias.example>\"]}"),
			0);
		ck_assert_str_eq(step(3, "verdict"), "accept");
		ck_assert_str_eq(step(4, "verdict"), "reject");
		ck_assert_str_eq(step(4, "rule"), "rcpt_to.access.blacklist:1");
		ck_assert_int_eq(
			play("{\"mail\": \"<x@y.example>\", \"rcpts\": [\"<all@alias.example>\"]}"),
			0);
		ck_assert_str_eq(step(3, "verdict"), "accept");
		ck_assert_int_eq(play("{\"resolved\": 1}"), -1);
		ck_assert_int_eq(play("{\"resolved\": \"\"}"), -1);
		ck_assert_int_eq(play("{\"resolved\": \"a@b,\"}"), -1);
		ck_assert_int_eq(play("{\"mta\": \"\"}"), -1);
	}
END_TEST

START_TEST(limits_are_shown_and_not_charged)
	{
		static const char session[] =
			"{\"login\": \"bob\", \"mail\": \"<bob@example.com>\","
			" \"rcpts\": [\"<x@one.example>\"]}";
		json_t *checks, *check, *limits = NULL;
		size_t i;

		for (int n = 0; n < 3; n++)
			ck_assert_int_eq(play(session), 0);
		checks = json_object_get(json_array_get(json_object_get(answer, "steps"), 3),
			"checks");
		json_array_foreach (checks, i, check) {
			if (strcmp(json_string_value(json_object_get(check, "check")), "limits") ==
				0)
				limits = check;
		}
		ck_assert_str_eq(json_string_value(json_object_get(limits, "used")), "0/2");
		ck_assert_str_eq(json_string_value(json_object_get(limits, "window")), "1d");
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
	}
END_TEST

/* Return check i of the last step. */
static json_t *last_check(size_t i)
{
	json_t *steps = json_object_get(answer, "steps");
	json_t *last = json_array_get(steps, json_array_size(steps) - 1);

	return json_array_get(json_object_get(last, "checks"), i);
}

/* Names that a rule cuts at any place, and their form in the rule. */
static const struct {
	const char *before, *repeated;
	size_t times;
	const char *shown;
} names[] = {
	{ "", "\xc3\xbc", 60, "\xc3\xbc\xc3\xbc" },
	{ "x", "\xc3\xbc", 60, "x\xc3\xbc" },
	{ "", "\xe2\x82\xac", 40, "\xe2\x82\xac" },
	{ "x", "\xe2\x82\xac", 40, "x\xe2\x82\xac" },
	{ "xy", "\xe2\x82\xac", 40, "xy\xe2\x82\xac" },
	{ "", "\xf0\x9f\x98\x80", 40, "\xf0\x9f\x98\x80" },
	{ "x", "\xf0\x9f\x98\x80", 40, "x\xf0\x9f\x98\x80" },
	{ "xy", "\xf0\x9f\x98\x80", 40, "xy\xf0\x9f\x98\x80" },
	{ "xyz", "\xf0\x9f\x98\x80", 40, "xyz\xf0\x9f\x98\x80" },
};
START_TEST(a_rule_that_is_cut_keeps_its_finding)
	{
		char name[300] = "", want[40];
		struct made_profile profile = { .id = "2", .name = name, .host = "one.example" };
		static const struct made_user eve = { .id = "2",
			.name = "eve",
			.profile_id = "2",
			.froms = "eve@example.com" };
		const char *rule;

		(void)strcpy(name, names[_i].before);
		for (size_t i = 0; i < names[_i].times; i++)
			(void)strcat(name, names[_i].repeated);
		ck_assert_int_eq(made_profile(&m, &profile), 1);
		ck_assert_int_eq(made_user(&m, &eve), 1);
		ck_assert_int_eq(play("{\"login\": \"eve\", \"mail\": \"<eve@example.com>\","
				      " \"rcpts\": [\"<x@two.example>\"]}"),
			0);
		ck_assert_str_eq(described_steps(),
			"connect=accept helo=accept mail=accept rcpt=reject");
		(void)snprintf(want, sizeof(want), "profile %s", names[_i].shown);
		rule = step(3, "rule");
		ck_assert_ptr_nonnull(strstr(rule, want));
		ck_assert_ptr_nonnull(strstr(rule, ": no host, rcpt or rcpt_re matches"));
		ck_assert_str_eq(json_string_value(json_object_get(last_check(2), "rule")), rule);
	}
END_TEST

START_TEST(a_login_that_is_cut_keeps_its_finding)
	{
		char session[400], login[300];

		for (size_t before = 0; before < 4; before++) {
			(void)strcpy(login, &"xyz"[3 - before]);
			for (size_t i = 0; i < 60; i++)
				(void)strcat(login, "\xe2\x82\xac");
			(void)snprintf(session, sizeof(session),
				"{\"login\": \"%s\", \"mail\": \"<eve@example.com>\"}", login);
			ck_assert_int_eq(play(session), 0);
			ck_assert_str_eq(described_steps(),
				"connect=accept helo=accept mail=reject");
			ck_assert_ptr_nonnull(strstr(step(2, "rule"), "unknown_user = reject"));
		}
	}
END_TEST

/* A login affects connect only if connect is judged at MAIL. */
START_TEST(a_login_counts_at_connect_where_that_waits_for_it)
	{
		static const char session[] = "{\"ip\": \"192.0.2.66\", \"login\": \"bob\"}";

		ck_assert_int_eq(play(session), 0);
		ck_assert_str_eq(described_steps(), "connect=accept helo=accept");
		m.settings->delay_reject = false;
		ck_assert_int_eq(play(session), 0);
		ck_assert_str_eq(described_steps(), "connect=reject");
	}
END_TEST

/* Sessions of a wrong form, and their errors. */
static const struct {
	const char *session, *want;
} wrong[] = {
	{ "[]", "a session is a JSON object" },
	{ "{\"mial\": \"<a@b.example>\"}", "\"mial\" is not a key of a session" },
	{ "{\"ip\": 1}", "\"ip\" must be a string or null" },
	{ "{\"ip\": \"192.0.2.0/24\"}", "\"ip\": \"192.0.2.0/24\" is not an IP address" },
	{ "{\"ip\": \"x\"}", "\"ip\": \"x\" is not an IP address" },
	{ "{\"helo\": \"a\\u0000b\"}", "\"helo\" contains a NUL byte" },
	{ "{\"size\": -1}", "\"size\" must be a number of octets" },
	{ "{\"size\": \"1\"}", "\"size\" must be a number of octets" },
	{ "{\"from\": 1}", "\"from\" must be a string or null" },
	{ "{\"headers\": [[\"From\"]]}",
		"\"headers\" must contain only [\"Name\", \"value\"] pairs" },
	{ "{\"auth\": {\"user\": \"bob\"}}", "\"auth\" needs \"user\" and \"password\"" },
	{ "{\"mail\": \"<a@b.example>\", \"rcpts\": \"<x@y.example>\"}",
		"\"rcpts\" must be an array of at most 10000 addresses" },
	{ "{\"mail\": \"<a@b.example>\", \"rcpts\": [1]}", "\"rcpts\" must contain only strings" },
};
START_TEST(a_session_of_a_wrong_form_is_an_error)
	{
		ck_assert_int_eq(play(wrong[_i].session), -1);
		ck_assert_str_eq(err.text, wrong[_i].want);
		ck_assert_ptr_null(answer);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

START_TEST(a_login_that_is_checked_already_is_not_checked_again)
	{
		static const char session[] =
			"{\"auth\":{\"user\":\"bob\",\"password\":\"wrong\"},\"mail\":\"<bob@corp.example>\"}";
		struct login_answer checked = { .result = LOGIN_ACCEPTED, .login = "bob" };

		ck_assert_int_eq(play_checked(session, &checked), 0);
		ck_assert_ptr_nonnull(strstr(described_steps(), "auth=accept mail="));
		checked.result = LOGIN_UNDECIDED;
		(void)snprintf(checked.reason, sizeof(checked.reason), "too many logins at once");
		ck_assert_int_eq(play_checked(session, &checked), 0);
		ck_assert_str_eq(described_steps(), "connect=accept helo=accept auth=tempfail");
		ck_assert_str_eq(step(2, "rule"), "too many logins at once");
		ck_assert_int_eq(play_checked("{\"mail\":\"<x@y.example>\"}", &checked), 0);
		ck_assert_ptr_null(strstr(described_steps(), "auth="));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("explain");
	TCase *tcase = tcase_create("explain");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_session_takes_its_steps, 0, ROWS(played));
	tcase_add_test(tcase, a_step_shows_the_rule_and_the_reply);
	tcase_add_test(tcase, the_own_name_of_the_mta_may_be_given);
	tcase_add_test(tcase, the_address_to_which_the_mta_resolves_a_sender_may_be_given);
	tcase_add_test(tcase, the_address_to_which_the_mta_resolves_a_recipient_may_be_given);
	tcase_add_test(tcase, limits_are_shown_and_not_charged);
	tcase_add_loop_test(tcase, a_rule_that_is_cut_keeps_its_finding, 0, ROWS(names));
	tcase_add_test(tcase, a_login_that_is_cut_keeps_its_finding);
	tcase_add_test(tcase, a_login_counts_at_connect_where_that_waits_for_it);
	tcase_add_loop_test(tcase, a_session_of_a_wrong_form_is_an_error, 0, ROWS(wrong));
	tcase_add_test(tcase, a_login_that_is_checked_already_is_not_checked_again);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
