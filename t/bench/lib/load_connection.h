#ifndef POSTERN_BENCH_LOAD_CONNECTION_H
#define POSTERN_BENCH_LOAD_CONNECTION_H

#include "t/bench/lib/load.h"

struct load_worker;

/* One of a worker's connections to the filter, through all its sessions. */
struct connection {
	struct load_worker *worker;
	int fd; /* -1: not connected */
	bool is_idle, is_pending, wants_out, is_paused;
	struct mta mta;
	struct strbuf out, in;
	size_t out_at; /* bytes of out that were sent */
	size_t messages_left;
	uint64_t session_begin, message_begin, asked; /* ns */
	uint64_t due;				      /* ns: when its wait in a queue ends */
	struct connection *next; /* in the worker's queue of pauses or of retries */
};

/* Begin a session: connect, then send. */
void connection_begin(struct connection *conn);

/* Try to connect again after the filter's queue was full. */
void connection_retry(struct connection *conn);

/* Continue after the pause. */
void connection_resume(struct connection *conn);

/* Handle events that epoll reports. */
void connection_event(struct connection *conn, uint32_t events);

/* Close the socket without QUIT and free the buffers. */
void connection_destroy(struct connection *conn);

#endif
