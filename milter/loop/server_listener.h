#ifndef POSTERN_SERVER_LISTENER_H
#define POSTERN_SERVER_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "milter/loop/server.h"

/*
 * Accepts the connections of a listening socket on the server thread. When there is no descriptor
 * for a connection, it stays in the socket's queue: the listener asks its user to make room, or
 * pauses for a second. See milter/loop/descriptors.h and accept_delay.h.
 */
struct server_listener;

struct server_listener_use {
	const char *name; /* in the log; static */

	/*
	 * For a socket that must be answered even when descriptors are short: the listener takes
	 * the reserve, and holds a descriptor that it gives up for a connection when none is free.
	 */
	bool uses_reserve;

	bool is_later; /* connections are accepted with the priority SERVER_LATER */

	/* A connection, non-blocking, which accepted() owns. address is borrowed. */
	void (*accepted)(void *context, int fd, const struct sockaddr *address);

	/*
	 * Descriptors are short: close a connection that is worth less than a new one. Returns
	 * false when there is none. The descriptor may be closed as late as in the loop's next
	 * turn.
	 */
	bool (*make_room)(void *context);

	void *context; /* of both */
};

/*
 * Listen at fd, which must not block and which the listener then owns. use is copied. Call this
 * before server_start(). Returns 0, or -1 with err set; then fd is still the caller's.
 */
int server_listener_new(struct server *server, int fd, const struct server_listener_use *use,
	struct server_listener **listener_r, struct errmsg *err);

/* Close the socket. Call this after server_stop(). Accepts NULL. */
void server_listener_free(struct server_listener **listener);

#endif
