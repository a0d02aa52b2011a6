#ifndef POSTERN_POLICY_FILES_H
#define POSTERN_POLICY_FILES_H

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/config.h"
#include "lib/rules/policy.h"

/*
 * The policy of the files alone: settings, public suffix list, list files, and the JSON store (or
 * PATH.prev), with a database or without one. A missing store is one without rows. Bad lines and
 * rows are left out and named in problems. 0 with one reference in *policy_r, or -1 with err set.
 */
int policy_from_files(const struct config *config, struct policy **policy_r,
	struct problems *problems, struct errmsg *err);

#endif
