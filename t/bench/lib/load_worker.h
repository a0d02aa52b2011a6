#ifndef POSTERN_BENCH_LOAD_WORKER_H
#define POSTERN_BENCH_LOAD_WORKER_H

#include <pthread.h>

#include "t/bench/lib/load.h"

struct connection;

struct connection_queue {
	struct connection *first, *last;
};

/* One thread's share of the load. */
struct load_worker {
	const struct load_options *options;
	pthread_barrier_t *barrier; /* passed when all idle connections are open */
	size_t number;		    /* of this worker, and of its first session */
	size_t connections, idle;   /* its share */
	pthread_t thread;

	int epoll, timer;		 /* the timer ends the first of the pauses */
	struct connection *list;	 /* idle ones first */
	struct connection_queue retries; /* those that try to connect again */
	struct connection_queue pauses;	 /* in the order in which they end */
	size_t busy;			 /* connections that have not ended */
	size_t next_session;
	uint64_t count_from, deadline, last_answer, last_done; /* ns */
	struct load_result result;
	int ret;
	struct errmsg err;
};

/* Return the monotonic clock's time in ns. */
uint64_t load_clock(void);

/* Let a connection try again after a moment, or continue after the pause that the options set. */
void load_worker_retry(struct load_worker *worker, struct connection *conn);
void load_worker_pause(struct load_worker *worker, struct connection *conn);

/* The thread's main function: do the worker's share. Sets ret (0, or -1 with err) and result. */
void *load_worker_run(void *worker);

#endif
