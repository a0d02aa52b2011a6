#ifndef POSTERN_CALLBACKS_H
#define POSTERN_CALLBACKS_H

#include "lib/base/errmsg.h"
#include "milter/shared/shared.h"

/*
 * The callbacks of libmilter. libmilter's workers call them: those of one session on different
 * threads but one at a time, those of different sessions at once.
 */

/*
 * Register the callbacks, once in a process and before libmilter's main loop. Because libmilter
 * passes them no context, they all use this struct shared, which must live until the process ends.
 * Returns 0, or -1 with err set.
 */
int callbacks_register(struct shared *shared, struct errmsg *err);

/* Sessions since the start, and how many of them are open. */
struct callbacks_counts {
	unsigned long sessions, sessions_open;
};

struct callbacks_counts callbacks_count(void); /* any thread */

/* The callbacks that have begun and ended since the start. Without a hang, the second number grows
 * whenever the two differ. Any thread may read it. */
struct callbacks_progress {
	unsigned long entered, left; /* left is never more than entered */
};
struct callbacks_progress callbacks_progress(void);

#endif
