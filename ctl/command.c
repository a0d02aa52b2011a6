#include "ctl/command.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"

const struct command commands[] = {
	{ "explain", "[--ip ADDRESS] [--mail ADDRESS] ... | --jsonl",
		"what would be decided about a session, and why", cmd_explain },
	{ "status", "", "what the daemon decides by, and how it fares", cmd_status },
	{ "reload", "", "have everything read again, and name the problems", cmd_reload },
	{ "tail", "", "show decisions as they are made", cmd_tail },
	{ "limits", "[LOGIN|KEY [reset] | top [NUMBER]]",
		"what is used of rate limits, and when the next is free", cmd_limits },
	{ "log-level", "[LEVEL]", "show or set what the daemon logs, until its next reload",
		cmd_log_level },
	{ "suspend", "LOGIN", "let a user neither log in nor send, until resumed", cmd_suspend },
	{ "resume", "LOGIN", "end a suspension", cmd_suspend },
	{ "suspended", "", "list who is suspended on this machine", cmd_suspended },
	{ "auth", "reset [LOGIN|ADDRESS]", "forgive failed logins", cmd_auth },
	{ "hash", "[-m METHOD] [-r ROUNDS]", "make a password hash for the users table", cmd_hash },
	{ "version", "", "say the version", cmd_version },
	{ "help", "[COMMAND]", "say how it is used", cmd_help },
	{ NULL, NULL, NULL, NULL },
};

static const struct command *find(const char *name)
{
	const struct command *command = commands;

	while (command->name != NULL && strcmp(command->name, name) != 0)
		command++;
	return command->name == NULL ? NULL : command;
}

int command_usage(const char *name)
{
	const struct command *command = find(name);

	(void)fprintf(stderr, "usage: posternctl [OPTIONS] %s %s\n", name,
		command == NULL ? "" : command->arguments);
	return EX_USAGE;
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

int command_no_arguments(int argc, char **argv)
{
	return argc == 1 ? CTL_OK : command_usage(argv[0]);
}

int cmd_version(const struct ctl *ctl, int argc, char **argv)
{
	if (argc != 1)
		return command_usage(argv[0]);
	(void)printf(ctl->json ? "{\"version\": \"%s\"}\n" : "posternctl %s\n", PACKAGE_VERSION);
	return CTL_OK;
}

int cmd_help(const struct ctl *ctl, int argc, char **argv)
{
	const struct command *command;

	(void)ctl;
	if (argc > 2)
		return command_usage(argv[0]);
	if (argc == 2) {
		if ((command = find(argv[1])) == NULL)
			return command_usage(argv[0]);
		(void)printf("posternctl %s %s\n  %s\n", command->name, command->arguments,
			command->summary);
		return CTL_OK;
	}
	(void)puts(
		"usage: posternctl [-c FILE] [-s SOCKET] [--json] [--colour=WHEN] COMMAND ...\n"
		"\n"
		"  -c, --config FILE    the configuration (/etc/postern/postern.conf)\n"
		"  -s, --socket SOCKET  the daemon's control socket (the configuration says it)\n"
		"      --json           answer in JSON\n"
		"      --colour=WHEN    auto, always or never\n");
	for (command = commands; command->name != NULL; command++)
		(void)printf("  %-10s %s\n", command->name, command->summary);
	return CTL_OK;
}
