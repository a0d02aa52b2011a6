/*
 * The server thread: its event loop, and the calls that other threads send to it. Owns the loop and
 * the waiting calls.
 */
#include "milter/loop/server.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/thread.h"

struct call {
	struct call *next;
	void (*function)(void *argument);
	void *argument;
};

/* A call that is repeated. */
struct timer {
	struct timer *next;
	struct event *event;
	struct call call;
};

struct server {
	struct event_base *base; /* for the server thread, once it runs */
	struct event *woken;
	struct timer *timers;
	int wake_fd; /* an eventfd: readable when calls wait or the thread is to end */
	pthread_t thread;
	bool running; /* for the starting thread */

	pthread_mutex_t lock; /* guards the members below */
	struct call *first, **last;
	bool ending;
};

static void wake_thread(const struct server *server)
{
	const uint64_t one = 1;

	if (write(server->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is at its maximum: the thread wakes up anyway */
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct server *server = context;
	struct call *call, *next;
	uint64_t count;
	bool ending;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return; /* another event has emptied it */
	(void)pthread_mutex_lock(&server->lock);
	call = server->first;
	server->first = NULL;
	server->last = &server->first;
	ending = server->ending;
	(void)pthread_mutex_unlock(&server->lock);
	for (; call != NULL; call = next) {
		next = call->next;
		call->function(call->argument);
		free(call);
	}
	if (ending)
		(void)event_base_loopbreak(server->base);
}

/* libevent gives events the middle one of three priorities, unless they have another one. */
static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL &&
		event_config_set_max_dispatch_interval(config, NULL, SERVER_LATER_CALLBACKS,
			SERVER_LATER) == 0)
		base = event_base_new_with_config(config);
	if (base != NULL && event_base_priority_init(base, SERVER_LATER + 1) != 0) {
		event_base_free(base);
		base = NULL;
	}
	if (config != NULL)
		event_config_free(config);
	return base;
}

int server_new(struct server **server_r, struct errmsg *err)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return errmsg_set(err, "out of memory for the server thread");
	server->last = &server->first;
	(void)pthread_mutex_init(&server->lock, NULL);
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->base = make_base();
	if (server->base != NULL && server->wake_fd >= 0)
		server->woken = event_new(server->base, server->wake_fd, EV_READ | EV_PERSIST,
			on_wake, server);
	if (server->woken == NULL || event_add(server->woken, NULL) != 0) {
		server_free(&server);
		return errmsg_set(err, "cannot set up the server thread: %s", strerror(errno));
	}
	*server_r = server;
	return 0;
}

struct event_base *server_base(struct server *server)
{
	return server->base;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	const struct timer *timer = context;

	(void)fd;
	(void)what;
	timer->call.function(timer->call.argument);
}

int server_every(struct server *server, unsigned ms, void (*call)(void *argument), void *argument,
	struct errmsg *err)
{
	const struct timeval interval = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL)
		return errmsg_set(err, "out of memory for the server thread");
	timer->call = (struct call){ .function = call, .argument = argument };
	timer->next = server->timers;
	server->timers = timer;
	timer->event = event_new(server->base, -1, EV_PERSIST, on_timer, timer);
	if (timer->event == NULL || event_add(timer->event, &interval) != 0)
		return errmsg_set(err, "cannot set a timer of the server thread");
	return 0;
}

static void free_timers(struct server *server)
{
	struct timer *timer;

	while ((timer = server->timers) != NULL) {
		server->timers = timer->next;
		if (timer->event != NULL)
			event_free(timer->event);
		free(timer);
	}
}

static void *server_main(void *argument)
{
	struct server *server = argument;

	(void)event_base_loop(server->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

int server_start(struct server *server, struct errmsg *err)
{
	int ret;

	if ((ret = thread_start(&server->thread, "server", server_main, server)) != 0)
		return errmsg_set(err, "cannot start the server thread: %s", strerror(ret));
	server->running = true;
	return 0;
}

int server_call(struct server *server, void (*function)(void *argument), void *argument)
{
	struct call *call = malloc(sizeof(*call));
	bool queued;

	if (call == NULL)
		return -1;
	*call = (struct call){ .function = function, .argument = argument };
	(void)pthread_mutex_lock(&server->lock);
	queued = !server->ending;
	if (queued) {
		*server->last = call;
		server->last = &call->next;
	}
	(void)pthread_mutex_unlock(&server->lock);
	if (!queued) {
		free(call);
		return -1;
	}
	wake_thread(server);
	return 0; /* cppcheck-suppress memleak ; the queue owns it */
}

void server_stop(struct server *server)
{
	(void)pthread_mutex_lock(&server->lock);
	server->ending = true;
	(void)pthread_mutex_unlock(&server->lock);
	if (!server->running)
		return;
	wake_thread(server);
	(void)pthread_join(server->thread, NULL);
	server->running = false;
}

void server_free(struct server **server)
{
	struct server *gone = *server;
	struct call *next;

	*server = NULL;
	if (gone == NULL)
		return;
	for (; gone->first != NULL; gone->first = next) {
		next = gone->first->next;
		free(gone->first);
	}
	free_timers(gone);
	if (gone->woken != NULL)
		event_free(gone->woken);
	if (gone->base != NULL)
		event_base_free(gone->base);
	if (gone->wake_fd >= 0)
		(void)close(gone->wake_fd);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
}
