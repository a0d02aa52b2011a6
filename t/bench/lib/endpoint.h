#ifndef POSTERN_BENCH_ENDPOINT_H
#define POSTERN_BENCH_ENDPOINT_H

#include <sys/socket.h>

#include "lib/base/errmsg.h"

/* The address on which a filter listens. A plain value. */
struct endpoint {
	struct sockaddr_storage addr;
	socklen_t len;
};

/*
 * Parse a socket as filters write it, "unix:/path", "local:/path" or "inet:port@host", or as
 * Postfix writes it, "inet:host:port". The host is an IPv4 address or "localhost". Returns 0, or -1
 * with err set.
 */
int endpoint_parse(const char *text, struct endpoint *endpoint_r, struct errmsg *err);

enum endpoint_connect {
	ENDPOINT_CONNECTED,
	ENDPOINT_PENDING, /* in progress: wait until it is writable */
	ENDPOINT_BUSY,	  /* the listener's queue is full (unix): try again in a moment */
	ENDPOINT_FAILED
};

/* Open a non-blocking socket to the endpoint. The first two results set *fd_r, the others err. */
enum endpoint_connect endpoint_connect(const struct endpoint *endpoint, int *fd_r,
	struct errmsg *err);

#endif
