#ifndef POSTERN_LEDGER_COUNTER_H
#define POSTERN_LEDGER_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The amount that was charged within a sliding window: a part of the ledger, which locks it. Time
 * is the ledger's, in microseconds, and does not go back (a charge that seems older than the last
 * one counts as made at the same moment).
 *
 * Charges are kept in runs: a tick of time and the amount charged within it. A run counts as long
 * as any instant of its tick lies within the window, so that nothing is forgotten too early. A tick
 * is a millionth of the window while COUNTER_RUNS_MAX runs suffice, then 1/61 of it. Therefore a
 * charge is forgotten at most 1/60 of the window too late, and a counter never takes more than
 * about 550 bytes, however much it counts.
 *
 * If a counter may take no more memory for runs, its ticks become as much longer as the number of
 * its runs demands. With COUNTER_RUNS_LEAST runs, which each counter may take, a charge is
 * forgotten at most a quarter of the window too late.
 */
#define COUNTER_RUNS_MAX 64
#define COUNTER_RUNS_LEAST 8
#define COUNTER_LEVELS 4 /* of coarse ticks: for 64, 32, 16 and 8 runs */

struct counter_run {
	uint32_t tick; /* relative to the counter's base */
	uint32_t count;
};

struct counter {
	uint64_t base;	  /* the tick that is 0 in the runs */
	uint32_t seconds; /* length of the window */
	uint32_t limit;	  /* of the latest request, to be shown */
	uint32_t named;	  /* when the latest request used the window, in seconds of ledger time */
	uint8_t len, size;
	uint8_t coarse; /* the level of its ticks, up to COUNTER_LEVELS; 0: fine ones */
	union {
		struct counter_run one; /* used when size is 1 */
		struct counter_run *many;
	} runs; /* in the order of time */
};

/* Make an empty counter. It takes no further memory until the second run. */
void counter_init(struct counter *counter, uint32_t seconds);
void counter_free(struct counter *counter); /* frees the runs; the counter is empty then */

/* The amount that counts at `now` in a window of `seconds`, which may differ from the counter's. */
uint64_t counter_used(const struct counter *counter, uint32_t seconds, uint64_t now);

/*
 * The first moment from now on at which no more than `room` counts in a window of `seconds`,
 * provided that nothing is charged until then.
 */
uint64_t counter_free_at(const struct counter *counter, uint32_t seconds, uint64_t now,
	uint64_t room);

/* Remove what no longer counts. Returns whether anything still does. */
bool counter_prune(struct counter *counter, uint64_t now);

/*
 * Make room for the next counter_add(). Without may_grow, the counter takes no memory for more than
 * COUNTER_RUNS_LEAST runs. Returns 0, or -1 when out of memory.
 */
int counter_make_room(struct counter *counter, uint64_t now, bool may_grow);

/* Remove the oldest run and return its amount; 0 when there is none. */
uint32_t counter_drop_oldest(struct counter *counter);

/* Charge, after counter_make_room() with the same now. */
void counter_add(struct counter *counter, uint64_t now, uint32_t amount);

/*
 * Charge an empty counter with the runs of another one, each at the latest moment of its tick; if
 * they are more than max in the counter's window, with the latest ones. Returns 0, or -1 when out
 * of memory.
 */
int counter_seed(struct counter *counter, const struct counter *from, uint64_t now, uint64_t max);

/* The length of a tick in microseconds. */
uint64_t counter_tick_width(const struct counter *counter);

/* The runs, and the first and the last instant of a run's tick. */
static inline const struct counter_run *counter_runs(const struct counter *counter)
{
	return counter->size > 1 ? counter->runs.many : &counter->runs.one;
}
uint64_t counter_run_start(const struct counter *counter, const struct counter_run *run);
uint64_t counter_run_end(const struct counter *counter, const struct counter_run *run);

/* Append a run that was saved; runs come in the order of time. Returns 0, or -1 when out of memory
 * or when the counter is full. */
int counter_append(struct counter *counter, const struct counter_run *run);

/* Of several counters with the same charges, return the one with the most information about a
 * window: the window's own, else that of the longest window; NULL when there are none. */
static inline const struct counter *counter_best(const struct counter *counters, size_t count,
	uint32_t seconds)
{
	const struct counter *best = NULL;

	for (size_t i = 0; i < count; i++) {
		if (counters[i].seconds == seconds)
			return &counters[i];
		if (best == NULL || counters[i].seconds > best->seconds)
			best = &counters[i];
	}
	return best;
}

/* The memory of the runs in bytes. */
static inline size_t counter_bytes(const struct counter *counter)
{
	return counter->size > 1 ? counter->size * sizeof(struct counter_run) : 0;
}

#endif
