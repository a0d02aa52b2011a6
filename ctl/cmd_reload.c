/*
 * The command reload: waits until the daemon has read everything again, and prints the problems
 * that it found. Owns nothing. t/integration/test_control.py covers it.
 */
#include <stdio.h>

#include "ctl/cmd.h"
#include "ctl/control_client.h"
#include "ctl/terminal.h"
#include "lib/base/print.h"

static void print_reload(const struct ctl *ctl, json_t *answer)
{
	const long long count = json_integer_value(json_object_get(answer, "problem_count"));
	json_t *problem;
	size_t i;

	json_array_foreach (json_object_get(answer, "problems"), i, problem) {
		terminal_word(stdout, ctl->colour, TERMINAL_YELLOW, "problem");
		print_line(stdout, ": %s", json_string_value(problem));
	}
	if (json_is_true(json_object_get(answer, "ok")))
		print_line(stdout, "policy %lld is in force, %lld problem%s",
			(long long)json_integer_value(json_object_get(answer, "serial")), count,
			command_s(count));
}

static void report_failure(const struct errmsg *err)
{
	print_line(stderr, "posternctl: the reload failed: %s", err->text);
	print_line(stderr,
		"What could not be read stays in force as it was; 'posternctl status' shows "
		"the state.");
}

int cmd_reload(const struct ctl *ctl, int argc, char **argv)
{
	struct errmsg err;
	json_t *answer;
	int ret = command_no_arguments(ctl, argc, argv);

	if (ret != CTL_OK)
		return ret;
	ret = control_client_once(ctl, json_pack("{s:s}", "command", "reload"), &answer, &err);
	/* A reload that failed still answers with the problems. */
	if (answer != NULL && ctl->json)
		(void)command_print_json(answer);
	else if (answer != NULL)
		print_reload(ctl, answer);
	if (ret == CTL_FAILED)
		report_failure(&err);
	else if (ret != CTL_OK)
		ret = command_fail(ret, &err);
	json_decref(answer);
	return ret;
}
