/*
 * Shows that the section auth reports, while logins are not served, the missing directory of the
 * sockets and suspensions that could not be saved. t/integration/test_status.py shows the rest.
 */
#include "milter/auth/auth_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "t/unit/unit.h"

static struct snapshot *snapshot;
static struct settings *settings;
static struct shared *shared;
static struct suspension_keeper *keeper;
static struct auth_sockets sockets;
static struct auth_section section;
static struct status *registry;

static void setup(void)
{
	snapshot = snapshot_new();
	settings = settings_new();
	shared = shared_new(snapshot, settings, false);
	keeper = suspension_keeper_new("/nowhere/suspended", shared_suspensions(shared));
	sockets = (struct auth_sockets){ .fd = { -1, -1, -1 } };
	section = (struct auth_section){ .sockets = &sockets,
		.shared = shared,
		.suspensions = keeper };
	registry = status_new();
	ck_assert_int_eq(auth_status_register(&section, registry), 0);
}

static void teardown(void)
{
	status_free(&registry);
	suspension_keeper_free(&keeper);
	shared_free(&shared);
	settings_unref(&settings);
	snapshot_free(&snapshot);
}

/* The only problem of the registry contains text; NULL: there is no problem. */
static void check_only_problem(const char *text)
{
	json_t *problems = status_problems(registry);
	const char *problem =
		json_string_value(json_object_get(json_array_get(problems, 0), "problem"));

	ck_assert_uint_eq(json_array_size(problems), text == NULL ? 0 : 1);
	if (text != NULL)
		ck_assert_ptr_nonnull(strstr(problem, text));
	json_decref(problems);
}

START_TEST(logins_that_are_not_configured_are_no_problem)
	{
		json_t *sections = status_describe(registry);
		json_t *auth = json_object_get(sections, "auth");

		ck_assert(json_is_false(json_object_get(auth, "served")));
		ck_assert_int_eq(json_integer_value(json_object_get(auth, "suspended")), 0);
		json_decref(sections);
		check_only_problem(NULL);
	}
END_TEST

START_TEST(a_missing_directory_of_the_sockets_is_a_problem)
	{
		sockets.without_folder = true;
		check_only_problem("logins are not served");
	}
END_TEST

START_TEST(a_socket_of_systemd_that_is_not_configured_is_a_problem)
	{
		(void)snprintf(sockets.ignored, sizeof(sockets.ignored), "/run/x/auth");
		check_only_problem("systemd listens on /run/x/auth, which [auth] does not set");
	}
END_TEST

START_TEST(a_socket_of_systemd_for_everybody_is_a_note)
	{
		json_t *notes;
		const char *note;

		(void)snprintf(sockets.loose, sizeof(sockets.loose), "/run/x/auth");
		notes = status_notes(registry);
		note = json_string_value(json_object_get(json_array_get(notes, 0), "note"));
		ck_assert_ptr_nonnull(
			strstr(note, "every user of this machine can connect to /run/x/auth"));
		json_decref(notes);
		check_only_problem(NULL);
	}
END_TEST

START_TEST(suspensions_that_are_not_saved_are_a_problem)
	{
		ck_assert_int_eq(suspensions_set(shared_suspensions(shared), "bob", true), 1);
		suspension_keeper_request(keeper, NULL);
		check_only_problem("/nowhere/suspended");
	}
END_TEST

START_TEST(a_broken_file_of_suspensions_is_a_problem)
	{
		char file[] = "/tmp/test_auth_status.XXXXXX";
		int fd = mkstemp(file);
		struct errmsg err;

		ck_assert_int_eq(write(fd, "bob \n", 5), 5);
		(void)close(fd);
		suspension_keeper_free(&keeper);
		keeper = suspension_keeper_new(file, shared_suspensions(shared));
		section.suspensions = keeper;
		ck_assert_int_eq(suspension_keeper_start(keeper, 5, &err), 0);
		do {
			(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
			suspension_keeper_file_error(keeper, &err);
		} while (err.text[0] == '\0');
		check_only_problem(":1: a line cannot begin or end with a space");
		ck_assert_int_eq(suspension_keeper_stop(keeper, &(struct errmsg){ "" }),
			0); /* it uses the path */
		(void)unlink(file);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_status");
	TCase *tcase = tcase_create("auth_status");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, logins_that_are_not_configured_are_no_problem);
	tcase_add_test(tcase, a_missing_directory_of_the_sockets_is_a_problem);
	tcase_add_test(tcase, a_socket_of_systemd_that_is_not_configured_is_a_problem);
	tcase_add_test(tcase, a_socket_of_systemd_for_everybody_is_a_note);
	tcase_add_test(tcase, suspensions_that_are_not_saved_are_a_problem);
	tcase_add_test(tcase, a_broken_file_of_suspensions_is_a_problem);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
