#ifndef POSTERN_COMMANDS_H
#define POSTERN_COMMANDS_H

#include "ctl/command.h"

/* Return the command with this name; NULL when none exists. */
const struct command *commands_find(const char *name);

/* Print that there is no command of that name, and the nearest name, to standard error; returns
 * EX_USAGE. */
int commands_report_unknown(const char *name);

/* Print the usage of a command to standard output. */
void commands_print_usage(const struct command *command);

#endif
