#ifndef POSTERN_WORKERS_H
#define POSTERN_WORKERS_H

#include <stddef.h>

#include "lib/base/errmsg.h"

/*
 * A few threads for work that would delay the server thread: hashing passwords, and the regexes of
 * an explained session. Their queue is bounded.
 */
struct workers;

/* run(argument) is called in a worker. It frees the argument or passes it on by server_call(). */
struct work {
	void (*run)(void *argument);
	void *argument;
};

/*
 * Start `count` threads with room for queue_max waiting pieces of work. All signals are blocked in
 * them. Returns 0, or -1 with err set.
 */
int workers_start(size_t count, size_t queue_max, struct workers **workers_r, struct errmsg *err);

/*
 * Add work, which is copied. Returns 0, or -1 when the queue is full or the workers are ending: the
 * argument is still the caller's. Any thread.
 */
int workers_add(struct workers *workers, const struct work *work);

/* Run all work that was added, end the threads and free them. Accepts NULL. */
void workers_stop(struct workers **workers);

#endif
