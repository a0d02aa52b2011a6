#ifndef POSTERN_BENCH_TIMING_H
#define POSTERN_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

uint64_t wall_ns(void); /* a monotonic clock */

/* Time of the processor for this thread, so that who runs beside counts less. */
uint64_t cpu_ns(void);

/* What is measured: a call for item i. Returns something, so that no call is left out. */
typedef unsigned timed_fn(void *context, size_t i);

/*
 * Nanoseconds (cpu_ns) of a call, over `count` items again and again for so many seconds: the
 * median of some turns.
 */
double time_calls(timed_fn *call, void *context, size_t count, double seconds);

#endif
