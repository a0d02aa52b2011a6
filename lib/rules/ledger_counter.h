#ifndef POSTERN_LEDGER_COUNTER_H
#define POSTERN_LEDGER_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How much was charged in a sliding window: part of the ledger, which locks it. Time is the
 * ledger's, in microseconds, and does not go back (an event that seems older than the last one
 * counts as one of that moment).
 *
 * What was charged stands in runs: a tick of time and how much in it. A run counts as long as any
 * instant of its tick lies within the window, so nothing is forgotten too early. Ticks are a
 * millionth of the window while COUNTER_RUNS_MAX of them suffice, then 1/61 of it: so whatever
 * was charged is forgotten at most 1/60 of the window too late, and a counter never takes more
 * than some 550 bytes, however much it counts.
 */
#define COUNTER_RUNS_MAX 64

struct counter_run {
	uint32_t tick; /* from the counter's base */
	uint32_t count;
};

struct counter {
	uint64_t base;	  /* the tick that runs are counted from */
	uint32_t seconds; /* length of the window */
	uint32_t limit;	  /* what it was last held to: for people */
	uint32_t named;	  /* s of ledger time: when it was last asked for */
	uint8_t len, size;
	bool is_coarse;
	union {
		struct counter_run one; /* size is 1 */
		struct counter_run *many;
	} runs; /* in the order of time */
};

/* An empty counter of a window of so many seconds. Takes no memory until it is charged. */
void counter_init(struct counter *counter, uint32_t seconds);
void counter_free(struct counter *counter); /* its runs; it is empty then */

/* How much counts at `now` for a window of `seconds`, which need not be the counter's own. */
uint64_t counter_used(const struct counter *counter, uint32_t seconds, uint64_t now);

/*
 * The first moment, now or later, at which no more than `room` counts for a window of `seconds` if
 * nothing is charged until then.
 */
uint64_t counter_free_at(const struct counter *counter, uint32_t seconds, uint64_t now,
	uint64_t room);

/* Let go of what no longer counts. Returns whether anything still does. */
bool counter_prune(struct counter *counter, uint64_t now);

/* Make sure that the next counter_add() finds room. 0, or -1 when out of memory. */
int counter_reserve(struct counter *counter, uint64_t now);

/* Charge; after counter_reserve() with the same `now`. */
void counter_add(struct counter *counter, uint64_t now, uint32_t amount);

/* Charge an empty counter with what another one holds, on the strict side. 0, or -1 when out of
 * memory. */
int counter_seed(struct counter *counter, const struct counter *from, uint64_t now);

/* Microseconds of a tick: what base and runs are counted in. */
uint64_t counter_tick_width(const struct counter *counter);

/* The runs, to be written down; and the first and the last instant of a run's tick. */
const struct counter_run *counter_runs(const struct counter *counter);
uint64_t counter_run_start(const struct counter *counter, const struct counter_run *run);
uint64_t counter_run_end(const struct counter *counter, const struct counter_run *run);

/* Put a run that was written down behind the others; they come in their order. 0, or -1: out of
 * memory, or full. */
int counter_append(struct counter *counter, const struct counter_run *run);

/* Bytes of memory beside the struct itself. */
size_t counter_bytes(const struct counter *counter);

#endif
