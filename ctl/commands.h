#ifndef POSTERN_COMMANDS_H
#define POSTERN_COMMANDS_H

#include "ctl/command.h"

/* The command of a name; NULL when there is none. */
const struct command *commands_find(const char *name);

/* The name most like `name`, for "did you mean"; NULL when none is near. */
const char *commands_nearest(const char *name);

#endif
