/*
 * The course of a login: bounds and delays after failures, the decision by a worker or the auth
 * cache, the order of workers, attempts that are cancelled or refused by the protocol, waiting for
 * a first policy, and the counts of all of them.
 */
#include <stdio.h>
#include <string.h>

#include "lib/auth/password.h"
#include "milter/auth/auth_private.h"
#include "milter/loop/clock.h"
#include "t/unit/lib/auth_service.h"
#include "t/unit/lib/made_policy.h"
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

/* ---- bounds and delays -------------------------------------------------------------- */

#define MANY 300

/* Attempts with a handle each, and their answers in the order of arrival. */
static struct attempt *handles[MANY];
static struct {
	int number;
	enum login_result result;
} got[MANY];

/* Return how many were checked: on a busy machine, some may wait too long for that. */
static int checked(void)
{
	int count = 0;

	for (int i = 0; i < answers; i++)
		count += got[i].result != LOGIN_UNDECIDED;
	return count;
}

static void on_one_of_many(void *context, const struct login_answer *given)
{
	got[answers].number = (int)((struct attempt **)context - handles);
	got[answers++].result = given->result;
}

static void begin_one(int number, const char *login, const char *password, const char *client)
{
	struct attempt_request request = request_of(login, password);

	if (client[0] != '\0')
		ck_assert_int_eq(cidr_parse(client, &request.client, NULL), 0);
	else
		request.is_mute = true;
	attempt_begin(auth, &request, on_one_of_many, &handles[number], &handles[number]);
}

static void count_failures(const char *login, const char *client, int times)
{
	const struct login_request request = { .login = login, .secret = "" };
	struct cidr address;
	struct penalty_keys keys;

	ck_assert_int_eq(cidr_parse(client, &address, NULL), 0);
	keys = penalty_keys(login_key(service.policy, &request), &address);
	for (int i = 0; i < times; i++)
		penalty_failed(auth->penalty, &keys, auth_seconds());
}

/* Pretend that all workers but one, or all, are busy. */
static void leave_workers(size_t free)
{
	auth->working = auth->worker_count - free;
}

static const char *const passwords[] = { "pa55word", "wrong" };
START_TEST(after_failures_right_and_wrong_passwords_are_delayed_alike)
	{
		int64_t began;

		auth_service_publish(&service);
		begin("bob", "pa55word"); /* in the auth cache, from an unknown network */
		wait_answer();
		count_failures("BOB", "198.51.100.1", 2);
		began = clock_ms();
		begin("bob", passwords[_i]);
		wait_answer();
		ck_assert_int_ge(clock_ms() - began, 490);
		ck_assert(!answer.is_cached);
		ck_assert_int_eq(answer.result, _i == 0 ? LOGIN_ACCEPTED : LOGIN_REFUSED);
		ck_assert_uint_eq(auth_service_forgive(&service, "bob"), 1);
		ck_assert_uint_eq(auth_service_forgive(&service, "bob"), 0);
		begin("bob", "pa55word");
		ck_assert(answer.is_cached);
	}
END_TEST

START_TEST(where_a_login_has_succeeded_others_failures_do_not_delay_it)
	{
		auth_service_publish(&service);
		begin_one(0, "bob", "pa55word", "192.0.2.7");
		wait_answer();
		count_failures("bob", "198.51.100.1", 60);
		count_failures("eve", "192.0.2.7", 60);
		begin_one(1, "bob", "pa55word", "192.0.2.7");
		ck_assert_int_eq(answers, 2); /* without a turn of the loop */
		begin_one(2, "bob", "wrong", "192.0.2.7");
		wait_answer();
		ck_assert_int_eq(got[2].result, LOGIN_REFUSED);
	}
END_TEST

/* Publish the users again, with other hashes of their passwords. */
static void change_passwords(void)
{
	policy_unref(&service.policy);
	service.policy = auth_service_policy();
	auth_service_publish(&service);
}

