/*
 * The service of logins as other rooms use it: a new configuration is in force soon, even when its
 * keys cannot be read, explain gets the rules in force, and failures can be forgiven.
 */
#include "milter/auth/auth.h"

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
	struct login_rules rules;
	struct jwt_keys *held;
	const struct config *config;

	auth_rules(service.auth, &rules, &held, &config);
	ck_assert_str_eq(rules.jwt.issuer, issuer);
	ck_assert_ptr_eq(rules.jwt.keys, held);
	ck_assert_uint_eq(jwt_keys_count(held), keys);
	ck_assert_ptr_eq(rules.suspensions, shared_suspensions(service.shared));
	jwt_keys_unref(&held);
	config_unref(&config);
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
		struct errmsg err = { "" };

		ck_rules("one", 1);
		auth_service_run(&service);
		ck_assert_int_eq(auth_apply_config(service.auth, next, &err),
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
		struct errmsg err = { "" };

		auth_service_run(&service);
		server_stop(service.server);
		ck_assert_int_eq(auth_apply_config(service.auth, next, &err), -1);
		ck_rules("one", 1);
		config_unref(&next);
	}
END_TEST

START_TEST(require_tls_changes_for_open_connections)
	{
		static const char login[] =
			"AUTH\t1\tPLAIN\trip=192.0.2.7\tresp=AGJvYgBwYTU1d29yZA==\n";
		const struct config *next = auth_service_config("[auth]\nrequire_tls = no\n");
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
		ck_assert_int_eq(auth_apply_config(service.auth, next, &err), 0);
		while (is_refused && clock_ms() < deadline) { /* the server thread applies it */
			auth_service_send(client, login, strlen(login));
			is_refused = strcmp(auth_service_line(client), "OK\t1\tuser=bob") != 0;
		}
		ck_assert(!is_refused);
		config_unref(&next);
		(void)close(client);
	}
END_TEST

START_TEST(without_failures_nothing_is_forgiven)
	{
		ck_assert_uint_eq(auth_reset(service.auth, NULL), 0);
		ck_assert_uint_eq(auth_reset(service.auth, "bob"), 0);
		ck_assert_uint_eq(auth_reset(service.auth, "192.0.2.7"), 0);
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
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
