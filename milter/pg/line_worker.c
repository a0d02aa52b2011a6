/*
 * A ring of batches between two threads: the caller's fills them with lines, and a thread started
 * here ("rows") processes them. Each batch belongs to one of the threads at any time.
 */
#include "milter/pg/line_worker.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/thread.h"

#define BATCHES 8
#define BATCH_BYTES (64u << 10)
#define OUT_OF_MEMORY "out of memory"

/* Lines, each preceded by its length in 4 bytes. */
struct batch {
	char *text;
	size_t len, size;
};

struct line_worker {
	line_worker_take *take;
	void *context;
	pthread_t thread;
	bool is_running;

	/*
	 * The first thread fills batches[filled % BATCHES] while the second one empties
	 * batches[taken % BATCHES].
	 */
	struct batch batches[BATCHES];
	pthread_mutex_t lock; /* guards the members below, and passes on the batches */
	pthread_cond_t changed;
	unsigned filled, taken;
	bool has_ended;	   /* no further batch will be filled */
	const char *error; /* the first one; "" when the rest is abandoned */
};

struct line_worker *line_worker_new(line_worker_take *take, void *context)
{
	struct line_worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return NULL;
	worker->take = take;
	worker->context = context;
	(void)pthread_mutex_init(&worker->lock, NULL);
	(void)pthread_cond_init(&worker->changed, NULL);
	return worker;
}

static const char *process_batch(struct line_worker *worker, struct batch *batch)
{
	const char *error = NULL;
	uint32_t len;
	size_t at;

	for (at = 0; at < batch->len && error == NULL; at += len) {
		memcpy(&len, batch->text + at, sizeof(len));
		at += sizeof(len);
		error = worker->take(worker->context, batch->text + at, len);
	}
	batch->len = 0;
	return error;
}

/* The second thread. */
static void *process_batches(void *context)
{
	struct line_worker *worker = context;
	const char *error;

	(void)pthread_mutex_lock(&worker->lock);
	for (;;) {
		while (worker->taken == worker->filled && !worker->has_ended)
			(void)pthread_cond_wait(&worker->changed, &worker->lock);
		if (worker->taken == worker->filled || worker->error != NULL)
			break;
		(void)pthread_mutex_unlock(&worker->lock);
		error = process_batch(worker, &worker->batches[worker->taken % BATCHES]);
		(void)pthread_mutex_lock(&worker->lock);
		if (worker->error == NULL)
			worker->error = error;
		worker->taken++;
		(void)pthread_cond_signal(&worker->changed);
	}
	(void)pthread_mutex_unlock(&worker->lock);
	return NULL;
}

/* Hand the filled batch to the second thread, and wait until there is an empty one. */
static const char *hand_over(struct line_worker *worker)
{
	const char *error;

	if (!worker->is_running) {
		if (thread_start(&worker->thread, "rows", process_batches, worker) != 0)
			return process_batch(worker, &worker->batches[worker->filled % BATCHES]);
		worker->is_running = true;
	}
	(void)pthread_mutex_lock(&worker->lock);
	worker->filled++;
	(void)pthread_cond_signal(&worker->changed);
	while (worker->filled - worker->taken == BATCHES && worker->error == NULL)
		(void)pthread_cond_wait(&worker->changed, &worker->lock);
	error = worker->error;
	(void)pthread_mutex_unlock(&worker->lock);
	return error;
}

static bool reserve_room(struct batch *batch, size_t len)
{
	size_t size = len > BATCH_BYTES ? len : BATCH_BYTES;
	char *text;

	if (len <= batch->size)
		return true;
	if ((text = realloc(batch->text, size)) == NULL)
		return false;
	batch->text = text;
	batch->size = size;
	return true;
}

const char *line_worker_add(struct line_worker *worker, const char *line, size_t len)
{
	struct batch *batch = &worker->batches[worker->filled % BATCHES];
	uint32_t prefix = (uint32_t)len;
	const char *error;

	if (len > UINT32_MAX - BATCH_BYTES)
		return OUT_OF_MEMORY;
	if (batch->len > 0 && batch->len + sizeof(prefix) + len > batch->size) {
		if ((error = hand_over(worker)) != NULL)
			return error;
		batch = &worker->batches[worker->filled % BATCHES];
	}
	if (!reserve_room(batch, batch->len + sizeof(prefix) + len))
		return OUT_OF_MEMORY;
	memcpy(batch->text + batch->len, &prefix, sizeof(prefix));
	memcpy(batch->text + batch->len + sizeof(prefix), line, len);
	batch->len += sizeof(prefix) + len;
	return NULL;
}

/* Have the remaining lines processed: by the second thread, or here if it was never started. */
static const char *process_rest(struct line_worker *worker, bool abandon)
{
	struct batch *last = &worker->batches[worker->filled % BATCHES];

	if (!worker->is_running)
		return abandon ? NULL : process_batch(worker, last);
	(void)pthread_mutex_lock(&worker->lock);
	if (abandon && worker->error == NULL)
		worker->error = "";
	else if (last->len > 0)
		worker->filled++; /* hand_over() has waited for room */
	worker->has_ended = true;
	(void)pthread_cond_signal(&worker->changed);
	(void)pthread_mutex_unlock(&worker->lock);
	(void)pthread_join(worker->thread, NULL);
	return worker->error;
}

const char *line_worker_end(struct line_worker **worker, bool abandon)
{
	struct line_worker *w = *worker;
	const char *error;
	size_t i;

	*worker = NULL;
	if (w == NULL)
		return NULL;
	error = process_rest(w, abandon);
	for (i = 0; i < BATCHES; i++)
		free(w->batches[i].text);
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
	return error;
}