/* bob himself is trusted again after a success with the new password. */
START_TEST(a_changed_password_ends_the_trust_of_the_old_one)
	{
		auth_service_publish(&service);
		begin_one(0, "bob", "pa55word", "192.0.2.7");
		wait_answer();
		change_passwords();
		count_failures("bob", "198.51.100.1", 2);
		begin_one(1, "bob", "pa55word", "192.0.2.7");
		ck_assert_int_eq(answers, 1);
		ck_assert_uint_eq(handles[1]->ticket.delay_ms, 500);
		wait_answer();
		ck_assert_int_eq(got[1].result, LOGIN_ACCEPTED);
		begin_one(2, "bob", "pa55word", "192.0.2.7");
		ck_assert_int_eq(answers, 3); /* without a turn of the loop */
	}
END_TEST

/* The attempt begins before the change, and is checked by the new row. */
START_TEST(a_success_counts_for_the_password_that_was_checked)
	{
		auth_service_publish(&service);
		leave_workers(0);
		begin_one(0, "bob", "pa55word", "192.0.2.7");
		change_passwords();
		leave_workers(auth->worker_count);
		attempts_employ(auth);
		wait_answer();
		ck_assert_int_eq(got[0].result, LOGIN_ACCEPTED);
		count_failures("bob", "198.51.100.1", 9);
		begin_one(1, "bob", "pa55word", "192.0.2.7");
		ck_assert_int_eq(answers, 2);
	}
END_TEST

START_TEST(hanging_up_frees_no_place)
	{
		char login[16];

		auth_service_publish(&service);
		count_failures("eve", "192.0.2.7", 9);
		for (int i = 0; i < MANY; i++) {
			(void)snprintf(login, sizeof(login), "user%d", i);
			begin_one(i, login, "wrong", "192.0.2.7");
			attempt_cancel(&handles[i]);
		}
		ck_assert_uint_eq(auth->attempt_count, 4); /* under way */
		ck_assert_int_eq(answers, MANY - 4);
		for (int i = 0; i < answers; i++)
			ck_assert_int_eq(got[i].result, LOGIN_UNDECIDED);
		begin_one(0, "bob", "pa55word", "198.51.100.1"); /* undisturbed */
		wait_answer();
		ck_assert_int_eq(got[MANY - 4].result, LOGIN_ACCEPTED);
	}
END_TEST

START_TEST(who_waits_at_the_gate_and_hangs_up_is_gone)
	{
		auth_service_publish(&service);
		for (int i = 0; i < 5; i++)
			begin_one(i, "bob", "wrong", "192.0.2.7");
		ck_assert_uint_eq(auth_gate_waiting(auth->gate), 3);
		for (int i = 0; i < 5; i++)
			attempt_cancel(&handles[i]);
		ck_assert_uint_eq(auth_gate_waiting(auth->gate), 0);
		ck_assert_uint_eq(auth->attempt_count, 2);
		ck_assert_uint_eq(auth_counts_of(auth->counts, AUTH_UNDECIDED), 3);
	}
END_TEST

START_TEST(many_right_logins_at_once_succeed)
	{
		auth_service_publish(&service);
		for (int i = 0; i < MANY; i++)
			begin_one(i, "bob", "pa55word", "192.0.2.7");
		while (answers < MANY)
			wait_answer();
		for (int i = 0; i < MANY; i++)
			ck_assert_int_eq(got[i].result, LOGIN_ACCEPTED);
	}
END_TEST

static bool has_waited;

static void on_waited(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	has_waited = true;
}

START_TEST(of_many_wrong_ones_a_few_are_checked)
	{
		const struct timeval wait = { .tv_sec = 1 };

		auth_service_publish(&service);
		for (int i = 0; i < MANY; i++)
			begin_one(i, "bob", "wrong", "192.0.2.7");
		ck_assert_int_eq(event_base_once(server_base(service.server), -1, EV_TIMEOUT,
					 on_waited, NULL, &wait),
			0);
		while (!has_waited)
			ck_assert_int_ge(event_base_loop(server_base(service.server), EVLOOP_ONCE),
				0);
		ck_assert_int_ge(answers, 2);
		ck_assert_int_le(answers, 6);
		for (int i = 0; i < answers; i++)
			ck_assert_int_eq(got[i].result, LOGIN_REFUSED);
	}
