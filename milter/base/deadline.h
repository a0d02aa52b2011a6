#ifndef POSTERN_DEADLINE_H
#define POSTERN_DEADLINE_H

#include <pthread.h>
#include <time.h>

/* Waits of conditions with a time limit, which holds even if somebody sets the clock. Thread-safe.
 */

/* Initialize a condition whose pthread_cond_timedwait() uses CLOCK_MONOTONIC. */
void deadline_init_cond(pthread_cond_t *cond);

/* Return the time limit of such a wait: ms milliseconds from now. */
struct timespec deadline_in(int ms);

#endif
