#ifndef POSTERN_COMMAND_H
#define POSTERN_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/errmsg.h"

/* What the command line said for every command; see posternctl(8). Borrowed text. */
struct ctl {
	const char *config_path;
	const char *socket_path; /* the daemon's control socket; NULL: the configuration says it */
	bool json;		 /* machines read it */
	bool colour;		 /* standard output is a terminal that likes colours */
};

/* Exit codes, besides EX_USAGE and EX_CONFIG of sysexits(3). */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,	      /* asked and refused, or it did not work: the message says why */
	CTL_UNREACHABLE = 69, /* EX_UNAVAILABLE: no daemon answers */
};

/* One command: argv[0] is its name, the options for all commands are gone. Returns the exit code.
 */
struct command {
	const char *name;
	const char *arguments; /* "[-m METHOD]", for the help */
	const char *summary;   /* half a line */
	int (*run)(const struct ctl *ctl, int argc, char **argv);
};

/* All commands in the order of the help; the last one has no name. */
extern const struct command commands[];

int cmd_explain(const struct ctl *ctl, int argc, char **argv);
int cmd_status(const struct ctl *ctl, int argc, char **argv);
int cmd_reload(const struct ctl *ctl, int argc, char **argv);
int cmd_tail(const struct ctl *ctl, int argc, char **argv);
int cmd_log_level(const struct ctl *ctl, int argc, char **argv);
int cmd_limits(const struct ctl *ctl, int argc, char **argv);
int cmd_suspend(const struct ctl *ctl, int argc, char **argv); /* and resume */
int cmd_suspended(const struct ctl *ctl, int argc, char **argv);
int cmd_auth(const struct ctl *ctl, int argc, char **argv);
int cmd_hash(const struct ctl *ctl, int argc, char **argv);
int cmd_version(const struct ctl *ctl, int argc, char **argv);
int cmd_help(const struct ctl *ctl, int argc, char **argv);

/* Say on standard error how the command is used; returns EX_USAGE. */
int command_usage(const char *name);

/* Say err on standard error; returns code. */
int command_fail(int code, const struct errmsg *err);

/* An answer as it is, for --json. */
void command_print_json(const json_t *answer);

/* What a noun has behind a number: "s", or "" behind 1. */
const char *command_s(long long number);

/* For a command without arguments or options: CTL_OK, or what command_usage() returns. */
int command_no_arguments(int argc, char **argv);

#endif
