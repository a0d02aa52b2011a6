#ifndef POSTERN_LOCK_CHECK_H
#define POSTERN_LOCK_CHECK_H

#include "lib/base/problems.h"
#include "lib/conf/config.h"

/*
 * Check for `postern -n` the lock of a file that only one daemon may write. file: its path, the
 * value of the setting; so: what follows if another daemon has the lock. A lock that the daemon of
 * this configuration may hold is not reported.
 */
void lock_check(const struct config *config, const char *file, const char *setting, const char *so,
	struct problems *problems);

#endif
