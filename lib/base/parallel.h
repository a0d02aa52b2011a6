#ifndef POSTERN_PARALLEL_H
#define POSTERN_PARALLEL_H

#include <stddef.h>

/* Runs the parts of a computation in parallel. Thread-safe. */

#define PARALLEL_MAX 4 /* parts */

/* Return in how many parts work of this size should be done: at most one for each processor that
 * the process may use, none of them smaller than least, and at least 1. */
unsigned parallel_parts(size_t size, size_t least);

/*
 * Call run() for the parts 0 to parts - 1 (at most PARALLEL_MAX), part 0 in the calling thread and
 * each other one in a thread of its own, or in the calling thread if the system refuses that one.
 * Returns when all have returned.
 */
void parallel_run(unsigned parts, void (*run)(void *context, unsigned part), void *context);

#endif
