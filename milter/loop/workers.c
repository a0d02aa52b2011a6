/*
 * Worker threads with a bounded queue, for work that takes too long for the server thread. Owns the
 * threads and the waiting work; any thread adds work.
 */
#include "milter/loop/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/thread.h"

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t added;
	bool ending;
	struct work *queue; /* a ring with room for `size` */
	size_t first, waiting, size;
	size_t count;
	pthread_t thread[];
};

static void *worker_main(void *argument)
{
	struct workers *workers = argument;
	struct work work;

	(void)pthread_mutex_lock(&workers->lock);
	for (;;) {
		while (workers->waiting == 0 && !workers->ending)
			(void)pthread_cond_wait(&workers->added, &workers->lock);
		if (workers->waiting == 0)
			break;
		work = workers->queue[workers->first];
		workers->first = (workers->first + 1) % workers->size;
		workers->waiting--;
		(void)pthread_mutex_unlock(&workers->lock);
		work.run(work.argument);
		(void)pthread_mutex_lock(&workers->lock);
	}
	(void)pthread_mutex_unlock(&workers->lock);
	return NULL;
}

static int start_threads(struct workers *workers, size_t count)
{
	int ret = 0;

	for (size_t i = 0; i < count && ret == 0; i++) {
		ret = thread_start(&workers->thread[i], "worker", worker_main, workers);
		if (ret == 0)
			workers->count++;
	}
	return ret;
}

int workers_start(size_t count, size_t queue_max, struct workers **workers_r, struct errmsg *err)
{
	struct workers *workers = calloc(1, sizeof(*workers) + count * sizeof(pthread_t));
	int ret;

	if (workers == NULL || (workers->queue = calloc(queue_max, sizeof(struct work))) == NULL) {
		free(workers);
		return errmsg_set(err, "out of memory for worker threads");
	}
	workers->size = queue_max;
	(void)pthread_mutex_init(&workers->lock, NULL);
	(void)pthread_cond_init(&workers->added, NULL);
	if ((ret = start_threads(workers, count)) != 0) {
		workers_stop(&workers);
		return errmsg_set(err, "cannot start worker threads: %s", strerror(ret));
	}
	*workers_r = workers;
	return 0;
}

int workers_add(struct workers *workers, const struct work *work)
{
	int ret = -1;

	(void)pthread_mutex_lock(&workers->lock);
	if (workers->waiting < workers->size && !workers->ending) {
		workers->queue[(workers->first + workers->waiting) % workers->size] = *work;
		workers->waiting++;
		ret = 0;
		(void)pthread_cond_signal(&workers->added);
	}
	(void)pthread_mutex_unlock(&workers->lock);
	return ret;
}

void workers_stop(struct workers **workers)
{
	struct workers *gone = *workers;

	*workers = NULL;
	if (gone == NULL)
		return;
	(void)pthread_mutex_lock(&gone->lock);
	gone->ending = true;
	(void)pthread_cond_broadcast(&gone->added);
	(void)pthread_mutex_unlock(&gone->lock);
	for (size_t i = 0; i < gone->count; i++)
		(void)pthread_join(gone->thread[i], NULL);
	(void)pthread_cond_destroy(&gone->added);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone->queue);
	free(gone);
}
