#ifndef POSTERN_LINE_WORKER_H
#define POSTERN_LINE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Processes lines on a second thread, in their order, while the first thread fetches them: parsing
 * a row costs more than receiving it. The second thread starts when the first batch (64 KiB) is
 * full; fewer lines are processed in line_worker_end(), on the first thread.
 */
struct line_worker;

/*
 * Processes a line of len bytes, which may be overwritten. Returns NULL, or an error (a constant),
 * after which no further line is processed. Runs on the second thread, or on the first one where
 * there is no second.
 */
typedef const char *line_worker_take(void *context, char *line, size_t len);

/*
 * Until line_worker_end(), context belongs to the second thread. Returns NULL when out of memory.
 */
struct line_worker *line_worker_new(line_worker_take *take, void *context);

/*
 * Hand over a copy of line. Waits while the second thread is more than half a megabyte behind.
 * Returns NULL, or the first error so far.
 */
const char *line_worker_add(struct line_worker *worker, const char *line, size_t len);

/*
 * Wait until all lines are processed (abandon: leave out those that wait), end the thread and free
 * the worker. Accepts NULL. Returns NULL, or the first error.
 */
const char *line_worker_end(struct line_worker **worker, bool abandon);

#endif