END_TEST

START_TEST(over_saslauthd_nobody_is_refused_for_others_failures)
	{
		auth_service_publish(&service);
		for (int i = 0; i < 4; i++)
			begin_one(i, "bob", i < 3 ? "wrong" : "pa55word", "");
		ck_assert_uint_eq(auth_gate_waiting(auth->gate), 1);
		while (answers < 4)
			wait_answer();
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(got[i].result,
				got[i].number < 3 ? LOGIN_REFUSED : LOGIN_ACCEPTED);
	}
END_TEST

/* Without a name and an address, too, the number of guesses is bounded. */
START_TEST(over_saslauthd_the_empty_login_is_one_like_others)
	{
		auth_service_publish(&service);
		for (int i = 0; i < 5; i++)
			begin_one(i, "", "wrong", "");
		ck_assert_uint_eq(auth_gate_waiting(auth->gate), 2);
	}
END_TEST

/* ---- the order of workers ------------------------------------------------------------ */

/* The first attempts come from one network; the last is to be answered early. */
static const struct {
	const char *crowd, *last;
	int place; /* of the last, at the latest, of those that are answered */
} crowds[] = {
	{ "192.0.2.7", "198.51.100.1", 2 },			      /* networks take turns */
	{ "192.0.2.7", "2001:db8::1", 2 }, { "", "198.51.100.1", 1 }, /* before saslauthd's */
	{ "2001:db8:0:", "198.51.100.1", 2 }, /* a /48, with a /64 for each attempt */
	{ "192.0.2.7", "", 3 },		      /* saslauthd has its share */
	{ "", "", 11 },			      /* ten logins of saslauthd take turns */
};
START_TEST(a_crowd_does_not_take_the_workers_from_others)
	{
		char login[16], client[64];

		auth_service_publish(&service);
		leave_workers(0);
		for (int i = 0; i < 30; i++) {
			(void)snprintf(login, sizeof(login), "user%d",
				crowds[_i].last[0] == '\0' && crowds[_i].crowd[0] == '\0' ? i % 10 :
											    i);
			(void)snprintf(client, sizeof(client),
				strchr(crowds[_i].crowd, ':') == NULL ? "%s" : "%s%x::1",
				crowds[_i].crowd, (unsigned)i);
			begin_one(i, login, "wrong", client);
		}
		begin_one(30, "bob", "wrong", crowds[_i].last);
		ck_assert_int_eq(answers, 0);
		leave_workers(1);
		attempts_employ(auth);
		while (answers == 0 || got[answers - 1].number != 30)
			wait_answer();
		ck_assert_int_le(checked(), crowds[_i].place);
	}
END_TEST

/* Record a success of the login from the network of the request. */
static void trust(const struct attempt_request *request)
{
	const struct login_request name = { .login = request->login, .secret = "" };
	struct penalty_keys keys = penalty_keys(login_key(service.policy, &name), &request->client);

	login_set_owner(service.policy, &name, &keys);
	if (request->is_client_claimed)
		penalty_set_apart(&keys);
	penalty_succeeded(auth->penalty, &keys, auth_seconds());
}

/* Attempts where their logins have succeeded; the last, at another login, is to be answered early.
 */
