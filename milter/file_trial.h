#ifndef POSTERN_FILE_TRIAL_H
#define POSTERN_FILE_TRIAL_H

#include <stdbool.h>

#include "lib/base/problems.h"

/* Add a problem if the path exists and cannot be read. Returns whether there is none.
 * user: whom the text names, "": nobody; so: what follows. */
bool file_trial_open(const char *path, const char *user, const char *so, struct problems *problems);

/* Add a problem if no file can be created beside path. */
void file_trial_create(const char *path, const char *user, const char *so,
	struct problems *problems);

#endif
