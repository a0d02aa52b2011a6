#ifndef POSTERN_CALLBACKS_THREAD_H
#define POSTERN_CALLBACKS_THREAD_H

#include <signal.h>
#include <stdbool.h>

#include "lib/base/errmsg.h"
#include "milter/loop/listen.h"
#include "milter/shared/shared.h"

/*
 * The milter socket and libmilter's main loop, which runs in a thread of its own: so the
 * main thread has the signals that libmilter would take for itself. There is one milter in a
 * process. All functions are the main thread's.
 */
struct milter_socket {
	const char *name;	   /* "unix:/path", "local:/path", "inet:PORT@HOST", "inet6:..." */
	struct listen_owner owner; /* of a unix socket */
	int timeout;		   /* s without a word from the MTA before it is given up */
};

/* Whether it is an inet socket. */
bool milter_is_inet(const char *name);

/* Register the callbacks and open the socket; it answers from milter_start() on. shared must live
 * to the end of the process. 0, or -1 with err set. */
int milter_open(const struct milter_socket *socket, struct shared *shared, struct errmsg *err);

/* Sent to the main thread, which has to have a handler for it, when the loop has ended by itself.
 */
#define MILTER_SIGNAL SIGUSR2

/*
 * Answer. signals: those that the main thread takes, and has blocked so far; they are unblocked in
 * it before libmilter's own thread begins to wait for some of them. 0, or -1 with err set.
 */
int milter_start(const sigset_t *signals, struct errmsg *err);
bool milter_has_ended(void);

/*
 * The process is about to end: a unix socket's path is free for the daemon that comes next.
 * libmilter is left running until then: its own way to stop takes up to five seconds, and destroys
 * a lock that another of its threads waits for.
 */
void milter_leave(void);

#endif
