#ifndef POSTERN_POLICY_FILES_H
#define POSTERN_POLICY_FILES_H

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/config.h"
#include "lib/rules/policy.h"

/*
 * Make a policy from the settings, the public suffix list, the list files and the JSON store (or
 * PATH.prev), whether a database is configured or not. A missing store has no rows. Bad lines and
 * rows are left out and added to problems. Returns 0 with one reference in *policy_r, or -1 with
 * err set.
 */
int policy_from_files(const struct config *config, struct policy **policy_r,
	struct problems *problems, struct errmsg *err);

#endif
