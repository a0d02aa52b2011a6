#ifndef POSTERN_THREAD_H
#define POSTERN_THREAD_H

#include <pthread.h>
#include <time.h>

/*
 * How the daemon's threads are started, and how conditions are made whose waits have a time limit.
 * Thread-safe.
 */

/*
 * Start a thread with all signals blocked, because only the thread of milter/signals.c may receive
 * any. name: at most 15 bytes, for ps and gdb. Without thread_r, the thread is detached. Returns 0,
 * or an errno.
 */
int thread_start(pthread_t *thread_r, const char *name, void *(*run)(void *context), void *context);

/*
 * Lower the priority of the calling thread, and of those that it starts from now on, so that the
 * threads that answer the MTA go first. The increment is added to its nice value, which Linux keeps
 * for each thread.
 */
void thread_give_way(int increment);

/* Initialize a condition whose pthread_cond_timedwait() uses CLOCK_MONOTONIC, so that the time
 * limit holds even if somebody sets the clock. */
void thread_init_cond(pthread_cond_t *cond);

/* Return the time limit of such a wait: ms milliseconds from now. */
struct timespec thread_deadline(int ms);

#endif
