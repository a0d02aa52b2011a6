#ifndef POSTERN_CALLBACKS_H
#define POSTERN_CALLBACKS_H

#include "lib/base/errmsg.h"
#include "milter/shared/shared.h"

/*
 * The callbacks of libmilter: they hand what they are given to the session (milter/smtp/session.h)
 * and the verdict back. libmilter's functions take no argument of ours, so the shared is one for
 * the process.
 */

/* Register them. shared must live to the end of the process. 0, or -1 with err set. */
int callbacks_register(struct shared *shared, struct errmsg *err);

/* Sessions that are open, and messages let through or refused since the start. */
struct callbacks_counts {
	unsigned long sessions, sessions_open;
};

struct callbacks_counts callbacks_count(void);

#endif
