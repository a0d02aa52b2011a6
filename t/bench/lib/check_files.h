#ifndef POSTERN_CHECK_FILES_H
#define POSTERN_CHECK_FILES_H

#include <stddef.h>

#include "lib/rules/policy.h"
#include "t/bench/lib/check_rules.h"

/*
 * Read a rule set of gen_rules.py. Returns the policy; the caller owns the reference. Ends the
 * program with a message if a file cannot be read or a part of it is left out.
 */
struct policy *check_files_policy(const char *config_path);

/*
 * Read sessions, one JSON object per line: those without a login, with their first recipient.
 * Returns an array of *count_r, which the caller frees with free(). A session must not be copied,
 * because its facts point into it. Ends the program on an error, too.
 */
struct check_session *check_files_sessions(const char *path, size_t *count_r);

#endif