static const struct {
	bool has_networks; /* of one login in as many networks, or of as many logins in one network
			    */
	bool is_claimed;   /* and the last is from a network that is new */
	int place;
} trusted_crowds[] = {
	{ true, false, 3 },  /* a stolen password */
	{ false, false, 2 }, /* logins behind one address */
	{ true, true, 3 },   /* networks that a process of this machine claims */
};
START_TEST(a_crowd_of_trusted_attempts_does_not_take_the_workers_from_others)
	{
		const bool has_networks = trusted_crowds[_i].has_networks;
		struct attempt_request request;
		char login[16], client[32];

		auth_service_publish(&service);
		leave_workers(0);
		for (int i = 0; i < 31; i++) {
			const bool is_last = i == 30;

			(void)snprintf(login, sizeof(login), "user%d",
				has_networks && !is_last ? 0 : i);
			(void)snprintf(client, sizeof(client), "10.%d.0.1", has_networks ? i : 0);
			request = request_of(login, "wrong");
			ck_assert_int_eq(cidr_parse(is_last ? "192.0.2.7" : client, &request.client,
						 NULL),
				0);
			request.is_client_claimed = trusted_crowds[_i].is_claimed && !is_last;
			if (!is_last || !trusted_crowds[_i].is_claimed)
				trust(&request);
			attempt_begin(auth, &request, on_one_of_many, &handles[i], &handles[i]);
		}
		ck_assert_int_eq(answers, 0);
		leave_workers(1);
		attempts_employ(auth);
		while (answers == 0 || got[answers - 1].number != 30)
			wait_answer();
		ck_assert_int_le(checked(), trusted_crowds[_i].place);
	}
END_TEST

/* Over saslauthd it may wait for a worker as long as others keep the workers busy. */
START_TEST(an_attempt_is_checked_by_the_rules_when_a_worker_has_it)
	{
		struct policy_parts parts = *policy_parts(service.policy);
		struct policy *later;

		parts.lists_only = true; /* without users */
		later = policy_new(&parts);
		ck_assert_ptr_nonnull(later);
		auth_service_publish(&service);
		leave_workers(0);
		begin_one(0, "bob", "pa55word", _i == 0 ? "" : "192.0.2.7");
		snapshot_publish(service.snapshot, later);
		leave_workers(1);
		attempts_employ(auth);
		wait_answer();
		ck_assert_int_eq(got[0].result, LOGIN_UNDECIDED);
	}
END_TEST

/* Return a policy with the row bob and, with has_other, with the row bob@example.com; without it,
 * that login finds bob. Both rows have the same password. */
static struct policy *policy_of_bobs(bool has_other)
{
	struct policy *policy;
	char hash[384];
	struct made m;

	ck_assert_int_eq(password_hash("pa55word", "sha512", 1000, hash, NULL), 0);
	made_begin(&m);
	m.settings->default_domain = "example.com";
	(void)made_user(&m, &(struct made_user){ .id = "1", .name = "bob", .password = hash });
	if (has_other)
		(void)made_user(&m,
			&(struct made_user){ .id = "2",
				.name = "bob@example.com",
				.password = hash });
	made_build(&m);
	policy = policy_ref(m.policy);
	made_end(&m);
	return policy;
}

START_TEST(a_success_counts_for_the_row_that_has_accepted_it)
	{
		const struct login_request bob = { .login = "bob" },
					   other = { .login = "bob@example.com" };
		struct policy *later = policy_of_bobs(true);
		struct penalty_keys keys;
		struct cidr client;

		snapshot_publish(service.snapshot, policy_of_bobs(_i != 0));
		leave_workers(0);
		begin_one(0, "bob@example.com", "pa55word", "192.0.2.7");
		snapshot_publish(service.snapshot, policy_ref(later));
		leave_workers(1);
		attempts_employ(auth);
		wait_answer();
		ck_assert_int_eq(got[0].result, LOGIN_ACCEPTED);
		ck_assert_int_eq(cidr_parse("192.0.2.7", &client, NULL), 0);
		keys = penalty_keys(login_key(later, &bob), &client);
		login_set_owner(later, &bob, &keys);
		ck_assert_uint_eq(penalty_view(auth->penalty, &keys, auth_seconds()).trust, 0);
		login_set_owner(later, &other, &keys);
		ck_assert_uint_eq(penalty_view(auth->penalty, &keys, auth_seconds()).trust, 8);
		policy_unref(&later);
	}
END_TEST

