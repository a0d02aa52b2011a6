/*
 * posternctl: reads the options of all commands and runs one command. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "lib/base/print.h"
#include "lib/base/text.h"
#include "lib/conf/config.h"
#include "lib/conf/file.h"
#include "lib/conf/stack.h"

/* Return whether standard output is a terminal that shows colours, and NO_COLOR (no-color.org)
 * allows them. */
static bool terminal_has_colours(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0') &&
		terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static int report_bad_argument(const char *argument, const char *why)
{
	print_line(stderr, "posternctl: %s: %s; see 'posternctl help'", argument, why);
	return EX_USAGE;
}

static int set_colour(struct ctl *ctl, const char *option)
{
	const char *when = strchr(option, '=') + 1;

	if (strcmp(when, "always") == 0)
		ctl->colour = true;
	else if (strcmp(when, "never") == 0)
		ctl->colour = false;
	else if (strcmp(when, "auto") != 0)
		return report_bad_argument(option, "the value must be auto, always or never");
	return CTL_OK;
}

/* Read the options of all commands, which may be anywhere before "--", and remove them from argv.
 */
static int read_options(struct ctl *ctl, int *argc, char **argv)
{
	int kept = 1, ret;

	for (int i = 1; i < *argc; i++) {
		const char **value = NULL;

		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[kept++] = argv[i++];
			break;
		}
		if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0)
			value = &ctl->config_path;
		else if (strcmp(argv[i], "-s") == 0 || strcmp(argv[i], "--socket") == 0)
			value = &ctl->socket_path;
		if (value != NULL) {
			if (i + 1 == *argc)
				return report_bad_argument(argv[i], "a value is missing");
			*value = argv[++i];
		} else if (strcmp(argv[i], "--json") == 0) {
			ctl->json = true;
		} else if (strncmp(argv[i], "--colour=", 9) == 0 ||
			strncmp(argv[i], "--color=", 8) == 0) {
			if ((ret = set_colour(ctl, argv[i])) != CTL_OK)
				return ret;
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	argv[kept] = NULL;
	return CTL_OK;
}

/* Whether the only argument of a command asks for its usage. */
static bool wants_usage(int argc, char **argv)
{
	return argc == 3 && (strcmp(argv[2], "-h") == 0 || strcmp(argv[2], "--help") == 0);
}

/* A command with its arguments. */
struct invocation {
	const struct ctl *ctl;
	int argc;
	char **argv;
};

static int run_invocation(void *context)
{
	const struct invocation *invocation = context;
	const struct ctl *ctl = invocation->ctl;

	return ctl->command->run(ctl, invocation->argc, invocation->argv);
}

/* Run the command with "posternctl NAME" as its argv[0]. It may read a policy, which needs stack.
 */
static int run_command(const struct ctl *ctl, int argc, char **argv)
{
	char whole_name[40];
	const int skipped = argc < 2 ? 0 : 1;
	struct invocation invocation = { ctl, argc - skipped, argv + skipped };

	(void)text_format(whole_name, sizeof(whole_name), "posternctl %s", ctl->command->name);
	argv[skipped] = whole_name;
	return stack_call(run_invocation, &invocation);
}

/* Return code, or EX_IOERR if standard output could not be written. */
static int check_output(int code)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == CTL_OK) {
		print_line(stderr, "posternctl: cannot write to standard output");
		return EX_IOERR;
	}
	return code;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .config_path = CONFIG_FILE_DEFAULT, .colour = terminal_has_colours() };
	const char *name;
	int ret;

	file_occupy_closed();
	if ((ret = read_options(&ctl, &argc, argv)) != CTL_OK)
		return ret;
	name = argc < 2 ? "help" : argv[1];
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		name = "help";
	else if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0)
		name = "version";
	else if (name[0] == '-')
		return report_bad_argument(name, "there is no such option");
	if ((ctl.command = commands_find(name)) == NULL)
		return commands_report_unknown(name);
	if (wants_usage(argc, argv)) {
		commands_print_usage(ctl.command);
		return check_output(CTL_OK);
	}
	return check_output(run_command(&ctl, argc, argv));
}
