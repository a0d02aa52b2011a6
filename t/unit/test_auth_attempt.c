/*
 * The decision of a login: by a worker or the auth cache, with a delay after failures, cancelled,
 * refused by the protocol, waiting for a first policy, and the counts of all of them.
 */
#include <string.h>

#include "milter/auth/auth_private.h"
#include "milter/loop/clock.h"
#include "t/unit/lib/auth_service.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct auth_service service;
static struct auth *auth;
static struct attempt *handle;
static struct login_answer answer;
static int answers;

static void setup(void)
{
	auth_service_new(&service, "");
	auth = service.auth;
	answers = 0;
}

static void teardown(void)
{
	auth_service_free(&service);
}

static void on_done(void *context, const struct login_answer *given)
{
	(void)context;
	ck_assert_ptr_null(handle);
	answer = *given;
	answers++;
}

static struct attempt_request request_of(const char *login, const char *password)
{
	return (struct attempt_request){ .client = { .family = AF_UNSPEC },
		.protocol = AUTH_PROTOCOL_DOVECOT,
		.mechanism = "PLAIN",
		.login = login,
		.secret = password };
}

static void begin(const char *login, const char *password)
{
	const struct attempt_request request = request_of(login, password);

	attempt_begin(auth, &request, on_done, NULL, &handle);
}

/* Run the loop, in this thread, until there is another answer. */
static void wait_answer(void)
{
	const int before = answers;

	while (answers == before)
		ck_assert_int_ge(event_base_loop(server_base(service.server), EVLOOP_ONCE), 0);
}

static const struct {
	const char *login, *password;
	enum login_result result;
	enum auth_result counted;
	const char *reason;
} logins[] = {
	{ "bob", "pa55word", LOGIN_ACCEPTED, AUTH_ACCEPTED, "" },
	{ "bob", "wrong", LOGIN_REFUSED, AUTH_REFUSED_CREDENTIALS, "wrong password" },
	{ "eve", "pa55word", LOGIN_REFUSED, AUTH_REFUSED_CREDENTIALS, "no such user" },
	{ "off", "pa55word", LOGIN_REFUSED, AUTH_REFUSED_POLICY, "enabled = false" },
};
START_TEST(a_worker_decides_and_the_result_is_counted)
	{
		auth_service_publish(&service);
		begin(logins[_i].login, logins[_i].password);
		ck_assert_ptr_nonnull(handle);
		ck_assert_uint_eq(auth->attempt_count, 1);
		wait_answer();
		ck_assert_int_eq(answer.result, logins[_i].result);
		ck_assert_str_eq(answer.reason, logins[_i].reason);
		ck_assert_uint_eq(auth_counts_of(auth->counts, logins[_i].counted), 1);
		ck_assert_uint_eq(auth->attempt_count, 0);
	}
END_TEST

START_TEST(a_cached_login_is_answered_at_once)
	{
		auth_service_publish(&service);
		begin("bob", "pa55word");
		wait_answer();
		ck_assert(!answer.is_cached);
		begin("BOB", "pa55word");
		ck_assert_int_eq(answers, 2); /* without a turn of the loop */
		ck_assert(answer.is_cached);
		ck_assert_uint_eq(auth_counts_of(auth->counts, AUTH_ACCEPTED_CACHED), 1);
	}
END_TEST

START_TEST(the_answer_to_repeated_failures_is_delayed)
	{
		int64_t began;

		auth_service_publish(&service);
		begin("bob", "wrong");
		wait_answer();
		began = clock_ms();
		begin("bob", "wrong");
		wait_answer();
		ck_assert_int_ge(clock_ms() - began, 490);
		ck_assert_int_eq(auth_reset(auth, "bob"), 1);
		ck_assert_int_eq(auth_reset(auth, "bob"), 0);
		begin("bob", "pa55word");
		wait_answer();
		ck_assert_int_eq(answer.result, LOGIN_ACCEPTED);
	}
END_TEST

START_TEST(a_cancelled_login_is_counted_but_not_answered)
	{
		auth_service_publish(&service);
		begin("bob", "pa55word");
		attempt_cancel(&handle);
		ck_assert_ptr_null(handle);
		attempt_cancel(&handle); /* accepts NULL */
		while (auth->attempt_count > 0)
			ck_assert_int_ge(event_base_loop(server_base(service.server), EVLOOP_ONCE),
				0);
		ck_assert_int_eq(answers, 0);
		ck_assert_uint_eq(auth_counts_of(auth->counts, AUTH_ACCEPTED), 1);
	}
END_TEST

START_TEST(a_refusal_of_the_protocol_is_counted_and_needs_no_worker)
	{
		struct attempt_request request = request_of("bob", "");

		auth_service_publish(&service);
		request.refusal = "no TLS (require_tls)";
		request.cause = CAUSE_POLICY;
		attempt_begin(auth, &request, on_done, NULL, &handle);
		ck_assert_int_eq(answers, 1);
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		ck_assert_str_eq(answer.reason, "no TLS (require_tls)");
		ck_assert_uint_eq(auth_counts_of(auth->counts, AUTH_REFUSED_POLICY), 1);
	}
END_TEST

START_TEST(a_new_daemon_waits_for_its_first_policy)
	{
		begin("bob", "pa55word");
		ck_assert_int_eq(event_base_loop(server_base(service.server), EVLOOP_NONBLOCK), 0);
		ck_assert_int_eq(answers, 0);
		auth_service_publish(&service);
		wait_answer();
		ck_assert_int_eq(answer.result, LOGIN_ACCEPTED);
	}
END_TEST

START_TEST(without_a_policy_an_older_daemon_decides_nothing)
	{
		auth->started -= 60000;
		begin("bob", "pa55word");
		ck_assert_int_eq(answers, 1);
		ck_assert_int_eq(answer.result, LOGIN_UNDECIDED);
		ck_assert_str_eq(answer.reason, "no policy yet");
		ck_assert_uint_eq(auth_counts_of(auth->counts, AUTH_UNDECIDED), 1);
	}
END_TEST

START_TEST(attempts_that_are_left_at_the_end_are_freed)
	{
		auth_service_publish(&service);
		for (int i = 0; i < 5; i++) {
			begin("bob", "wrong");
			attempt_cancel(&handle);
		}
		ck_assert_uint_eq(auth->attempt_count, 5);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_attempt");
	TCase *tcase = tcase_create("auth_attempt");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_worker_decides_and_the_result_is_counted, 0, COUNT(logins));
	tcase_add_test(tcase, a_cached_login_is_answered_at_once);
	tcase_add_test(tcase, the_answer_to_repeated_failures_is_delayed);
	tcase_add_test(tcase, a_cancelled_login_is_counted_but_not_answered);
	tcase_add_test(tcase, a_refusal_of_the_protocol_is_counted_and_needs_no_worker);
	tcase_add_test(tcase, a_new_daemon_waits_for_its_first_policy);
	tcase_add_test(tcase, without_a_policy_an_older_daemon_decides_nothing);
	tcase_add_test(tcase, attempts_that_are_left_at_the_end_are_freed);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
