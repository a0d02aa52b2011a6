#ifndef POSTERN_CALLBACKS_THREAD_H
#define POSTERN_CALLBACKS_THREAD_H

#include <stdbool.h>

#include "lib/base/errmsg.h"
#include "milter/loop/listen.h"
#include "milter/shared/shared.h"

/*
 * The milter socket and libmilter's main loop, which runs in a separate thread, so that the main
 * thread can handle the signals that libmilter would otherwise handle itself (see sigwait() in the
 * source). A process has one milter. Only the main thread may call these functions.
 */
struct milter_socket {
	const char *name;	   /* "unix:/path", "local:/path", "inet:PORT@HOST", "inet6:..." */
	bool allow_remote;	   /* other machines may reach an inet socket */
	struct listen_owner owner; /* of a unix socket's file */
	int timeout; /* seconds to wait for the MTA before libmilter closes a connection */
};

/*
 * Register the callbacks and open the socket, which answers after milter_start(). shared must live
 * until the process ends. Returns 0, or -1 with err set.
 */
int milter_open(const struct milter_socket *socket, struct shared *shared, struct errmsg *err);

/*
 * The signal that is sent to the main thread when libmilter's loop has ended by itself. The main
 * thread must wait for it.
 */
#define MILTER_SIGNAL SIGUSR2

/* Start to answer. The signals that the main thread waits for have to be blocked. Returns 0, or -1
 * with err set. */
int milter_start(struct errmsg *err);

/* Return whether libmilter's loop has ended by itself. */
bool milter_has_ended(void);

/*
 * Remove a unix socket's path for the next daemon, before the process ends. libmilter keeps running
 * until then, because stopping it takes up to five seconds and destroys a lock for which another of
 * its threads waits.
 */
void milter_leave(void);

#endif
