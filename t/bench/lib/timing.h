#ifndef POSTERN_BENCH_TIMING_H
#define POSTERN_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

/* Return the time of a monotonic clock in ns. */
uint64_t wall_ns(void);

/* Return this thread's CPU time in ns, on which other programs have less influence. */
uint64_t cpu_ns(void);

/* The same for all threads of the process, also those that have ended. */
uint64_t process_cpu_ns(void);

/* The measured call, for item i. It returns a value, so that the compiler omits no call. */
typedef unsigned timed_fn(void *context, size_t i);

/*
 * Return the CPU time of a call in ns: the median of several turns over `count` items, which are
 * repeated for so many seconds.
 */
double time_calls(timed_fn *call, void *context, size_t count, double seconds);

#endif