/* The owner of the row that is left has an old password at home, where he is known. */
START_TEST(a_failure_counts_for_the_row_that_has_refused_it)
	{
		const struct login_request bob = { .login = "bob" };
		struct policy *later = policy_of_bobs(false);
		struct penalty_keys keys;
		struct cidr client;

		ck_assert_int_eq(cidr_parse("192.0.2.7", &client, NULL), 0);
		keys = penalty_keys(login_key(later, &bob), &client);
		login_set_owner(later, &bob, &keys);
		penalty_succeeded(auth->penalty, &keys, auth_seconds());
		snapshot_publish(service.snapshot, policy_of_bobs(true));
		leave_workers(0);
		begin_one(0, "bob@example.com", "wrong", "192.0.2.7");
		snapshot_publish(service.snapshot, policy_ref(later));
		leave_workers(1);
		attempts_employ(auth);
		wait_answer();
		ck_assert_int_eq(got[0].result, LOGIN_REFUSED);
		ck_assert_uint_eq(penalty_view(auth->penalty, &keys, auth_seconds()).trust, 7);
		ck_assert(!penalty_view(auth->penalty, &keys, auth_seconds()).has_failed);
		policy_unref(&later);
	}
END_TEST

/*
 * An attempt that finds no worker in time is not counted as a failure. It must not have been
 * compared with the auth cache, or guesses at a remembered password would be free.
 */
START_TEST(no_guess_at_a_remembered_password_is_free_while_workers_are_busy)
	{
		auth_service_publish(&service);
		begin_one(0, "bob", "pa55word", "192.0.2.7");
		wait_answer();
		leave_workers(0);
		begin_one(1, "bob", "pa55word", "198.51.100.1");
		ck_assert_int_eq(answers, 1);
		begin_one(2, "bob", "pa55word", "192.0.2.7"); /* trusted, and served first */
		ck_assert_int_eq(answers, 2);
		begin_one(3, "bob", "pa55word", ""); /* over saslauthd all are checked */
		ck_assert_int_eq(answers, 3);
		leave_workers(1);
		attempts_employ(auth);
		wait_answer();
		ck_assert_int_eq(got[3].number, 1);
		ck_assert_int_eq(got[3].result, LOGIN_ACCEPTED);
	}
END_TEST

/* A trusted guesser would otherwise keep the workers busy, and learn for nothing which passwords
 * are not remembered. */
START_TEST(a_guess_that_the_cache_has_refused_is_counted_also_if_no_worker_is_free)
	{
		auth_service_publish(&service);
		begin_one(0, "bob", "pa55word", "192.0.2.7");
		wait_answer();
		leave_workers(0);
		begin_one(1, "bob", "wrong", "192.0.2.7");
		event_active(handles[1]->timer, EV_TIMEOUT, 0); /* too late */
		wait_answer();
		ck_assert_int_eq(got[1].result, LOGIN_UNDECIDED);
		ck_assert_ptr_null(handles[1]);
		leave_workers(1);
		attempts_employ(auth);
		while (auth->attempt_count > 0)
			ck_assert_int_ge(event_base_loop(server_base(service.server), EVLOOP_ONCE),
				0);
		ck_assert_uint_eq(auth_counts_of(auth->counts, AUTH_REFUSED_CREDENTIALS), 1);
		ck_assert_int_eq(answers, 2);
	}
END_TEST

START_TEST(a_right_password_of_a_disabled_user_has_the_effects_of_a_wrong_one)
	{
		const struct login_request request = { .login = "off", .secret = "" };
		const struct penalty_keys keys =
			penalty_keys(login_key(service.policy, &request), NULL);

		auth_service_publish(&service);
		begin("off", passwords[_i]);
		wait_answer();
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		ck_assert(penalty_view(auth->penalty, &keys, auth_seconds()).has_failed);
	}
END_TEST

