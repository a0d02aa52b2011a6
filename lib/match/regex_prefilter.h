#ifndef POSTERN_REGEX_PREFILTER_H
#define POSTERN_REGEX_PREFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/match/regex_budget.h"
#include "lib/match/regex_cost.h"
#include "lib/match/regex_literal.h"

/*
 * Determines in one pass which of many regexes can match a subject: never too few, maybe too many.
 * Most are found by a literal (regex_literal.h). Of the others, only those of the plain syntax
 * (regex_plain.h) take part, by hyperscan's prefilter mode, up to a size that bounds hyperscan's
 * work, because nothing can interrupt it. In a build or on a processor without hyperscan, none
 * takes part. One thread builds a prefilter; then it is immutable, and any thread may scan with its
 * own scratch. Part of regexlist.c.
 */
struct regex_prefilter;
struct regex_prefilter_scratch;

/*
 * Return whether a regex of this cost may take part. Hyperscan's work depends most of all on the
 * positions that repeats add; each costs up to half a millisecond.
 */
#define PREFILTER_POSITIONS_MAX 4096
#define PREFILTER_REPEATED_MAX 128
#define PREFILTER_EDGES_MAX 4096
bool regex_prefilter_bears(const struct regex_cost *cost);

/* Return what a regex adds to the bound of a whole list, PREFILTER_LIST_MAX: nothing if its repeats
 * are short. */
#define PREFILTER_LIST_MAX 2048
uint64_t regex_prefilter_load(const struct regex_cost *cost);

/* Return whether a prefilter of so many regexes is possible here and saves anything. */
bool regex_prefilter_helps(size_t count);

/* Make a prefilter without regexes. Returns NULL when out of memory. */
struct regex_prefilter *regex_prefilter_new(bool anchored);
void regex_prefilter_free(struct regex_prefilter **prefilter); /* accepts NULL */

/*
 * Add the next regexes by their literals, up to a number that takes some tenths of a second. Those
 * without literals (len 0) do not take part yet. Sets takes_part[i] for each regex that now
 * takes part. Returns the index of the first regex that it did not reach; count at the end.
 */
size_t regex_prefilter_add_literals(struct regex_prefilter *prefilter,
	const struct regex_literal *literals, size_t from, size_t count, bool *takes_part);

/*
 * Compile the next regexes, up to a size that takes a few seconds at worst. Those that do not take
 * part are NULL; costs are those of the others. The rest is as above.
 */
size_t regex_prefilter_add(struct regex_prefilter *prefilter, const char *const *regexes,
	const struct regex_cost *costs, size_t from, size_t count, bool *takes_part);

/* Return its memory. */
size_t regex_prefilter_bytes(const struct regex_prefilter *prefilter);

struct regex_prefilter_scratch *regex_prefilter_scratch_new(void); /* NULL when out of memory */
void regex_prefilter_scratch_free(struct regex_prefilter_scratch **scratch);

/*
 * Set the bit of each regex that may match. subject is ASCII without NUL. Returns 0, or -1 when the
 * scan failed, or the budget is spent, or the scratch must still be prepared for a part of a large
 * prefilter, which later scans do: then any regex may match.
 */
int regex_prefilter_scan(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, struct regex_budget *budget, const char *subject,
	size_t len, uint64_t *bits);

#endif
