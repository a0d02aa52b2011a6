#ifndef POSTERN_BENCH_ENDPOINT_H
#define POSTERN_BENCH_ENDPOINT_H

#include <sys/socket.h>

#include "lib/base/errmsg.h"

/* Where a filter listens. A plain value. */
struct endpoint {
	struct sockaddr_storage addr;
	socklen_t len;
};

/*
 * Parse a socket as a filter names it, "unix:/path", "local:/path" or "inet:port@host", or as
 * Postfix does, "inet:host:port". The host is an IPv4 address or "localhost".
 */
int endpoint_parse(const char *text, struct endpoint *endpoint_r, struct errmsg *err);

enum endpoint_connect {
	ENDPOINT_CONNECTED,
	ENDPOINT_PENDING, /* on its way: wait until it is writable */
	ENDPOINT_BUSY,	  /* the listener's queue is full (unix): try again in a moment */
	ENDPOINT_FAILED
};

/* Open a non-blocking socket to the endpoint. Sets *fd_r on the first two, err on the others. */
enum endpoint_connect endpoint_connect(const struct endpoint *endpoint, int *fd_r,
	struct errmsg *err);

#endif
