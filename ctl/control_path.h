#ifndef POSTERN_CONTROL_PATH_H
#define POSTERN_CONTROL_PATH_H

#include "ctl/command.h"

/*
 * Set *path_r to the path of the control socket: the one that ctl gives, or that of the
 * configuration. When the configuration has an error, print a warning and use its [control] socket
 * nevertheless, because the daemon may still run by an older one. The caller frees *path_r. Returns
 * CTL_OK, or an exit code with err set.
 */
int control_path(const struct ctl *ctl, char **path_r, struct errmsg *err);

#endif
