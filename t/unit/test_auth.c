/*
 * The service of logins as other rooms use it: a new configuration is in force soon, even when its
 * keys cannot be read, explain has logins checked, and failures can be forgiven.
 */
#include "milter/auth/auth_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "milter/loop/clock.h"
#include "t/unit/lib/auth_service.h"
#include "t/unit/unit.h"

#define SECRET "[jwt]\nissuer = one\nsecret = " AUTH_SERVICE_SECRET "\n"

static struct auth_service service;

static void setup(void)
{
	auth_service_new(&service, SECRET);
	auth_service_publish(&service);
}

static void teardown(void)
{
	auth_service_free(&service);
}

static void ck_rules(const char *issuer, size_t keys)
{
	ck_assert_str_eq(service.auth->config->jwt.issuer, issuer);
	ck_assert_uint_eq(jwt_keys_count(service.auth->keys.keys), keys);
}

static const struct {
	const char *config;
	const char *issuer;
	size_t keys;
	const char *error; /* "": none */
} changes[] = {
	{ "[jwt]\nissuer = two\nsecret = " AUTH_SERVICE_SECRET "\n", "two", 1, "" },
	{ "[jwt]\nissuer = two\n", "two", 0, "" },
	{ "[jwt]\nissuer = two\nkeys_file = /nonexistent/keys\n", "two", 0, "[jwt] keys_file: " },
};
/* The server stops at once, after the calls that wait: then this thread may look at the result. */
START_TEST(a_new_configuration_replaces_the_old_one)
	{
		const struct config *next = auth_service_config(changes[_i].config);
		struct auth_config *read = auth_config_read(next);
		struct errmsg err = { "" };

		ck_rules("one", 1);
		auth_service_run(&service);
		ck_assert_int_eq(auth_apply_config(service.auth, &read, &err),
			changes[_i].error[0] == '\0' ? 0 : -1);
		ck_assert_msg(strstr(err.text, changes[_i].error) == err.text, "%s", err.text);
		config_unref(&next);
		server_stop(service.server);
		ck_rules(changes[_i].issuer, changes[_i].keys);
	}
END_TEST

START_TEST(a_server_that_ends_accepts_no_configuration)
	{
		const struct config *next = auth_service_config(changes[0].config);
		struct auth_config *read = auth_config_read(next);
		struct errmsg err = { "" };

		auth_service_run(&service);
		server_stop(service.server);
		ck_assert_int_eq(auth_apply_config(service.auth, &read, &err), -1);
		ck_assert_ptr_null(read);
		ck_rules("one", 1);
		config_unref(&next);
	}
END_TEST

START_TEST(require_tls_changes_for_open_connections)
	{
		static const char login[] =
			"AUTH\t1\tPLAIN\trip=192.0.2.7\tresp=AGJvYgBwYTU1d29yZA==\n";
		const struct config *next = auth_service_config("[auth]\nrequire_tls = no\n");
		struct auth_config *read = auth_config_read(next);
		const int64_t deadline = clock_ms() + 20000;
		bool is_refused = true;
		struct errmsg err;
		int client;

		auth_service_run(&service);
		client = auth_service_connect(&service, AUTH_SOCKET_DOVECOT);
		while (strcmp(auth_service_line(client), "DONE") != 0)
			;
		auth_service_send(client, login, strlen(login));
		ck_assert_str_eq(auth_service_line(client), "FAIL\t1\treason=TLS is required");
		ck_assert_int_eq(auth_apply_config(service.auth, &read, &err), 0);
		while (is_refused && clock_ms() < deadline) { /* the server thread applies it */
			auth_service_send(client, login, strlen(login));
			is_refused = strcmp(auth_service_line(client), "OK\t1\tuser=bob") != 0;
		}
		ck_assert(!is_refused);
		config_unref(&next);
		(void)close(client);
	}
END_TEST

static const char *const networks[] = { "192.0.2.0/24", "192.0.2.7/24", "192.0.2.0/99",
	"2001:db8::/48", "2001:db8:1::/32", "0.0.0.0/0", "::/0" };

START_TEST(a_network_that_is_not_counted_as_one_is_refused)
	{
		struct errmsg err = { "" };
		size_t forgiven;

		ck_assert_int_eq(auth_reset(service.auth, networks[_i], &forgiven, &err), -1);
		ck_assert_msg(strstr(err.text, "give one address of the network") != NULL, "%s",
			err.text);
	}
END_TEST

static const char *const tokens[] = { "token", "TOKEN", "token:bob@example.com",
	"Token:\"bob\"@example.com" };

