#ifndef POSTERN_COMMANDS_H
#define POSTERN_COMMANDS_H

#include "ctl/command.h"

/* All commands in the order of the help; the last one has no name. */
const struct command *commands_all(void);

/* The command of a name; NULL when there is none. */
const struct command *commands_find(const char *name);

/* The name most like `name`, for "did you mean"; NULL when none is near. */
const char *commands_nearest(const char *name);

#endif
