#ifndef POSTERN_CHECK_FILES_H
#define POSTERN_CHECK_FILES_H

#include <stddef.h>

#include "lib/rules/policy.h"
#include "t/bench/lib/check_rules.h"

/*
 * A rule set of gen_rules.py and sessions to be judged by it. Either ends the program, with a
 * message, where a file can't be read or something of it is left out.
 */
struct policy *check_files_policy(const char *config_path); /* the caller's reference */

/*
 * Sessions, an object a line: those without a login, with their first recipient. The caller's to
 * free(). Borrowed by their own facts: don't copy one.
 */
struct check_session *check_files_sessions(const char *path, size_t *count_r);

#endif
