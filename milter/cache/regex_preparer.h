#ifndef POSTERN_REGEX_PREPARER_H
#define POSTERN_REGEX_PREPARER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/rules/policy.h"

/*
 * Prepares the regexes of the policy in force (regexlist_prepare()) in a thread of its own, with a
 * low priority, because that can take long and nothing can interrupt it. The policy is in force
 * meanwhile, and makes the same decisions. The least costly lists are prepared first, so that a
 * costly one delays no other; but a part of the time belongs to the oldest list, because lists that
 * change again and again would otherwise delay it for ever. Only one thread may call these
 * functions.
 */
struct regex_preparer;

struct regex_preparer *regex_preparer_new(void); /* NULL when out of memory */

/*
 * Prepare this policy, of which the preparer takes a reference, instead of the one before. Lists
 * that both have are continued. Never waits.
 */
void regex_preparer_want(struct regex_preparer *preparer, struct policy *policy);

/*
 * Start the thread once a policy is wanted, or try again if the system refused it, which is logged.
 * Call this after regex_preparer_want(), and again at regex_preparer_due(), which is CLOCK_NEVER if
 * there is nothing to do; now: clock_ms(). Returns whether regex_preparer_error() has changed.
 */
bool regex_preparer_attend(struct regex_preparer *preparer, int64_t now);
int64_t regex_preparer_due(const struct regex_preparer *preparer);

/* Why there is no thread; "" if there is one, or none is needed. */
const char *regex_preparer_error(const struct regex_preparer *preparer);

/*
 * End the thread after its present step, and wait up to wait_ms for its end. After that time it is
 * abandoned and ends with the process. Accepts NULL.
 */
void regex_preparer_free(struct regex_preparer **preparer, int wait_ms);

#endif
