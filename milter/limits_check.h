#ifndef POSTERN_LIMITS_CHECK_H
#define POSTERN_LIMITS_CHECK_H

#include "milter/files_check.h"

/* Report counts of rate limits that cannot be read or kept, and another daemon that keeps them.
 * user: whom the texts name; "": nobody. */
void limits_check(const struct config *config, const char *user, struct files_report *report);

#endif
