/*
 * Lends regex scratches to decisions and keeps those that are returned, because they are expensive
 * to make. Owns the scratches that are not lent. Called from any thread.
 */
#include "milter/shared/scratch_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define KEPT_MAX 64 /* libmilter's pool has fewer threads */

struct scratch_pool {
	pthread_mutex_t lock;
	struct regex_scratch *kept[KEPT_MAX];
	size_t count;
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
	struct scratch_pool *pool = calloc(1, sizeof(*pool));

	if (pool != NULL && pthread_mutex_init(&pool->lock, NULL) != 0) {
		free(pool);
		pool = NULL;
	}
	return pool;
}

void scratch_pool_free(struct scratch_pool **pool)
{
	if (*pool == NULL)
		return;
	for (size_t i = 0; i < (*pool)->count; i++)
		regex_scratch_free(&(*pool)->kept[i]);
	(void)pthread_mutex_destroy(&(*pool)->lock);
	free(*pool);
	*pool = NULL;
}

struct regex_scratch *scratch_pool_get(struct scratch_pool *pool)
{
	struct regex_scratch *scratch = NULL;

	(void)pthread_mutex_lock(&pool->lock);
	if (pool->count > 0)
		scratch = pool->kept[--pool->count];
	(void)pthread_mutex_unlock(&pool->lock);
	if (scratch == NULL)
		scratch = regex_scratch_new(&regex_clock);
	if (scratch != NULL)
		regex_scratch_begin(scratch);
	return scratch;
}

void scratch_pool_put(struct scratch_pool *pool, struct regex_scratch *scratch)
{
	if (scratch == NULL)
		return;
	(void)pthread_mutex_lock(&pool->lock);
	if (pool->count < KEPT_MAX) {
		pool->kept[pool->count++] = scratch;
		scratch = NULL;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	if (scratch != NULL)
		regex_scratch_free(&scratch);
}
