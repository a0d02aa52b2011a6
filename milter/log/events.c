/*
 * The queue of decisions for `posternctl tail`. Owns the waiting events; threads that decide add
 * them, and the server thread takes them.
 */
#include "milter/log/events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static atomic_uint followers;

static struct {
	pthread_mutex_t lock;
	char *lines[EVENTS_MAX];
	size_t first, count;
	uint64_t dropped; /* since the last event was taken */
	void (*wake)(void *context);
	void *context;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool events_wanted(void)
{
	return atomic_load_explicit(&followers, memory_order_relaxed) > 0;
}

unsigned events_followers(void)
{
	return atomic_load(&followers);
}

void events_add(char *line)
{
	bool was_empty = false;

	(void)pthread_mutex_lock(&queue.lock);
	if (atomic_load(&followers) > 0 && queue.count < EVENTS_MAX) {
		was_empty = queue.count == 0;
		queue.lines[(queue.first + queue.count) % EVENTS_MAX] = line;
		queue.count++;
		line = NULL;
	} else {
		queue.dropped++;
	}
	if (was_empty)
		queue.wake(queue.context);
	(void)pthread_mutex_unlock(&queue.lock);
	free(line);
}

void events_follow(void (*wake)(void *context), void *context)
{
	(void)pthread_mutex_lock(&queue.lock);
	queue.wake = wake;
	queue.context = context;
	atomic_fetch_add(&followers, 1);
	(void)pthread_mutex_unlock(&queue.lock);
}

void events_unfollow(void)
{
	(void)pthread_mutex_lock(&queue.lock);
	if (atomic_fetch_sub(&followers, 1) == 1) {
		for (; queue.count > 0; queue.count--) {
			free(queue.lines[queue.first]);
			queue.first = (queue.first + 1) % EVENTS_MAX;
		}
		queue.dropped = 0;
	}
	(void)pthread_mutex_unlock(&queue.lock);
}

char *events_take(uint64_t *dropped_r)
{
	char *line = NULL;

	(void)pthread_mutex_lock(&queue.lock);
	if (queue.count > 0) {
		line = queue.lines[queue.first];
		queue.first = (queue.first + 1) % EVENTS_MAX;
		queue.count--;
		*dropped_r = queue.dropped;
		queue.dropped = 0;
	}
	(void)pthread_mutex_unlock(&queue.lock);
	return line;
}
