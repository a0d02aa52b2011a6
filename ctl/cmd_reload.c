#include <stdio.h>

#include "ctl/command.h"
#include "ctl/control_client.h"
#include "ctl/terminal.h"

static void print_answer(const struct ctl *ctl, json_t *answer)
{
	json_t *problems = json_object_get(answer, "problems");
	const long long count = json_integer_value(json_object_get(answer, "problem_count"));
	json_t *problem;
	size_t i;

	json_array_foreach (problems, i, problem)
		(void)printf("%sproblem%s: %s\n", terminal_colour(ctl->colour, TERMINAL_YELLOW),
			terminal_colour(ctl->colour, TERMINAL_OFF), json_string_value(problem));
	if (json_is_true(json_object_get(answer, "ok")))
		(void)printf("policy %lld is in force, %lld problem%s\n",
			(long long)json_integer_value(json_object_get(answer, "serial")), count,
			command_s(count));
}

int cmd_reload(const struct ctl *ctl, int argc, char **argv)
{
	struct errmsg err;
	json_t *answer;
	int ret = command_no_arguments(argc, argv);

	if (ret != CTL_OK)
		return ret;
	ret = control_client_once(ctl, json_pack("{s:s}", "command", "reload"), &answer, &err);
	if (answer != NULL && ctl->json)
		command_print_json(answer);
	else if (answer != NULL)
		print_answer(ctl, answer);
	if (ret != CTL_OK)
		ret = command_fail(ret, &err);
	json_decref(answer);
	return ret;
}

int cmd_log_level(const struct ctl *ctl, int argc, char **argv)
{
	struct errmsg err;
	json_t *request, *answer;
	int ret;

	if (argc > 2)
		return command_usage(argv[0]);
	request = json_pack("{s:s, s:s*}", "command", "log-level", "level",
		argc == 2 ? argv[1] : NULL);
	if ((ret = control_client_once(ctl, request, &answer, &err)) != CTL_OK)
		ret = command_fail(ret, &err);
	else if (ctl->json)
		command_print_json(answer);
	else
		(void)puts(json_string_value(json_object_get(answer, "level")));
	json_decref(answer);
	return ret;
}
