#ifndef POSTERN_LOCK_CHECK_H
#define POSTERN_LOCK_CHECK_H

#include "lib/base/problems.h"
#include "lib/conf/config.h"

/*
 * Check for `postern -n` the lock of a file that only one daemon may write. file: its path, which
 * is that of the setting; so: what follows if another daemon has it. A lock that may be that of
 * the daemon of this configuration is none.
 */
void lock_check(const struct config *config, const char *file, const char *setting, const char *so,
	struct problems *problems);

#endif
