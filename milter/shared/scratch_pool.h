#ifndef POSTERN_SCRATCH_POOL_H
#define POSTERN_SCRATCH_POOL_H

#include "lib/match/regexlist.h"

/*
 * Lends regex scratches, one for each decision while it is made, so that idle sessions hold none.
 * A scratch cannot belong to a thread either, because libmilter runs the callbacks of one session
 * on different threads. Any thread may call any function.
 */
struct scratch_pool;

struct scratch_pool *scratch_pool_new(void);	    /* returns NULL when out of memory */
void scratch_pool_free(struct scratch_pool **pool); /* accepts NULL */

/*
 * Borrow a scratch with a full time budget until scratch_pool_put(). Returns NULL when out of
 * memory.
 */
struct regex_scratch *scratch_pool_get(struct scratch_pool *pool);
void scratch_pool_put(struct scratch_pool *pool, struct regex_scratch *scratch); /* accepts NULL */

#endif
