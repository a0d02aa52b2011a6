/*
 * The section daemon describes the process, and reports a change of the configuration that needs a
 * restart. t/integration/test_status.py shows the same for a daemon.
 */
#include "milter/daemon_status.h"

#include <string.h>
#include <time.h>

#include "t/unit/unit.h"

static const struct config *parse(const char *text)
{
	const struct config *config;
	struct errmsg err;

	ck_assert_msg(config_parse("/etc/p.conf", text, strlen(text), &config, &err) == 0, "%s",
		err.text);
	return config;
}

/* The time of day, which somebody sets back. */
static time_t time_now = 1000000000;

time_t time(time_t *time_r)
{
	if (time_r != NULL)
		*time_r = time_now;
	return time_now;
}

START_TEST(the_uptime_does_not_depend_on_the_time_of_day)
	{
		const struct config *config = parse("");
		struct daemon_status *daemon = daemon_status_new(config, "/etc/p.conf", "");
		struct status *registry = status_new();
		json_int_t uptime;
		json_t *sections;

		ck_assert_int_eq(daemon_status_register(daemon, registry), 0);
		time_now -= 86400;
		sections = status_describe(registry);
		uptime = json_integer_value(
			json_object_get(json_object_get(sections, "daemon"), "uptime_seconds"));
		ck_assert_msg(uptime >= 0 && uptime < 60, "%d", (int)uptime);
		json_decref(sections);
		status_free(&registry);
		daemon_status_free(&daemon);
		config_unref(&config);
	}
END_TEST

START_TEST(the_sockets_of_the_start_are_described)
	{
		const struct config *first =
			parse("[milter]\nsocket = /m/s\n[auth]\nsocket = none\n");
		const struct config *next = parse("[milter]\nsocket = /other\n");
		struct daemon_status *daemon = daemon_status_new(first, "/etc/p.conf", "");
		struct status *registry = status_new();
		json_t *sections, *section;

		ck_assert_int_eq(daemon_status_register(daemon, registry), 0);
		daemon_status_set_config(daemon, next);
		sections = status_describe(registry);
		section = json_object_get(sections, "daemon");
		ck_assert_str_eq(json_string_value(json_object_get(section, "milter_socket")),
			"unix:/m/s");
		ck_assert(json_is_null(json_object_get(section, "auth_socket")));
		json_decref(sections);
		status_free(&registry);
		daemon_status_free(&daemon);
		config_unref(&first);
		config_unref(&next);
	}
END_TEST

START_TEST(a_path_that_is_not_utf8_is_described)
	{
		const struct config *config = parse("");
		struct daemon_status *daemon = daemon_status_new(config, "/etc/caf\xe9.conf", "");
		struct status *registry = status_new();
		json_t *sections;

		ck_assert_int_eq(daemon_status_register(daemon, registry), 0);
		sections = status_describe(registry);
		ck_assert_ptr_nonnull(sections);
		ck_assert_str_eq(json_string_value(
					 json_object_get(json_object_get(sections, "daemon"),
						 "config")),
			"/etc/caf\\xe9.conf");
		json_decref(sections);
		status_free(&registry);
		daemon_status_free(&daemon);
		config_unref(&config);
	}
END_TEST

START_TEST(a_change_that_needs_a_restart_is_a_problem_until_it_is_undone)
	{
		const struct config *first = parse("[milter]\nsocket_mode = 0600\n");
		const struct config *next = parse("[milter]\nsocket_mode = 0666\n");
		struct daemon_status *daemon = daemon_status_new(first, "/etc/p.conf", "");
		struct status *registry = status_new();
		json_t *before, *changed, *after;
		size_t same;

		ck_assert_int_eq(daemon_status_register(daemon, registry), 0);
		before = status_problems(registry);
		same = json_array_size(before); /* one, if root runs this test */
		daemon_status_set_config(daemon, next);
		changed = status_problems(registry);
		ck_assert_uint_eq(json_array_size(changed), same + 1);
		ck_assert_ptr_nonnull(
			strstr(json_string_value(
				       json_object_get(json_array_get(changed, same), "problem")),
				"[milter] socket_mode was changed"));
		daemon_status_set_config(daemon, first);
		after = status_problems(registry);
		ck_assert_uint_eq(json_array_size(after), same);
		json_decref(before);
		json_decref(changed);
		json_decref(after);
		status_free(&registry);
		daemon_status_free(&daemon);
		config_unref(&first);
		config_unref(&next);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("daemon_status");
	TCase *tests = tcase_create("daemon_status");

	tcase_add_test(tests, the_uptime_does_not_depend_on_the_time_of_day);
	tcase_add_test(tests, the_sockets_of_the_start_are_described);
	tcase_add_test(tests, a_path_that_is_not_utf8_is_described);
	tcase_add_test(tests, a_change_that_needs_a_restart_is_a_problem_until_it_is_undone);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN_ALONE(make_suite)
