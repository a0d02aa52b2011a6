#ifndef POSTERN_COMMAND_H
#define POSTERN_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/errmsg.h"

struct ctl;

/*
 * One command of posternctl. argv[0] is "posternctl NAME", for the messages of getopt(3); the
 * options of all commands have been removed from argv. run() returns the exit code.
 */
struct command {
	const char *name;
	const char *arguments; /* for the usage: "[-m METHOD]" */
	const char *summary;   /* for the help: half a line */
	int (*run)(const struct ctl *ctl, int argc, char **argv);
	const char *usage; /* the whole help; NULL: derived from the members above */
};

/* The options of all commands; posternctl(8) describes them. Borrowed text. */
struct ctl {
	const struct command *command; /* the one that runs */
	const char *config_path;
	const char *socket_path; /* the control socket; NULL: that of the configuration */
	bool json;		 /* print answers as JSON */
	bool colour;		 /* print control sequences for colours */
};

/* The exit codes, besides EX_USAGE, EX_DATAERR, EX_IOERR and EX_CONFIG of sysexits(3). */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,	      /* refused or failed, with a message; status: problems exist */
	CTL_INCOMPLETE = 2,   /* doctor: not everything could be examined */
	CTL_UNREACHABLE = 69, /* EX_UNAVAILABLE: no daemon answers */
};

/* Print the command's usage to standard error; returns EX_USAGE. */
int command_usage(const struct ctl *ctl);

/* Return CTL_OK for a command without arguments; otherwise report the first one and return
 * EX_USAGE. */
int command_no_arguments(const struct ctl *ctl, int argc, char **argv);

/*
 * Return whether `option` is the only argument. *ret_r is CTL_OK then, and otherwise the result of
 * command_no_arguments().
 */
bool command_has_option(const struct ctl *ctl, int argc, char **argv, const char *option,
	int *ret_r);

/* Remove the first "--"; the arguments after it are not options. Returns the number of remaining
 * arguments. Commands that do not use getopt(3) need this. */
int command_operands(int argc, char **argv);

/* Print err to standard error; returns code. */
int command_fail(int code, const struct errmsg *err);

/* Print an answer for --json. Returns CTL_OK, or CTL_FAILED with a message when out of memory. */
int command_print_json(const json_t *answer);

/*
 * Report the option that getopt() or getopt_long() has just refused with '?' to standard error.
 * These functions themselves must not print (opterr), because the argument may contain anything.
 */
void command_report_option(char **argv);

/* Return the ending of a noun after a number: "s", or "" after 1. */
const char *command_s(long long number);

#endif
