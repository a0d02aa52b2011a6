#ifndef POSTERN_SUSPENSIONS_FILE_H
#define POSTERN_SUSPENSIONS_FILE_H

#include <stdbool.h>

#include "lib/base/errmsg.h"
#include "lib/rules/suspensions.h"

/* The file that keeps suspensions over a restart: text with one login per line, replaced by a
 * rename. */

/* Read path into suspensions. With path "", or if the file does not exist, nobody is suspended.
 * Returns 0, or -1 with err set: then it is unknown who is suspended. */
int suspensions_load(const char *path, struct suspensions *suspensions, struct errmsg *err);

/* Write the file; with path "" do nothing. puts_aside: rename what is in its place to PATH.bad,
 * once the new file is on the disk. Returns 0, 1 if something was renamed, or -1 with err set and
 * the old file in place. Any thread. */
int suspensions_save(const char *path, struct suspensions *suspensions, bool puts_aside,
	struct errmsg *err);

#endif
