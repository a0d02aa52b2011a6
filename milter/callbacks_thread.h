#ifndef POSTERN_CALLBACKS_THREAD_H
#define POSTERN_CALLBACKS_THREAD_H

#include <signal.h>
#include <stdbool.h>

#include "lib/base/errmsg.h"
#include "milter/filter.h"
#include "milter/listen.h"

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

/* Register the callbacks and open the socket; it answers from milter_start() on. filter must live to
 * the end of the process. 0, or -1 with err set. */
int milter_open(const struct milter_socket *socket, struct filter *filter, struct errmsg *err);

/* Sent to the main thread when the loop has ended by itself; to be blocked everywhere before milter_start(). */
#define MILTER_SIGNAL SIGUSR2

/* Answer. 0, or -1 with err set. */
int milter_start(struct errmsg *err);
bool milter_has_ended(void);

/* Stop answering, within some ten milliseconds; sessions are cut. Removes a unix socket. */
void milter_stop(void);

#endif
