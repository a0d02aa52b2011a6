#ifndef POSTERN_PSL_FILE_H
#define POSTERN_PSL_FILE_H

#include <stdbool.h>

#include "lib/base/errmsg.h"
#include "lib/match/orgdomain.h"

/*
 * Load the public suffix list at path, a regular file of at most 4 MiB; for NULL or "", the newer
 * of the system's list and the one built into libpsl. Returns 0 with one reference in *psl_r, or -1
 * with err set. Any thread.
 */
int psl_file_open(const char *path, struct orgdomain **psl_r, struct errmsg *err);

/* Return whether the file at path has another text than that from which the list was read; false if
 * it cannot be read, and for NULL and "". Any thread. */
bool psl_file_has_changed(const char *path, const struct orgdomain *psl);

/* Return the file for which psl_file_open() looks: path or, for NULL or "", the system's; "" if
 * there is none. */
const char *psl_file_path(const char *path);

#endif
