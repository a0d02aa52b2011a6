#ifndef POSTERN_REGEX_PREPARER_H
#define POSTERN_REGEX_PREPARER_H

#include "lib/rules/policy.h"

/*
 * Prepares the regexes of the policy in force (regexlist_prepare()) in a thread of its own, with a
 * low priority, because that can take long and nothing can interrupt it. The policy is in force
 * meanwhile, and makes the same decisions. The least costly lists are prepared first, so that a
 * costly one delays no other. Only one thread may call these functions.
 */
struct regex_preparer;

struct regex_preparer *regex_preparer_new(void); /* NULL when out of memory */

/*
 * Prepare this policy, of which the preparer takes a reference, instead of the one before. Lists
 * that both have are continued. Never waits. If the thread cannot be started, this is logged, and
 * the next policy tries again.
 */
void regex_preparer_want(struct regex_preparer *preparer, struct policy *policy);

/*
 * End the thread after its present step, and wait up to wait_ms for its end. After that time it is
 * abandoned and ends with the process. Accepts NULL.
 */
void regex_preparer_free(struct regex_preparer **preparer, int wait_ms);

#endif
