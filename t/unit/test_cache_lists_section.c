/*
 * Shows what the section lists says of lists that cannot be used or take long to read.
 * t/integration/test_status.py shows the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "milter/cache/cache_status.h"
#include "t/unit/unit.h"

static struct cache_status status;
static int64_t now;
static struct status *registry;

static void check_lists(void *context, struct status_health *health)
{
	cache_check_list_files(context, now, health);
	cache_check_polled_files(context, health);
}

static json_t *describe_nothing(void *context)
{
	(void)context;
	return json_object();
}

static void setup(void)
{
	const struct status_section section = { "lists", &status, describe_nothing, check_lists };

	status = (struct cache_status){ .serial = 1 };
	now = 100000;
	registry = status_new();
	ck_assert_int_eq(status_register(registry, &section), 0);
}

static void teardown(void)
{
	status_free(&registry);
}

/* The only problem contains all of these texts; none: there is no problem. */
static void check_only_problem(const char *const *texts, size_t count)
{
	json_t *problems = status_problems(registry);
	const char *problem;

	ck_assert_uint_eq(json_array_size(problems), count > 0 ? 1 : 0);
	problem = json_string_value(json_object_get(json_array_get(problems, 0), "problem"));
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(strstr(problem, texts[i]) != NULL, "%s", problem);
	json_decref(problems);
}

START_TEST(a_list_that_is_read_for_ten_seconds_is_a_problem)
	{
		const char *const texts[] = { "rcpt_to.access.blacklist has taken 10 s so far",
			"the earlier list is in force" };

		status.lists_reading[LIST_RCPT_DENY] = now - 9999;
		check_only_problem(NULL, 0);
		now++;
		check_only_problem(texts, 2);
	}
END_TEST

START_TEST(all_lists_that_cannot_be_used_are_named)
	{
		char names[LIST_COUNT][64];
		const char *texts[LIST_COUNT + 2] = {
			"14 list files cannot be used: the reason; also ", "(since 20"
		};

		for (int i = 0; i < LIST_COUNT; i++) {
			(void)snprintf(names[i], sizeof(names[i]), "%s",
				list_name((enum list_id)i));
			status.list_is_unreadable[i] = true;
			status.right.wrong_since[i] = 1600000000 + i;
			texts[i + 2] = i == 0 ? "also" : names[i];
		}
		status.lists_unreadable = LIST_COUNT;
		(void)snprintf(status.list_error, sizeof(status.list_error), "the reason");
		check_only_problem(texts, LIST_COUNT + 2);
	}
END_TEST

/* Why inotify reports no changes, and what to do. */
static const struct {
	int error;
	const char *folder, *problem, *remedy;
} polled[] = {
	{ EACCES, "/etc/p/lists",
		"files in /etc/p/lists, so they are found later: Permission denied",
		"Let the daemon's user read the directory" },
	{ ENOSPC, "/etc/p/lists", "No space left on device", "fs.inotify.max_user_watches" },
	{ EMFILE, "", "changes of files, so they are found later: Too many open files",
		"fs.inotify.max_user_instances" },
	{ ENFILE, "", "Too many open files in system", "fs.file-max" },
	{ ENOMEM, "", "Cannot allocate memory", "more memory, then restart postern" },
	{ ENOMEM, "/etc/p/lists", "Cannot allocate memory", "tries again by itself" },
	{ ENOSYS, "", "Function not implemented", "a kernel, or a sandbox" },
	{ ENOTDIR, "/etc/p/lists", "Not a directory", "the cause that the message names" },
};
START_TEST(files_that_inotify_does_not_report_have_a_remedy)
	{
		json_t *problems;

		status.polled_for = polled[_i].error;
		(void)snprintf(status.polled_folder, sizeof(status.polled_folder), "%s",
			polled[_i].folder);
		check_only_problem(&polled[_i].problem, 1);
		problems = status_problems(registry);
		ck_assert_ptr_nonnull(
			strstr(json_string_value(
				       json_object_get(json_array_get(problems, 0), "remedy")),
				polled[_i].remedy));
		json_decref(problems);
		status.polled_for = 0;
		check_only_problem(NULL, 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("cache_lists_section");
	TCase *tcase = tcase_create("cache_lists_section");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_list_that_is_read_for_ten_seconds_is_a_problem);
	tcase_add_test(tcase, all_lists_that_cannot_be_used_are_named);
	tcase_add_loop_test(tcase, files_that_inotify_does_not_report_have_a_remedy, 0,
		(int)(sizeof(polled) / sizeof(polled[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
