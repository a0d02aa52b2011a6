#ifndef POSTERN_LINE_WORKER_H
#define POSTERN_LINE_WORKER_H

#include <stddef.h>

/*
 * Has lines taken by a second thread, in their order, while the first one goes on fetching them:
 * what a row costs to take apart is more than what it costs to receive. Up to a first batch
 * there is no thread: few lines are taken in line_worker_end().
 */
struct line_worker;

/*
 * Takes a line, which may be written over, and is len bytes long. NULL, or what is wrong (a
 * constant): then no further line comes. Called by the second thread, or in line_worker_end().
 */
typedef const char *line_worker_take(void *context, char *line, size_t len);

/* context is the second thread's until line_worker_end(). NULL when out of memory. */
struct line_worker *line_worker_new(line_worker_take *take, void *context);

/* A copy is made. Waits for the other thread when that is far behind. NULL, or what is wrong. */
const char *line_worker_add(struct line_worker *worker, const char *line, size_t len);

/*
 * Wait until all are taken, and free the worker (NULL is taken). NULL, or what is wrong. When
 * nobody wants them any more, abandon (not 0) leaves out what waits.
 */
const char *line_worker_end(struct line_worker **worker, int abandon);

#endif
