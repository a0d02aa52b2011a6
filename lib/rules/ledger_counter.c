/*
 * One sliding window of the ledger: its runs, and when they stop counting. Owns the runs; the
 * caller holds the lock of the ledger's shard.
 */
#include "lib/rules/ledger_counter.h"

#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000) /* microseconds */

/* A coarse and a fine tick together are at most 1/60 of the window: see coarsen(). */
#define COARSE_PARTS 61
/* The length of the ticks of each level, in ticks of the first one. The number of ticks that touch
 * a window is at least two less than the level's number of runs. */
static const uint8_t level_ticks[COUNTER_LEVELS + 1] = { 0, 1, 3, 5, 13 };
#define FINE_SHIFT 20

void counter_init(struct counter *counter, uint32_t seconds)
{
	*counter = (struct counter){ .seconds = seconds, .size = 1 };
}

void counter_free(struct counter *counter)
{
	if (counter->size > 1)
		free(counter->runs.many);
	counter->size = 1;
	counter->len = 0;
	counter->coarse = 0;
}

static struct counter_run *runs_of(struct counter *counter)
{
	return counter->size > 1 ? counter->runs.many : &counter->runs.one;
}

uint64_t counter_tick_width(const struct counter *counter)
{
	uint64_t window = counter->seconds * SECOND;
	uint64_t width = counter->coarse > 0 ? window / COARSE_PARTS : window >> FINE_SHIFT;

	if (width == 0)
		width = 1;
	return counter->coarse > 0 ? width * level_ticks[counter->coarse] : width;
}

uint64_t counter_run_start(const struct counter *counter, const struct counter_run *run)
{
	return (counter->base + run->tick) * counter_tick_width(counter);
}

uint64_t counter_run_end(const struct counter *counter, const struct counter_run *run)
{
	return (counter->base + run->tick + 1) * counter_tick_width(counter) - 1;
}

/* Return whether a run whose tick ends at `end` still counts. An end in the future counts, too. */
static bool is_in_window(uint64_t end, uint32_t seconds, uint64_t now)
{
	uint64_t window = seconds * SECOND;

	return now < window || end > now - window;
}

uint64_t counter_used(const struct counter *counter, uint32_t seconds, uint64_t now)
{
	const struct counter_run *runs = counter_runs(counter);
	uint64_t used = 0;

	for (size_t i = counter->len; i-- > 0;) {
		if (!is_in_window(counter_run_end(counter, &runs[i]), seconds, now))
			break;
		used += runs[i].count;
	}
	return used;
}

uint64_t counter_free_at(const struct counter *counter, uint32_t seconds, uint64_t now,
	uint64_t room)
{
	const struct counter_run *runs = counter_runs(counter);
	uint64_t used = 0, at;

	for (size_t i = counter->len; i-- > 0;) {
		used += runs[i].count;
		if (used > room) {
			at = counter_run_end(counter, &runs[i]) + seconds * SECOND;
			return at > now ? at : now;
		}
	}
	return now;
}

bool counter_prune(struct counter *counter, uint64_t now)
{
	struct counter_run *runs = runs_of(counter);
	uint8_t gone = 0;

	while (gone < counter->len &&
		!is_in_window(counter_run_end(counter, &runs[gone]), counter->seconds, now))
		gone++;
	if (gone == counter->len) {
		counter_free(counter);
		return false;
	}
	if (gone > 0) {
		counter->len = (uint8_t)(counter->len - gone);
		memmove(runs, runs + gone, counter->len * sizeof(*runs));
	}
	return true;
}

/*
 * The tick of an instant, relative to the base, but not before the last run's. After pruning, all
 * ticks lie within two windows of each other, so that they fit once the base is increased.
 */
static uint32_t tick_of(struct counter *counter, uint64_t instant)
{
	struct counter_run *runs = runs_of(counter);
	uint64_t tick = instant / counter_tick_width(counter), shift;

	if (counter->len == 0)
		counter->base = tick;
	else if (tick < counter->base + runs[counter->len - 1].tick)
		return runs[counter->len - 1].tick;
	if (tick - counter->base > UINT32_MAX / 2) {
		shift = runs[0].tick;
		counter->base += shift;
		for (uint8_t i = 0; i < counter->len; i++)
			runs[i].tick -= (uint32_t)shift;
	}
	return tick - counter->base > UINT32_MAX ? UINT32_MAX : (uint32_t)(tick - counter->base);
}

/* Add to the last run or after it; the caller has made room. */
static void add_to_runs(struct counter *counter, uint64_t instant, uint32_t amount)
{
	struct counter_run *runs = runs_of(counter);
	uint32_t tick = tick_of(counter, instant);
	struct counter_run *last;

	if (counter->len == 0 || runs[counter->len - 1].tick != tick)
		runs[counter->len++] = (struct counter_run){ .tick = tick };
	last = &runs[counter->len - 1];
	last->count = amount > UINT32_MAX - last->count ? UINT32_MAX : last->count + amount;
}

