/*
 * The table of all commands, from which the usage, the help and the suggestions for misspelt names
 * derive, and the commands help and version. t/integration/test_control.py covers it.
 */
#include "ctl/commands.h"

#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "ctl/cmd.h"
#include "ctl/completion.h"
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

static int cmd_completion(const struct ctl *ctl, int argc, char **argv)
{
	const int ret = command_no_arguments(ctl, argc, argv);

	return ret != CTL_OK ? ret : completion_print(all_commands());
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
		print_line(stdout, "  %-14s %s", command->name, command->summary);
	print_lines(stdout,
		"\n'posternctl help COMMAND' shows the usage of a command; posternctl(8) describes all.\n");
	return CTL_OK;
}

static const char status_usage[] =
	"usage: posternctl [OPTION ...] status [--strict]\n"
	"Show the problems and notes with their remedies, the policy in force and the daemon's state.\n"
	"  --strict  exit with 1 if there are notes, too\n"
	"Exit status: 0 no problem, 1 problems, 69 no daemon answers.\n";

static const char reload_usage[] =
	"usage: posternctl [OPTION ...] reload [--accept-older]\n"
	"Make the daemon read the configuration, the lists, the store and the database again, wait\n"
	"until the result is in force, and print all problems and notes. Sockets are not reopened.\n"
	"  --accept-older  also accept a database that was set back to an earlier state\n"
	"Exit status: 0 it is in force, 1 something could not be read, 69 no daemon answers.\n";

static const char tail_usage[] =
	"usage: posternctl [OPTION ...] tail\n"
	"Show decisions as they are made, until the command is interrupted.\n"
	"  --json  print an object for each, in one line\n";

static const char limits_usage[] =
	"usage: posternctl [OPTION ...] limits [top [NUMBER]]\n"
	"       posternctl [OPTION ...] limits LOGIN | KEY [reset]\n"
	"Show the counts of rate limits: of the keys nearest to their limits, or of one key.\n"
	"  top    the keys nearest to their limits: NUMBER of them (20)\n"
	"  LOGIN  a login in any spelling, which is held to the limits of its profile\n"
	"  KEY    RATE:CLIENT or RATE:ADDRESS, where RATE is a section [limit RATE], such as\n"
	"         rate_conn:192.0.2.7 or rate_rcpt:bob@example.com. Found as the checks find it:\n"
	"         for this client, the key may be rate_conn:192.0.2.0/24\n"
	"  reset  clear the counts of the key\n"
	"Exit status: 0 shown or cleared, 1 there is nothing to show or to clear, 69 no daemon answers.\n";

static const char log_level_usage[] = "usage: posternctl [OPTION ...] log-level [LEVEL]\n"
				      "Show the log level, or change it until the next reload.\n"
				      "  LEVEL  error, warning, notice, info or debug\n";

static const char suspend_usage[] =
	"usage: posternctl [OPTION ...] suspend LOGIN\n"
	"Stop a user from logging in and from sending, at once and on this machine only, whatever the\n"
	"tables contain. The login of a token is token:MAIL.\n";

static const char resume_usage[] =
	"usage: posternctl [OPTION ...] resume LOGIN\n"
	"End a suspension. If a full limit caused it, first clear that limit:\n"
	"posternctl limits LOGIN reset\n";

static const char auth_usage[] =
	"usage: posternctl [OPTION ...] auth reset [LOGIN | ADDRESS]\n"
	"Forgive failed logins.\n"
	"  LOGIN    those of this login; if it begins with -, write -- before it\n"
	"  ADDRESS  those of the network of this client\n"
	"Without an argument, all are forgiven. A login or address without\n"
	"failures is an error.\n";

static const char hash_usage[] =
	"usage: posternctl [OPTION ...] hash [-m METHOD] [-r ROUNDS]\n"
	"Hash a password for the column password of the users table. On a terminal, it is asked for\n"
	"twice; otherwise it is the first line of standard input.\n"
	"  -m METHOD  yescrypt (the default), sha512, sha256 or bcrypt\n"
	"  -r ROUNDS  the cost; the default is 12 for bcrypt, else crypt(3)'s\n";

static const char completion_usage[] =
	"usage: posternctl [OPTION ...] completion\n"
	"Print a script that lets bash complete the commands and their options. Packages install it;\n"
	"otherwise, add to ~/.bashrc: source <(posternctl completion)\n";

/* In the order of the help; the last one has no name. */
static const struct command *all_commands(void)
{
	static const struct command commands[] = {
		{ "explain", "[OPTION ...] | --jsonl [--running]",
			"show the decision about a session and the reasons", cmd_explain,
			cmd_explain_usage },
		{ "status", "[--strict]",
			"show the problems, the policy in force and the daemon's state", cmd_status,
			status_usage },
		{ "doctor", "[--strict] [--postfix-config DIR] [SUBJECT ...]",
			"examine the whole set-up, and show how to mend it", cmd_doctor,
			cmd_doctor_usage },
		{ "reload", "[--accept-older]", "read everything again, and report problems",
			cmd_reload, reload_usage },
		{ "tail", "", "show decisions as they are made", cmd_tail, tail_usage },
		{ "limits", "[LOGIN | KEY [reset] | top [NUMBER]]",
			"show or reset the counts of rate limits", cmd_limits, limits_usage },
		{ "log-level", "[LEVEL]", "show the log level, or change it until the next reload",
			cmd_log_level, log_level_usage },
		{ "suspend", "LOGIN", "stop a user from logging in and sending", cmd_suspend,
			suspend_usage },
		{ "resume", "LOGIN", "end a suspension", cmd_suspend, resume_usage },
		{ "suspended", "", "list the logins that are suspended on this machine",
			cmd_suspended, NULL },
		{ "auth", "reset [LOGIN | ADDRESS]", "forgive failed logins", cmd_auth,
			auth_usage },
		{ "user", "list | show NAME | add NAME ... | set NAME ... | del NAME | passwd NAME",
			"show or change the users of the JSON store", cmd_user, cmd_user_usage },
		{ "profile", "list | show NAME | add NAME ... | set NAME ... | del NAME",
			"show or change the profiles of the JSON store", cmd_profile,
			cmd_profile_usage },
		{ "init", "DOMAIN", "make a first JSON store", cmd_init, cmd_init_usage },
		{ "config", "[-n] [-h] [KEY ...]", "print the settings of the configuration",
			cmd_config, cmd_config_usage },
		{ "import-haraka", "DIR [-o DIR]", "make a configuration from that of Haraka",
			cmd_import_haraka, cmd_import_haraka_usage },
		{ "hash", "[-m METHOD] [-r ROUNDS]", "hash a password for the users table",
			cmd_hash, hash_usage },
		{ "completion", "", "print a completion script for bash", cmd_completion,
			completion_usage },
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
	if (command->usage != NULL) {
		print_lines(stdout, command->usage);
	} else {
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