/* A process of this machine may claim as many networks as it likes. */
START_TEST(claimed_networks_come_after_those_of_the_mta)
	{
		struct attempt_request request = request_of("", "wrong");
		char login[16], client[32];

		auth_service_publish(&service);
		leave_workers(0);
		request.is_client_claimed = true;
		for (int i = 0; i < 30; i++) {
			(void)snprintf(login, sizeof(login), "user%d", i);
			(void)snprintf(client, sizeof(client), "198.51.100.%d", i);
			request.login = login;
			ck_assert_int_eq(cidr_parse(client, &request.client, NULL), 0);
			attempt_begin(auth, &request, on_one_of_many, &handles[i], &handles[i]);
		}
		begin_one(30, "bob", "pa55word", "192.0.2.7");
		begin_one(31, "bob", "wrong", "192.0.2.8");
		ck_assert_int_eq(answers, 0);
		leave_workers(1);
		attempts_employ(auth);
		wait_answer();
		wait_answer();
		ck_assert_int_eq(got[0].number + got[1].number, 30 + 31);
	}
END_TEST

/* A process of this machine may claim the network of the MTA's clients, where their logins are
 * trusted. */
START_TEST(a_claimed_network_takes_nothing_from_the_real_one)
	{
		struct attempt_request request = request_of("bob", "pa55word");

		auth_service_publish(&service);
		begin_one(0, "bob", "pa55word", "192.0.2.7");
		wait_answer();
		request.is_client_claimed = true;
		ck_assert_int_eq(cidr_parse("192.0.2.7", &request.client, NULL), 0);
		attempt_begin(auth, &request, on_one_of_many, &handles[1], &handles[1]);
		while (answers < 2) /* trusted there, too */
			wait_answer();
		leave_workers(0);
		request.secret = "wrong";
		for (int i = 2; i < 5; i++)
			attempt_begin(auth, &request, on_one_of_many, &handles[i], &handles[i]);
		begin_one(5, "bob", "wrong", "192.0.2.7");
		ck_assert_int_eq(answers, 2);
		leave_workers(1);
		attempts_employ(auth);
		wait_answer();
		ck_assert_int_eq(got[2].number, 5);
		while (answers < 6)
			wait_answer();
		begin_one(6, "bob", "pa55word", "192.0.2.7"); /* still trusted */
		ck_assert_int_eq(answers, 7);
		ck_assert_uint_eq(auth_service_forgive(&service, "192.0.2.7"), 2); /* both */
	}
END_TEST

START_TEST(slowed_networks_leave_a_worker_free)
	{
		char login[16];

		auth_service_publish(&service);
		count_failures("eve", "192.0.2.7", 4); /* a delay of half a second */
		count_failures("eve", "192.0.2.8", 4);
		begin_one(8, "bob", "pa55word", "198.51.100.1");
		wait_answer();
		for (int i = 0; i < 8; i++) {
			(void)snprintf(login, sizeof(login), "user%d", i);
			begin_one(i, login, "wrong", i % 2 == 0 ? "192.0.2.7" : "192.0.2.8");
		}
		while (answers < 9) {
			wait_answer();
			ck_assert_uint_lt(auth->working_behind, auth->worker_count);
		}
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
		ck_assert_uint_eq(auth->attempt_count, 3); /* the others waited at the gate */
	}
END_TEST

START_TEST(without_other_logins_saslauthd_has_all_workers)
	{
		char login[16];

		auth_service_publish(&service);
		for (int i = 0; i < 20; i++) {
			(void)snprintf(login, sizeof(login), "user%d", i);
			begin_one(i, login, "wrong", "");
		}
		ck_assert_uint_eq(auth->working_behind, auth->worker_count);
	}
END_TEST

static int refused_at_once;

static void on_one_of_a_crowd(void *context, const struct login_answer *given)
{
	(void)context;
	refused_at_once += given->result == LOGIN_UNDECIDED;
}

/* Attempts that wait, here for a policy, do not keep those of other sockets out. */
START_TEST(no_kind_of_sockets_takes_all_the_room)
	{
		static struct attempt *crowd[5000];
		struct attempt_request request = request_of("eve", "wrong");

		refused_at_once = 0;
		request.is_client_claimed = _i == 0;
		request.is_mute = _i == 1;
		for (int i = 0; i < COUNT(crowd) && refused_at_once == 0; i++)
			attempt_begin(auth, &request, on_one_of_a_crowd, NULL, &crowd[i]);
		ck_assert_int_eq(refused_at_once, 1);
		begin("bob", "pa55word");
		ck_assert_ptr_nonnull(handle);
		auth_service_publish(&service);
		wait_answer();
		ck_assert_int_eq(answer.result, LOGIN_ACCEPTED);
	}
