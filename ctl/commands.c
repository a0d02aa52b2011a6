/*
 * The table of all commands, from which the usage, the help and the suggestions for misspelt names
 * derive, and the commands help and version. t/integration/test_control.py covers it.
 */
#include "ctl/commands.h"

#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "ctl/cmd.h"
#include "lib/base/near_name.h"
#include "lib/base/print.h"
#include "lib/conf/config.h"

static const struct command *all_commands(void);

static int cmd_version(const struct ctl *ctl, int argc, char **argv)
{
	const int ret = command_no_arguments(ctl, argc, argv);

	if (ret != CTL_OK)
		return ret;
	if (ctl->json)
		print_line(stdout, "{\"version\": \"%s\"}", PACKAGE_VERSION);
	else
		print_line(stdout, "posternctl %s", PACKAGE_VERSION);
	return CTL_OK;
}

static int cmd_help(const struct ctl *ctl, int argc, char **argv)
{
	const struct command *command;

	if (argc > 2)
		return command_usage(ctl);
	if (argc == 2) {
		if ((command = commands_find(argv[1])) == NULL)
			return commands_report_unknown(argv[1]);
		commands_print_usage(command);
		return CTL_OK;
	}
	print_lines(stdout,
		"usage: posternctl [OPTION ...] COMMAND [ARGUMENT ...]\n"
		"\n"
		"Options:\n"
		"  -c, --config FILE    read this configuration (" CONFIG_FILE_DEFAULT ")\n"
		"  -s, --socket SOCKET  connect to this control socket, not to that of the "
		"configuration\n"
		"      --json           print the answer as JSON\n"
		"      --colour=WHEN    print colours: auto, always or never\n"
		"\n"
		"Commands:\n");
	for (command = all_commands(); command->name != NULL; command++)
		print_line(stdout, "  %-10s %s", command->name, command->summary);
	print_lines(stdout,
		"\n'posternctl help COMMAND' shows the usage of a command; posternctl(8) describes all.\n");
	return CTL_OK;
}

/* In the order of the help; the last one has no name. */
static const struct command *all_commands(void)
{
	static const struct command commands[] = {
		{ "explain", "[OPTION ...] | --jsonl [--running]",
			"show what is decided about a session, and why", cmd_explain,
			cmd_explain_usage },
		{ "status", "[--strict]",
			"show the policy in force, the daemon's state and any problems", cmd_status,
			NULL },
		{ "reload", "", "read everything again, and report problems", cmd_reload, NULL },
		{ "tail", "", "show decisions as they are made", cmd_tail, NULL },
		{ "limits", "[LOGIN | KEY [reset] | top [NUMBER]]",
			"show or reset what rate limits have counted", cmd_limits, NULL },
		{ "log-level", "[LEVEL]", "show the log level, or change it until the next reload",
			cmd_log_level, NULL },
		{ "suspend", "LOGIN", "stop a user from logging in and sending", cmd_suspend,
			NULL },
		{ "resume", "LOGIN", "end a suspension", cmd_suspend, NULL },
		{ "suspended", "", "list the logins that are suspended on this machine",
			cmd_suspended, NULL },
		{ "auth", "reset [LOGIN | ADDRESS]", "forgive failed logins", cmd_auth, NULL },
		{ "hash", "[-m METHOD] [-r ROUNDS]", "hash a password for the users table",
			cmd_hash, NULL },
		{ "version", "", "print the version", cmd_version, NULL },
		{ "help", "[COMMAND]", "list the commands, or show the usage of one", cmd_help,
			NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};

	return commands;
}

const struct command *commands_find(const char *name)
{
	const struct command *command = all_commands();

	while (command->name != NULL && strcmp(command->name, name) != 0)
		command++;
	return command->name == NULL ? NULL : command;
}

void commands_print_usage(const struct command *command)
{
	if (command->usage != NULL)
		print_lines(stdout, command->usage);
	else {
		print_line(stdout, "usage: posternctl [OPTION ...] %s%s%s", command->name,
			command->arguments[0] == '\0' ? "" : " ", command->arguments);
		print_line(stdout, "%s", command->summary);
	}
}

/* The name most like `name`; NULL when none is near. */
static const char *nearest_name(const char *name)
{
	const struct command *command;
	const char *near = NULL;
	unsigned best = NEAR_NAME_MAX;

	for (command = all_commands(); command->name != NULL; command++) {
		if (near_name_better(name, command->name, &best))
			near = command->name;
	}
	return near;
}

int commands_report_unknown(const char *name)
{
	const char *near = nearest_name(name);

	print_line(stderr, "posternctl: %s: there is no such command%s%s%s; see 'posternctl help'",
		name, near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
		near == NULL ? "" : "?");
	return EX_USAGE;
}
