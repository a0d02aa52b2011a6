#ifndef POSTERN_REGEXLIST_H
#define POSTERN_REGEXLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

/*
 * A list of regexes that are tried on one subject, each by itself, caseless, in JavaScript's
 * dialect. If the build includes hyperscan, it first selects those that can match at all. Immutable
 * once finished; then any thread may match, each with its own scratch.
 */
struct regexlist;

/*
 * The working memory of one decision: match data, stacks, and the time budget of all its regexes.
 * One thread at a time. It is expensive to make, so keep it.
 */
struct regex_scratch;

#define REGEX_BUDGET_NS UINT64_C(5000000) /* for all regexes of one decision */

/* now_ns: a monotonic clock, or NULL for no time budget (the match limits always apply). Returns
 * NULL when out of memory. */
struct regex_scratch *regex_scratch_new(uint64_t (*now_ns)(void));
void regex_scratch_free(struct regex_scratch **scratch); /* accepts NULL */

/* Begin a new decision with a full budget. */
void regex_scratch_begin(struct regex_scratch *scratch);

/* anchored: each regex must match the whole subject, like ^(?:regex)$ in JavaScript. Returns NULL
 * when out of memory. */
struct regexlist *regexlist_new(bool anchored);
void regexlist_free(struct regexlist **list); /* accepts NULL */

/*
 * Compile and add a regex; regexlist_match() returns value (a line, an index) when it matches. -1
 * with err set, and the list unchanged, when it cannot be compiled.
 */
int regexlist_add(struct regexlist *list, const char *regex, size_t len, uint32_t value,
	struct errmsg *err);

/* Finish the list. Returns 0, or -1 with err set when out of memory. */
int regexlist_finish(struct regexlist *list, struct errmsg *err);

enum regex_result {
	REGEX_NO,
	REGEX_YES,    /* *value_r: the value of the first match, in the order of adding */
	REGEX_FAILED, /* *value_r: of the regex that exceeded its limits; the result is unknown */
};

enum regex_result regexlist_match(const struct regexlist *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *value_r);

size_t regexlist_count(const struct regexlist *list);

/* Return how many regexes are always tried because they do not take part in the prefilter. */
size_t regexlist_untested(const struct regexlist *list);

#endif
