#ifndef POSTERN_FILE_TRIAL_H
#define POSTERN_FILE_TRIAL_H

#include <stdbool.h>

#include "lib/base/problems.h"

/* Add that the path cannot be read (or written), unless it does not exist. Returns whether it can.
 * user: whom the text names; "": nobody. */
bool file_trial_open(const char *path, const char *user, const char *so, struct problems *problems);

/* Add that no file can be created beside path. */
void file_trial_create(const char *path, const char *user, const char *so,
	struct problems *problems);

#endif