/*
 * Change the level of the ticks, in place. Each run moves to the new tick in which its old one ends
 * (but not beyond now). From fine ticks to coarse ones, it counts at most one of each too long;
 * from one coarse level to another, at most one tick of the coarser level, however often that is
 * done, because the ticks of the first level divide all others. The caller has made sure that the
 * runs suffice.
 */
static void change_ticks(struct counter *counter, uint64_t now, uint8_t level)
{
	struct counter old = *counter;
	struct counter_run copy[COUNTER_RUNS_MAX];
	uint64_t end;

	memcpy(copy, counter_runs(counter), counter->len * sizeof(copy[0]));
	counter->coarse = level;
	counter->len = 0;
	for (uint8_t i = 0; i < old.len; i++) {
		end = counter_run_end(&old, &copy[i]);
		add_to_runs(counter, end < now ? end : now, copy[i].count);
	}
}

/* Return the level at which a number of runs suffices. */
static uint8_t level_of(uint8_t runs)
{
	uint8_t level = 1;

	for (; runs < COUNTER_RUNS_MAX && level < COUNTER_LEVELS; runs *= 2)
		level++;
	return level;
}

/* Make room for at least one more run. */
static int grow_runs(struct counter *counter)
{
	uint8_t size = counter->size < 2 ? 2 : (uint8_t)(counter->size * 2);
	struct counter_run *grown;

	grown = realloc(counter->size > 1 ? counter->runs.many : NULL, size * sizeof(*grown));
	if (grown == NULL)
		return -1;
	if (counter->size < 2)
		grown[0] = counter->runs.one;
	memset(grown + counter->len, 0, (size - counter->len) * sizeof(*grown));
	counter->runs.many = grown;
	counter->size = size;
	return 0;
}

/* Merge the two runs that are nearest to each other into the later one. There are at least two. */
static void join_runs(struct counter *counter)
{
	struct counter_run *runs = runs_of(counter);
	uint8_t nearest = 0;

	for (uint8_t i = 1; i + 1 < counter->len; i++) {
		if (runs[i + 1].tick - runs[i].tick < runs[nearest + 1].tick - runs[nearest].tick)
			nearest = i;
	}
	runs[nearest + 1].count = runs[nearest].count > UINT32_MAX - runs[nearest + 1].count ?
		UINT32_MAX :
		runs[nearest].count + runs[nearest + 1].count;
	memmove(runs + nearest, runs + nearest + 1, (--counter->len - nearest) * sizeof(*runs));
}

int counter_make_room(struct counter *counter, uint64_t now, bool may_grow)
{
	(void)counter_prune(counter, now);
	if (may_grow && counter->coarse > 1)
		change_ticks(counter, now, 1);
	if (counter->len < counter->size)
		return 0;
	if (counter->size < (may_grow ? COUNTER_RUNS_MAX : COUNTER_RUNS_LEAST))
		return grow_runs(counter);
	if (counter->coarse < level_of(counter->size))
		change_ticks(counter, now, level_of(counter->size));
	if (counter->len == counter->size) /* impossible; if it happens, a charge should count too
					      long rather than too short */
		join_runs(counter);
	return 0;
}

uint32_t counter_drop_oldest(struct counter *counter)
{
	struct counter_run *runs = runs_of(counter);
	uint32_t amount;

	if (counter->len == 0)
		return 0;
	amount = runs[0].count;
	memmove(runs, runs + 1, --counter->len * sizeof(*runs));
	return amount;
}

void counter_add(struct counter *counter, uint64_t now, uint32_t amount)
{
	add_to_runs(counter, now, amount);
}

int counter_append(struct counter *counter, const struct counter_run *run)
{
	if (counter->len == COUNTER_RUNS_MAX ||
		(counter->len == counter->size && grow_runs(counter) != 0))
		return -1;
	runs_of(counter)[counter->len++] = *run;
	return 0;
}

int counter_seed(struct counter *counter, const struct counter *from, uint64_t now, uint64_t max)
{
	const struct counter_run *runs = counter_runs(from);
	const uint64_t used = counter_used(from, counter->seconds, now);
	uint64_t end, excess = used > max ? used - max : 0;
	uint32_t left_out;

	for (uint8_t i = 0; i < from->len; i++) {
		end = counter_run_end(from, &runs[i]);
		if (end > now)
			end = now;
		if (!is_in_window(end, counter->seconds, now))
			continue;
		left_out = excess < runs[i].count ? (uint32_t)excess : runs[i].count;
		excess -= left_out;
		if (left_out == runs[i].count)
			continue;
		if (counter_make_room(counter, now, true) != 0)
			return -1;
		add_to_runs(counter, end, runs[i].count - left_out);
	}
	return 0;
}
