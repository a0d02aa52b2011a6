#ifndef POSTERN_SERVER_H
#define POSTERN_SERVER_H

#include "lib/base/errmsg.h"

/*
 * The server thread: an event loop (libevent) for the sockets beside the milter: control, later
 * authentication. What it serves is set up before server_start(), in the thread that starts it;
 * from then on everything of it belongs to the server thread, and others reach it by server_call()
 * alone.
 */
struct server;
struct event_base;

int server_new(struct server **server_r, struct errmsg *err);

/* For those who serve: the loop's base (libevent). */
struct event_base *server_base(struct server *server);

/* Start the thread; all signals are blocked in it. 0, or -1 with err set. */
int server_start(struct server *server, struct errmsg *err);

/*
 * Have call(argument) run in the server thread, soon, in the order of the calls. Never waits; any
 * thread. 0, or -1 when out of memory or the server is ending: then it is never run.
 */
int server_call(struct server *server, void (*call)(void *argument), void *argument);

/* End the thread, after the calls that wait. */
void server_stop(struct server *server);

/* Free it, after server_stop() and after everything that was set up on its base. Takes NULL. */
void server_free(struct server **server);

#endif
