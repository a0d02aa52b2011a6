#ifndef POSTERN_SCRATCH_POOL_H
#define POSTERN_SCRATCH_POOL_H

#include "lib/match/regexlist.h"

/*
 * Scratches for regexes: one for each decision that is being made, never one for
 * an idle session. libmilter moves a session from thread to thread, so none can
 * belong to a thread either. Any thread.
 */
struct scratch_pool;

struct scratch_pool *scratch_pool_new(void); /* NULL when out of memory */
void scratch_pool_free(struct scratch_pool **pool);

/* One with a whole budget, the caller's until scratch_pool_put(). NULL when out of memory. */
struct regex_scratch *scratch_pool_get(struct scratch_pool *pool);
void scratch_pool_put(struct scratch_pool *pool, struct regex_scratch *scratch); /* takes NULL */

#endif
