#ifndef POSTERN_STORE_WRITE_H
#define POSTERN_STORE_WRITE_H

#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/file.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"

/*
 * Write profiles and users (either may be NULL: none) as a JSON store, one row a line, beside path
 * and then over it, mode 0600; the one before becomes PATH.prev. What store_read() makes of it is
 * equal to what was written. revision is kept as it is ("" for none), written is in seconds since
 * 1970.
 *
 * A user whose text is not UTF-8 is written as switched off (left out, where the name is not) and
 * named in problems. What stands at path without
 * being a store of this function's (one made by hand, say) is kept as PATH.saved-TIME, and problems
 * says so. 0, or -1 with err set: the old file is still there. stamp_r may be NULL.
 */
int store_write(const char *path, const struct profiles *profiles, const struct users *users,
	const char *revision, int64_t written, struct file_stamp *stamp_r,
	struct problems *problems, struct errmsg *err);

#endif
