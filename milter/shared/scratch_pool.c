/*
 * Lends regex scratches to decisions and keeps those that are returned, because they are expensive
 * to make. Owns the scratches that are not lent. Called from any thread.
 */
#include "milter/shared/scratch_pool.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define KEPT_MAX 64 /* libmilter's pool has fewer threads */

struct scratch_pool {
	_Atomic(struct regex_scratch *) kept[KEPT_MAX]; /* NULL: a free place */
};

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t passed_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

static uint64_t used_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static const struct regex_clock regex_clock = { passed_ns, used_ns };

struct scratch_pool *scratch_pool_new(void)
{
	return calloc(1, sizeof(struct scratch_pool));
}

void scratch_pool_free(struct scratch_pool **pool)
{
	struct regex_scratch *scratch;

	if (*pool == NULL)
		return;
	for (size_t i = 0; i < KEPT_MAX; i++) {
		scratch = atomic_load(&(*pool)->kept[i]);
		regex_scratch_free(&scratch);
	}
	free(*pool);
	*pool = NULL;
}

/* Both functions begin at the first place, so that the scratches used last are lent first. */
struct regex_scratch *scratch_pool_get(struct scratch_pool *pool)
{
	struct regex_scratch *scratch = NULL;

	for (size_t i = 0; i < KEPT_MAX && scratch == NULL; i++) {
		if (atomic_load_explicit(&pool->kept[i], memory_order_relaxed) != NULL)
			scratch = atomic_exchange(&pool->kept[i], NULL);
	}
	if (scratch == NULL)
		scratch = regex_scratch_new(&regex_clock);
	if (scratch != NULL)
		regex_scratch_begin(scratch);
	return scratch;
}

void scratch_pool_put(struct scratch_pool *pool, struct regex_scratch *scratch)
{
	struct regex_scratch *none;

	for (size_t i = 0; i < KEPT_MAX && scratch != NULL; i++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&pool->kept[i], &none, scratch))
			return;
	}
	regex_scratch_free(&scratch);
}
