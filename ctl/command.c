/*
 * Functions that several commands use: usage, errors, JSON and plurals. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include "ctl/command.h"

#include <stdio.h>
#include <sysexits.h>

int command_usage(const struct ctl *ctl)
{
	(void)fprintf(stderr, "usage: posternctl [OPTION ...] %s%s%s\n", ctl->command->name,
		ctl->command->arguments[0] == '\0' ? "" : " ", ctl->command->arguments);
	return EX_USAGE;
}

int command_no_arguments(const struct ctl *ctl, int argc, char **argv)
{
	if (argc == 1)
		return CTL_OK;
	(void)fprintf(stderr, "posternctl: %s: the command %s has no arguments\n", argv[1],
		ctl->command->name);
	return command_usage(ctl);
}

int command_fail(int code, const struct errmsg *err)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "posternctl: %s\n", err->text);
	return code;
}

void command_print_json(const json_t *answer)
{
	(void)json_dumpf(answer, stdout, JSON_INDENT(2));
	(void)putchar('\n');
}

const char *command_s(long long number)
{
	return number == 1 ? "" : "s";
}