/* They are counted by their bytes, so that a login would forgive none. */
START_TEST(failures_of_tokens_are_not_forgiven_by_login)
	{
		struct errmsg err = { "" };
		size_t forgiven;

		ck_assert_int_eq(auth_reset(service.auth, tokens[_i], &forgiven, &err), -1);
		ck_assert_msg(strstr(err.text, "failures of tokens are not counted by login") !=
				NULL,
			"%s", err.text);
	}
END_TEST

START_TEST(without_failures_nothing_is_forgiven)
	{
		ck_assert_uint_eq(auth_service_forgive(&service, NULL), 0);
		ck_assert_uint_eq(auth_service_forgive(&service, "bob"), 0);
		ck_assert_uint_eq(auth_service_forgive(&service, "192.0.2.7"), 0);
		ck_assert_uint_eq(auth_service_forgive(&service, "192.0.2.7/32"), 0);
		ck_assert_uint_eq(auth_service_forgive(&service, "2001:db8::/64"), 0);
		ck_assert_uint_eq(auth_service_forgive(&service, "bob/25"), 0);
	}
END_TEST

static void on_checked(void *context, const struct login_answer *given)
{
	*(struct login_answer *)context = *given;
}

#define EVE 1000 /* the number of a user at the control socket */
#define AMY 1001

static void check_login(const char *login, const char *password, struct login_answer *answer_r)
{
	struct attempt *handle;

	answer_r->result = LOGIN_NEEDS_WORK;
	auth_check(service.auth, EVE, login, password, on_checked, answer_r, &handle);
	while (answer_r->result == LOGIN_NEEDS_WORK)
		ck_assert_int_ge(event_base_loop(server_base(service.server), EVLOOP_ONCE), 0);
}

/* Return the delay of a login that has not failed, for a user at the control socket. */
static uint32_t delay_of_person(uid_t user)
{
	struct login_answer answer;
	struct attempt *handle;
	uint32_t delay;

	auth_check(service.auth, user, "zoe", "wrong", on_checked, &answer, &handle);
	ck_assert_ptr_nonnull(handle);
	delay = handle->ticket.delay_ms;
	attempt_cancel(&handle);
	return delay;
}

START_TEST(each_person_who_explains_sessions_is_slowed_like_a_network)
	{
		const struct login_request bob = { .login = "bob", .secret = "" };
		struct penalty_keys keys = penalty_keys(login_key(service.policy, &bob), NULL),
				    no_address;
		struct cidr nowhere;
		const struct penalty *penalty = service.auth->penalty;
		struct login_answer answer;
		char login[16];

		check_login("bob", "pa55word", &answer);
		ck_assert_int_eq(answer.result, LOGIN_ACCEPTED);
		check_login("bob", "wrong", &answer);
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		ck_assert(penalty_view(penalty, &keys, auth_seconds()).has_failed);
		for (int i = 0; i < 3; i++) { /* names that no row has */
			(void)snprintf(login, sizeof(login), "eve%d", i);
			check_login(login, "wrong", &answer);
			ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		}
		ck_assert_uint_ge(delay_of_person(EVE), 500);
		ck_assert_uint_eq(delay_of_person(AMY), 0);
		/* No address is theirs, whatever a process at an inet socket claims. */
		ck_assert_int_eq(cidr_parse("0.0.0.0", &nowhere, NULL), 0);
		no_address = penalty_keys(0, &nowhere);
		ck_assert(!penalty_view(penalty, &no_address, auth_seconds()).is_slowed);
		/* People at the control socket may forgive the failures of others, not their own.
		 */
		ck_assert_uint_eq(auth_service_forgive(&service, "0.0.0.0"), 0);
		ck_assert_uint_eq(auth_service_forgive(&service, "bob"), 1);
		ck_assert_uint_eq(auth_service_forgive(&service, NULL), 3); /* eve0, eve1, eve2 */
		ck_assert_uint_ge(delay_of_person(EVE), 500);
		ck_assert_uint_eq(auth_counts_of(service.auth->counts, AUTH_REFUSED_CREDENTIALS),
			4);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth");
	TCase *tcase = tcase_create("auth");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_new_configuration_replaces_the_old_one, 0,
		(int)(sizeof(changes) / sizeof(changes[0])));
	tcase_add_test(tcase, a_server_that_ends_accepts_no_configuration);
	tcase_add_test(tcase, require_tls_changes_for_open_connections);
	tcase_add_test(tcase, without_failures_nothing_is_forgiven);
	tcase_add_loop_test(tcase, failures_of_tokens_are_not_forgiven_by_login, 0,
		(int)(sizeof(tokens) / sizeof(tokens[0])));
	tcase_add_loop_test(tcase, a_network_that_is_not_counted_as_one_is_refused, 0,
		(int)(sizeof(networks) / sizeof(networks[0])));
	tcase_add_test(tcase, each_person_who_explains_sessions_is_slowed_like_a_network);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
