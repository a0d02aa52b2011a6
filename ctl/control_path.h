#ifndef POSTERN_CONTROL_PATH_H
#define POSTERN_CONTROL_PATH_H

#include "ctl/command.h"

/*
 * Where the daemon's control socket is: what ctl says, or the configuration. A configuration with
 * an error must not lock anybody out of a daemon that runs by the one before: then a warning says
 * what is wrong with it, and its [control] socket is looked for all the same. *path_r is the
 * caller's to free(). CTL_OK, or an exit code with err set.
 */
int control_path(const struct ctl *ctl, char **path_r, struct errmsg *err);

#endif