END_TEST

/* The newest attempts at a login without an address are those of its owner as likely as any. */
START_TEST(too_many_at_one_login_over_saslauthd_displace_the_oldest)
	{
		static struct attempt *crowd[4 + GATE_WAITING_MAX];
		struct attempt_request request = request_of("bob", "wrong");

		auth_service_publish(&service);
		leave_workers(0);
		refused_at_once = 0;
		request.is_mute = true;
		for (int i = 0; i < COUNT(crowd); i++) {
			ck_assert_int_eq(refused_at_once, 0);
			attempt_begin(auth, &request, on_one_of_a_crowd, NULL, &crowd[i]);
		}
		ck_assert_int_eq(refused_at_once, 1);
		ck_assert_ptr_nonnull(crowd[2]); /* under way */
		ck_assert_ptr_null(crowd[3]);
		ck_assert_ptr_nonnull(crowd[4]);
		ck_assert_ptr_nonnull(crowd[COUNT(crowd) - 1]);
		ck_assert_uint_eq(auth->attempt_count, COUNT(crowd) - 1);
	}
END_TEST

static uint64_t suppressed_lines(void)
{
	uint64_t lines = 0;

	for (int i = 0; i < UNLOGGED_KINDS; i++)
		lines += auth->unlogged[i].suppressed;
	return lines;
}

/* Any local process can cause refusals without end; each may be another line of the log. */
START_TEST(what_is_refused_without_a_check_has_a_bounded_number_of_log_lines)
	{
		struct attempt_request request = request_of("", "");
		uint64_t suppressed;

		auth_service_publish(&service);
		request.is_client_claimed = true;
		request.refusal = "a mechanism that is not on offer";
		request.cause = CAUSE_POLICY;
		for (int i = 0; i < 3 * LOG_BOUND_BURST; i++)
			attempt_begin(auth, &request, on_done, NULL, &handle);
		suppressed = suppressed_lines();
		ck_assert_uint_gt(suppressed, 0);
		ck_assert_uint_eq(auth->unlogged[UNCHECKED_CLAIMED].suppressed, suppressed);
		begin("bob", "pa55word");
		wait_answer();
		request = request_of("bob", "wrong");
		request.is_client_claimed = true;
		attempt_begin(auth, &request, on_done, NULL, &handle);
		wait_answer();
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		ck_assert_uint_eq(suppressed_lines(), suppressed);
	}
END_TEST

/* Attempts that cost their client nothing: with tokens, and those of a local process, which claims
 * addresses and so is not slowed, also with its own password. All others of MTAs are logged. */
