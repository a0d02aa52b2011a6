/*
 * Functions that several commands use: usage, errors, JSON and plurals. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include "ctl/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/terminal.h"
#include "lib/base/print.h"

int command_usage(const struct ctl *ctl)
{
	print_line(stderr, "usage: posternctl [OPTION ...] %s%s%s", ctl->command->name,
		ctl->command->arguments[0] == '\0' ? "" : " ", ctl->command->arguments);
	return EX_USAGE;
}

int command_no_arguments(const struct ctl *ctl, int argc, char **argv)
{
	if (argc == 1)
		return CTL_OK;
	print_line(stderr, "posternctl: %s: the command %s has no arguments", argv[1],
		ctl->command->name);
	return command_usage(ctl);
}

bool command_has_option(const struct ctl *ctl, int argc, char **argv, const char *option,
	int *ret_r)
{
	const bool has_option = argc == 2 && strcmp(argv[1], option) == 0;

	*ret_r = has_option ? CTL_OK : command_no_arguments(ctl, argc, argv);
	return has_option;
}

int command_operands(int argc, char **argv)
{
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	if (at >= argc)
		return argc;
	memmove(&argv[at], &argv[at + 1], (size_t)(argc - at) * sizeof(*argv)); /* with the NULL */
	return argc - 1;
}

int command_fail(int code, const struct errmsg *err)
{
	(void)fflush(stdout);
	print_line(stderr, "posternctl: %s", err->text);
	return code;
}

int command_print_json(const json_t *answer)
{
	static const struct errmsg no_memory = { "out of memory" };

	return terminal_json(stdout, answer, JSON_INDENT(2)) == 0 ?
		CTL_OK :
		command_fail(CTL_FAILED, &no_memory);
}

void command_report_option(char **argv)
{
	const char *argument = argv[optind - 1];

	if (optopt == 0)
		print_line(stderr, "%s: unrecognized option '%s'", argv[0], argument);
	else if (argument[0] == '-' && argument[1] == '-')
		print_line(stderr,
			"%s: option '%s' is incomplete, or has a value that it cannot have",
			argv[0], argument);
	else
		print_line(stderr, "%s: invalid option or missing value -- '%c'", argv[0], optopt);
}

const char *command_s(long long number)
{
	return number == 1 ? "" : "s";
}
