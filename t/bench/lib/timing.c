/*
 * Clocks, and the time of a call that is repeated, for bench_check and bench_ledger. Keeps no state
 * but a sink for results.
 */
#include "t/bench/lib/timing.h"

#include <stdlib.h>
#include <time.h>

/* Every figure is the median of this many turns. */
#define TURNS 5

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t wall_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t process_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* Keeps the compiler from omitting the calls. */
static volatile unsigned sink;

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double time_calls(timed_fn *call, void *context, size_t count, double seconds)
{
	double turns[TURNS];
	uint64_t start, end, calls;
	unsigned sum = 0;
	size_t i;
	int turn;

	for (turn = 0; turn < TURNS; turn++) {
		start = cpu_ns();
		calls = 0;
		do {
			for (i = 0; i < count; i++)
				sum += call(context, i);
			calls += count;
			end = cpu_ns();
		} while ((double)(end - start) < seconds / TURNS * 1e9);
		turns[turn] = (double)(end - start) / (double)calls;
	}
	sink = sum;
	qsort(turns, TURNS, sizeof(turns[0]), compare);
	return turns[TURNS / 2];
}