static const struct {
	const char *login; /* "": of a bearer token */
	const char *password;
	bool is_claimed;
	uint64_t suppressed;
} floods[] = {
	{ "token:bob@example.com", "wrong", false, 5 },
	{ "token:bob@example.com", "wrong", true, 5 },
	{ "", "wrong", false, 5 },
	{ "bob", "wrong", true, 5 },
	{ "eve", "wrong", true, 5 },
	{ "bob", "wrong", false, 0 },
	{ "bob", "pa55word", true, 5 },
	{ "bob", "pa55word", false, 0 },
};
START_TEST(what_costs_nothing_has_a_bounded_number_of_log_lines)
	{
		struct attempt_request request = request_of(floods[_i].login, floods[_i].password);

		auth_service_free(&service);
		auth_service_new(&service, "[jwt]\nsecret = 0123456789abcdef0123456789abcdef\n");
		auth = service.auth;
		auth_service_publish(&service);
		for (int i = 0; i < UNLOGGED_KINDS; i++) /* used up */
			auth->unlogged[i] =
				(struct log_bound){ .used = INT64_C(1) << 40, .time = clock_ms() };
		request.is_bearer = floods[_i].login[0] == '\0';
		request.is_client_claimed = floods[_i].is_claimed;
		for (int i = 0; i < 5; i++) {
			attempt_begin(auth, &request, on_done, NULL, &handle);
			if (handle != NULL)
				wait_answer();
			ck_assert_int_eq(answer.result,
				strcmp(floods[_i].password, "pa55word") == 0 ? LOGIN_ACCEPTED :
									       LOGIN_REFUSED);
			(void)penalty_reset(auth->penalty, NULL);
		}
		ck_assert_uint_eq(suppressed_lines(), floods[_i].suppressed);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_attempt");
	TCase *tcase = tcase_create("auth_attempt");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_worker_decides_and_the_result_is_counted, 0, COUNT(logins));
	tcase_add_test(tcase, a_cached_login_is_answered_at_once);
	tcase_add_loop_test(tcase, after_failures_right_and_wrong_passwords_are_delayed_alike, 0,
		COUNT(passwords));
	tcase_add_test(tcase, where_a_login_has_succeeded_others_failures_do_not_delay_it);
	tcase_add_test(tcase, a_changed_password_ends_the_trust_of_the_old_one);
	tcase_add_test(tcase, a_success_counts_for_the_password_that_was_checked);
	tcase_add_test(tcase, hanging_up_frees_no_place);
	tcase_add_test(tcase, who_waits_at_the_gate_and_hangs_up_is_gone);
	tcase_add_test(tcase, many_right_logins_at_once_succeed);
	tcase_add_test(tcase, of_many_wrong_ones_a_few_are_checked);
	tcase_add_test(tcase, over_saslauthd_the_empty_login_is_one_like_others);
	tcase_add_test(tcase, over_saslauthd_nobody_is_refused_for_others_failures);
	tcase_add_loop_test(tcase, an_attempt_is_checked_by_the_rules_when_a_worker_has_it, 0, 2);
	tcase_add_loop_test(tcase, a_success_counts_for_the_row_that_has_accepted_it, 0, 2);
	tcase_add_test(tcase, a_failure_counts_for_the_row_that_has_refused_it);
	tcase_add_loop_test(tcase, a_crowd_does_not_take_the_workers_from_others, 0, COUNT(crowds));
	tcase_add_loop_test(tcase,
		a_crowd_of_trusted_attempts_does_not_take_the_workers_from_others, 0,
		COUNT(trusted_crowds));
	tcase_add_test(tcase, no_guess_at_a_remembered_password_is_free_while_workers_are_busy);
	tcase_add_test(tcase,
		a_guess_that_the_cache_has_refused_is_counted_also_if_no_worker_is_free);
	tcase_add_loop_test(tcase,
		a_right_password_of_a_disabled_user_has_the_effects_of_a_wrong_one, 0,
		COUNT(passwords));
	tcase_add_test(tcase, claimed_networks_come_after_those_of_the_mta);
	tcase_add_test(tcase, a_claimed_network_takes_nothing_from_the_real_one);
	tcase_add_test(tcase, slowed_networks_leave_a_worker_free);
	tcase_add_test(tcase, without_other_logins_saslauthd_has_all_workers);
	tcase_add_test(tcase, a_cancelled_login_is_counted_but_not_answered);
	tcase_add_test(tcase, a_refusal_of_the_protocol_is_counted_and_needs_no_worker);
	tcase_add_test(tcase, a_new_daemon_waits_for_its_first_policy);
	tcase_add_test(tcase, without_a_policy_an_older_daemon_decides_nothing);
	tcase_add_test(tcase, attempts_that_are_left_at_the_end_are_freed);
	tcase_add_loop_test(tcase, no_kind_of_sockets_takes_all_the_room, 0, 2);
	tcase_add_test(tcase, too_many_at_one_login_over_saslauthd_displace_the_oldest);
	tcase_add_test(tcase, what_is_refused_without_a_check_has_a_bounded_number_of_log_lines);
	tcase_add_loop_test(tcase, what_costs_nothing_has_a_bounded_number_of_log_lines, 0,
		COUNT(floods));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
