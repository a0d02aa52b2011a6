#ifndef POSTERN_REGEXLIST_H
#define POSTERN_REGEXLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

/*
 * Many regexes tried on one subject: PCRE2 in its JavaScript-like mode, caseless, each by itself.
 * Where the build has hyperscan, it says which of them can match at all.
 * Immutable once finished; then any thread may match, each with a scratch of its own.
 */
struct regexlist;

/*
 * What one decision needs for matching: match data, stacks, and the budget of
 * time for all regexes of the decision. One thread at a time; expensive to make, so keep it.
 */
struct regex_scratch;

#define REGEX_BUDGET_NS UINT64_C(5000000) /* for all regexes of one decision */

/* now_ns: a monotonic clock, or NULL for no budget of time (the match limits hold all the same).
 * NULL when out of memory. */
struct regex_scratch *regex_scratch_new(uint64_t (*now_ns)(void));
void regex_scratch_free(struct regex_scratch **scratch);

/* A new decision begins: its budget is whole. */
void regex_scratch_begin(struct regex_scratch *scratch);

/* anchored: each regex must match the whole subject, as ^(?:regex)$ in JavaScript. NULL when out of
 * memory. */
struct regexlist *regexlist_new(bool anchored);
void regexlist_free(struct regexlist **list);

/*
 * Compile and add a regex; value comes back when it matches (a line, an
 * index). -1 with err set when it can't be compiled: the list is as before.
 */
int regexlist_add(struct regexlist *list, const char *regex, size_t len, uint32_t value,
	struct errmsg *err);

/* No more come. -1 with err set when out of memory. */
int regexlist_finish(struct regexlist *list, struct errmsg *err);

enum regex_result {
	REGEX_NO,
	REGEX_YES,    /* *value_r: the first in the order of adding that matches */
	REGEX_FAILED, /* *value_r: the one that ran past its limits; nothing is known */
};

enum regex_result regexlist_match(const struct regexlist *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *value_r);

size_t regexlist_count(const struct regexlist *list);

/* How many of them hyperscan can't speak for, so that each costs a try. */
size_t regexlist_untested(const struct regexlist *list);

#endif
