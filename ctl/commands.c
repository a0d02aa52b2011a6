/*
 * The table of all commands, from which the usage, the help and the suggestions for misspelt names
 * derive, and the commands help and version. t/integration/test_control.py covers it.
 */
#include "ctl/commands.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "ctl/cmd.h"
#include "lib/conf/config.h"
#include "lib/conf/near_name.h"

static const struct command *all_commands(void);

static int cmd_version(const struct ctl *ctl, int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return command_usage(ctl);
	(void)printf(ctl->json ? "{\"version\": \"%s\"}\n" : "posternctl %s\n", PACKAGE_VERSION);
	return CTL_OK;
}

static int cmd_help(const struct ctl *ctl, int argc, char **argv)
{
	const struct command *command;

	if (argc > 2)
		return command_usage(ctl);
	if (argc == 2) {
		if ((command = commands_find(argv[1])) == NULL)
			return command_usage(ctl);
		(void)printf("usage: posternctl [OPTION ...] %s %s\n%s\n", command->name,
			command->arguments, command->summary);
		return CTL_OK;
	}
	(void)puts("usage: posternctl [OPTION ...] COMMAND [ARGUMENT ...]\n"
		   "\n"
		   "Options:\n"
		   "  -c, --config FILE    read this configuration (" CONFIG_FILE_DEFAULT ")\n"
		   "  -s, --socket SOCKET  connect to this control socket, not to that of the "
		   "configuration\n"
		   "      --json           print the answer as JSON\n"
		   "      --colour=WHEN    print colours: auto, always or never\n"
		   "\n"
		   "Commands:");
	for (command = all_commands(); command->name != NULL; command++)
		(void)printf("  %-10s %s\n", command->name, command->summary);
	return CTL_OK;
}

/* In the order of the help; the last one has no name. */
static const struct command *all_commands(void)
{
	static const struct command commands[] = {
		{ "explain", "[OPTION ...] | --jsonl [--running]",
			"show what is decided about a session, and why; see explain --help",
			cmd_explain },
		{ "status", "", "show the policy in force, the daemon's state and any problems",
			cmd_status },
		{ "reload", "", "read everything again, and report problems", cmd_reload },
		{ "tail", "", "show decisions as they are made", cmd_tail },
		{ "limits", "[LOGIN | KEY [reset] | top [NUMBER]]",
			"show or reset what rate limits have counted", cmd_limits },
		{ "log-level", "[LEVEL]", "show the log level, or change it until the next reload",
			cmd_log_level },
		{ "suspend", "LOGIN", "stop a user from logging in and sending", cmd_suspend },
		{ "resume", "LOGIN", "end a suspension", cmd_suspend },
		{ "suspended", "", "list the logins that are suspended on this machine",
			cmd_suspended },
		{ "auth", "reset [LOGIN | ADDRESS]", "forgive failed logins", cmd_auth },
		{ "hash", "[-m METHOD] [-r ROUNDS]", "hash a password for the users table",
			cmd_hash },
		{ "version", "", "print the version", cmd_version },
		{ "help", "[COMMAND]", "list the commands, or show the usage of one", cmd_help },
		{ NULL, NULL, NULL, NULL },
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

const char *commands_nearest(const char *name)
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
