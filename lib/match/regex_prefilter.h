#ifndef POSTERN_REGEX_PREFILTER_H
#define POSTERN_REGEX_PREFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/match/regex_budget.h"
#include "lib/match/regex_literal.h"

/*
 * Determines in one pass which of many regexes can match a subject: never too few, maybe too many.
 * It searches for the texts that they require (regex_literal.h) with hyperscan. In a build or on a
 * processor without it, there are no prefilters. One thread makes a prefilter; then it is
 * immutable, and any thread may scan with its own scratch. Part of regexlist.c.
 */
struct regex_prefilter;
struct regex_prefilter_scratch;

/* Return whether a prefilter of so many regexes is possible here and saves anything. */
bool regex_prefilter_helps(size_t count);

/* Begin a prefilter of regexes with these literals, which live until it is made; NULL: the regex
 * has none, and is selected always. Returns NULL when out of memory. */
struct regex_prefilter *regex_prefilter_new(const struct regex_literals *const *regexes,
	size_t count);
void regex_prefilter_free(struct regex_prefilter **prefilter); /* accepts NULL */

/* Prepare the search for the next texts, which takes some tenths of a second. */
enum regex_prefilter_step {
	REGEX_PREFILTER_CONTINUES,
	REGEX_PREFILTER_IS_MADE,
	REGEX_PREFILTER_FAILED, /* out of memory */
};

enum regex_prefilter_step regex_prefilter_make(struct regex_prefilter *prefilter);

/* Return how many regexes are selected always. */
size_t regex_prefilter_untested(const struct regex_prefilter *prefilter);

/* Return its memory. */
size_t regex_prefilter_bytes(const struct regex_prefilter *prefilter);

struct regex_prefilter_scratch *regex_prefilter_scratch_new(void); /* NULL when out of memory */
void regex_prefilter_scratch_free(struct regex_prefilter_scratch **scratch);

/*
 * Set bits to those of the regexes that may match; the other bits of its words become 0. The first
 * scan with a scratch prepares that for the prefilter, which is not charged to the budget. Returns
 * 0, or -1 when the scan failed: then any regex may match.
 */
int regex_prefilter_scan(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, struct regex_budget *budget, const char *subject,
	size_t len, uint64_t *bits);

#endif
