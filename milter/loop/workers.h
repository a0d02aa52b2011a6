#ifndef POSTERN_WORKERS_H
#define POSTERN_WORKERS_H

#include <stddef.h>

#include "lib/base/errmsg.h"

/*
 * A few threads for what takes too long for the server thread's loop (hashing passwords, regexes of
 * a question), with a bounded queue.
 */
struct workers;

/* A piece of work: run() in a worker, nothing else; free it there, or hand it on by server_call().
 */
struct work {
	void (*run)(void *argument);
	void *argument;
};

/* count threads and at most queue_max pieces that wait. All signals are blocked in them. 0, or -1
 * with err set. */
int workers_start(size_t count, size_t queue_max, struct workers **workers_r, struct errmsg *err);

/* 0, or -1 when the queue is full: try again later, or refuse. Any thread. */
int workers_add(struct workers *workers, const struct work *work);

/* Let them finish all that was added, and end them. Takes NULL; sets the pointer to NULL. */
void workers_stop(struct workers **workers);

#endif
