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
	pthread_barrier_t *barrier; /* all idle connections stand: the load begins */
	size_t number;		    /* of this worker; its sessions begin there */
	size_t connections, idle;   /* its share */
	pthread_t thread;

	int epoll, timer;		 /* the timer ends the first of the pauses */
	struct connection *list;	 /* idle ones first */
	struct connection_queue retries; /* could not connect, to be tried again */
	struct connection_queue pauses;	 /* in the order in which they end */
	size_t busy;			 /* connections that are not yet at their end */
	size_t next_session;
	uint64_t count_from, deadline, last_answer, last_done; /* ns */
	struct load_result result;
	int ret;
	struct errmsg err;
};

/* Nanoseconds of the monotonic clock. */
uint64_t load_clock(void);

/* Have a connection try again in a moment, or go on after the pause that the options set. */
void load_worker_retry(struct load_worker *worker, struct connection *conn);
void load_worker_pause(struct load_worker *worker, struct connection *conn);

/* Do the worker's share: a thread's main function. Sets ret (0 or -1 with err) and result. */
void *load_worker_run(void *worker);

#endif
