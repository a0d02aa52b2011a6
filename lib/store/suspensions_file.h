#ifndef POSTERN_SUSPENSIONS_FILE_H
#define POSTERN_SUSPENSIONS_FILE_H

#include "lib/base/errmsg.h"
#include "lib/rules/suspensions.h"

/* Where suspensions outlive the daemon: a text, a login a line, written beside and renamed. */

/* Read path into suspensions; "" and a file that isn't there hold nobody. 0, or -1 with err set:
 * then who is suspended isn't known. */
int suspensions_load(const char *path, struct suspensions *suspensions, struct errmsg *err);

/* 0, or -1 with err set and the old file in its place. path "" does nothing. Any thread. */
int suspensions_save(const char *path, struct suspensions *suspensions, struct errmsg *err);

#endif
