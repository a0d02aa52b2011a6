#ifndef POSTERN_THREAD_H
#define POSTERN_THREAD_H

#include <pthread.h>

/* How threads are started. Thread-safe. */

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

#endif
