#ifndef POSTERN_SERVER_H
#define POSTERN_SERVER_H

#include "lib/base/errmsg.h"

/*
 * The server thread: an event loop (libevent) for the sockets beside the milter's: control and
 * logins. The rooms that serve them create their events before server_start(). From then on the
 * events belong to the server thread, and other threads reach it only by server_call().
 */
struct server;
struct event_base;

/* Returns 0, or -1 with err set. */
int server_new(struct server **server_r, struct errmsg *err);

/*
 * The event base, for those who create events. Borrowed. Events of the priority SERVER_LATER give
 * way to all others: the loop looks for others after a few of their callbacks. Events that
 * strangers cause have it, so that they delay nobody else, however many they are.
 */
struct event_base *server_base(struct server *server);

#define SERVER_LATER 2
#define SERVER_LATER_CALLBACKS 8

/*
 * Run call(argument) in the server thread every `ms` milliseconds, of which
 * there is at least one. Call this before server_start(). Returns
 * 0, or -1 with err set.
 */
int server_every(struct server *server, unsigned ms, void (*call)(void *argument), void *argument,
	struct errmsg *err);

/* Start the thread, in which all signals are blocked. Returns 0, or -1 with err set. */
int server_start(struct server *server, struct errmsg *err);

/*
 * Run call(argument) in the server thread as soon as possible, in the order of the calls. Never
 * waits. Any thread. Returns 0, or -1 when out of memory or when the server is ending: then the
 * call never runs.
 */
int server_call(struct server *server, void (*call)(void *argument), void *argument);

/* Run the waiting calls and end the thread. For the thread that started it. */
void server_stop(struct server *server);

/* Free the server, after server_stop() and after all events on its base. Accepts NULL. */
void server_free(struct server **server);

#endif
