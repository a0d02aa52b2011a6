#ifndef POSTERN_CONTROL_COMMANDS_H
#define POSTERN_CONTROL_COMMANDS_H

#include "milter/control/control.h"

/* All commands of the control socket, for control_new(); the last one has no name. */
const struct control_command *control_commands(void);

#endif
