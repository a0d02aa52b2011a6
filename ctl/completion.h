#ifndef POSTERN_COMPLETION_H
#define POSTERN_COMPLETION_H

#include "ctl/command.h"

/*
 * Print a completion script for bash to standard output. commands is the table; the last one has no
 * name. Returns CTL_OK, or CTL_FAILED with a message when out of memory.
 */
int completion_print(const struct command *commands);

#endif
