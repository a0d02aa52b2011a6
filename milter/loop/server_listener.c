/*
 * Accepts connections on the server thread, and pauses while there is no descriptor for them. Owns
 * the listening socket and the descriptor that it holds for a connection in need.
 */
#include "milter/loop/server_listener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "milter/loop/accept_delay.h"
#include "milter/loop/clock.h"
#include "milter/loop/descriptors.h"

struct server_listener {
	int fd;
	int held; /* the descriptor for a connection in need; -1: given up, or not used */
	struct event *readable, *resume;
	struct server_listener_use use;
	struct accept_delay delay;
};

static void hold_descriptor(struct server_listener *listener)
{
	if (listener->use.uses_reserve && listener->held < 0)
		listener->held = eventfd(0, EFD_CLOEXEC);
}

static int accept_one(struct server_listener *listener, struct sockaddr_storage *address_r)
{
	socklen_t len = sizeof(*address_r);

	return accept4(listener->fd, (struct sockaddr *)address_r, &len,
		SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Accept a connection, if need be with the descriptor that is held for it. Returns it, or -1 with
 * errno set. */
static int accept_connection(struct server_listener *listener, struct sockaddr_storage *address_r)
{
	int fd;

	if (!listener->use.uses_reserve && descriptors_short()) {
		errno = EMFILE;
		return -1;
	}
	fd = accept_one(listener, address_r);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && listener->held >= 0) {
		(void)close(listener->held);
		listener->held = -1;
		fd = accept_one(listener, address_r);
	}
	return fd;
}

static void pause_listener(struct server_listener *listener)
{
	const struct timeval pause = { .tv_sec = ACCEPT_DELAY_MS / 1000 };

	if (event_add(listener->resume, &pause) == 0)
		(void)event_del(listener->readable);
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
	struct server_listener *listener = context;

	(void)fd;
	(void)what;
	if (event_add(listener->readable, NULL) != 0)
		pause_listener(listener); /* try again, or the socket is never served again */
}

static void on_readable(evutil_socket_t listening, short what, void *context)
{
	struct server_listener *listener = context;
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	int fd = accept_connection(listener, &address), error = errno;

	(void)listening;
	(void)what;
	if (fd >= 0) {
		accept_delay_end(&listener->delay, clock_ms());
		listener->use.accepted(listener->use.context, fd, (struct sockaddr *)&address);
	} else if (accept_delay_is_needed(error)) {
		accept_delay_add(&listener->delay, error, clock_ms());
		if (!listener->use.make_room(listener->use.context))
			pause_listener(listener);
	}
	hold_descriptor(listener);
}

int server_listener_new(struct server *server, int fd, const struct server_listener_use *use,
	struct server_listener **listener_r, struct errmsg *err)
{
	struct server_listener *listener = calloc(1, sizeof(*listener));
	struct event_base *base = server_base(server);

	if (listener == NULL)
		return errmsg_set(err, "out of memory for the socket %s", use->name);
	listener->fd = listener->held = -1;
	listener->use = *use;
	listener->delay.socket = use->name;
	listener->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, listener);
	listener->resume = event_new(base, -1, 0, on_resume, listener);
	if (listener->readable == NULL || listener->resume == NULL ||
		(use->is_later && event_priority_set(listener->readable, SERVER_LATER) != 0) ||
		event_add(listener->readable, NULL) != 0) {
		server_listener_free(&listener);
		return errmsg_set(err, "cannot serve the socket %s", use->name);
	}
	listener->fd = fd;
	hold_descriptor(listener);
	*listener_r = listener;
	return 0;
}

void server_listener_free(struct server_listener **listener)
{
	struct server_listener *gone = *listener;

	*listener = NULL;
	if (gone == NULL)
		return;
	if (gone->readable != NULL)
		event_free(gone->readable);
	if (gone->resume != NULL)
		event_free(gone->resume);
	if (gone->fd >= 0)
		(void)close(gone->fd);
	if (gone->held >= 0)
		(void)close(gone->held);
	free(gone);
}
