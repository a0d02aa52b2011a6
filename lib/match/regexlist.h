#ifndef POSTERN_REGEXLIST_H
#define POSTERN_REGEXLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/match/regex_budget.h"

/*
 * A list of regexes that are tried on one subject, each by itself, caseless, in JavaScript's
 * dialect. Reference-counted. Once it is finished, its answers never change; then any thread may
 * match, each with its own scratch.
 *
 * A finished list is interpreted by PCRE2, without the regexes that require a character, or two
 * adjacent ones, which the subject lacks. regexlist_prepare() makes it faster: it compiles the
 * regexes to machine code and, if the build includes hyperscan, makes a prefilter that searches a
 * subject for the texts which the regexes require, and selects those that can match at all. Because
 * this can take long, it is done in steps, beside the matching threads.
 */
struct regexlist;

/*
 * The working memory of one decision: match data, stacks, and the time budget of all its regexes.
 * One thread at a time. It is expensive to make, so keep it.
 */
struct regex_scratch;

#define REGEX_MAX 4096 /* bytes of one regex */

/* Regexes of more bytes (see regexlist_bytes()) get no machine code, which takes about ten times as
 * much. */
#define REGEX_MACHINE_CODE_MAX 16384

/*
 * The prefilter of a list searches for so many texts, which take up to 10 s to prepare and 100 MiB.
 * Each regex counts as many as its largest set of alternative texts has, mostly one, so that the
 * bound of regexlist_bytes() is reached first, unless many have several.
 */
#define REGEX_TEXTS_MAX 250000

/* clock: lives as long as the scratch, or NULL for no time budget (the match limits always apply).
 * Returns NULL when out of memory. */
struct regex_scratch *regex_scratch_new(const struct regex_clock *clock);
void regex_scratch_free(struct regex_scratch **scratch); /* accepts NULL */

/* Let each match with the scratch make at most so many steps, if that is less than usual. A step
 * takes up to some tenths of a microsecond. */
void regex_scratch_limit(struct regex_scratch *scratch, uint32_t steps);

/* Begin a new decision with a full budget. */
void regex_scratch_begin(struct regex_scratch *scratch);

/* anchored: each regex must match the whole subject, like ^(?:regex)$ in JavaScript. Returns NULL
 * when out of memory. */
struct regexlist *regexlist_new(bool anchored);
struct regexlist *regexlist_ref(struct regexlist *list);
void regexlist_unref(struct regexlist **list); /* accepts NULL */

/*
 * Regexes by their text, so that lists which contain the same ones need not compile them again. One
 * thread at a time.
 */
struct regex_pool;

struct regex_pool *regex_pool_new(void);	/* NULL when out of memory */
void regex_pool_free(struct regex_pool **pool); /* accepts NULL */

/* Add the regexes of a list to a pool. Returns 0, or -1 when out of memory. */
int regex_pool_add(struct regex_pool *pool, const struct regexlist *list);

/* Let regexlist_add() look for regexes in the pool, and add new ones to it, until
 * regexlist_finish(). */
void regexlist_use_pool(struct regexlist *list, struct regex_pool *pool);

/*
 * Compile and add a regex; regexlist_match() returns value (a line, an index) when it matches. If
 * the regex is not added, err is set, and the list only counts the cost of the attempt.
 */
enum regex_added {
	REGEX_ADDED,
	REGEX_REFUSED, /* it is no regex of the dialect, or too large */
	REGEX_OUT_OF_MEMORY,
};

enum regex_added regexlist_add(struct regexlist *list, const char *regex, size_t len,
	uint32_t value, struct errmsg *err);

/*
 * Finish the list. Returns 0, or -1 with err set when out of memory. previous: a finished list, or
 * NULL. If its regexes are the same, in the same order, and come from the same pool, both lists
 * share what regexlist_prepare() makes. Values may differ.
 */
int regexlist_finish(struct regexlist *list, const struct regexlist *previous, struct errmsg *err);

enum regex_result {
	REGEX_NO,
	REGEX_YES,    /* *value_r: the value of the first match, in the order of adding */
	REGEX_FAILED, /* *value_r: of the regex that exceeded its limits; the result is unknown */
};

enum regex_result regexlist_match(const struct regexlist *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *value_r);

/* Return a number that is higher for a list made later. */
uint64_t regexlist_serial(const struct regexlist *list);

size_t regexlist_count(const struct regexlist *list);

/*
 * Return the largest number of bytes that PCRE2 needs for the list, which also measures the cost of
 * adding and preparing its regexes. A regex that PCRE2 refused counts, too. The number does not
 * depend on the machine, and nothing is compiled to find it.
 */
uint64_t regexlist_bytes(const struct regexlist *list);

/*
 * Return how much this regex would add to regexlist_bytes() of such a list, if it is not refused.
 * If that is more than max, the result may be any number above max: the time that this takes is
 * bounded by max, too.
 */
uint64_t regexlist_bytes_of(const char *regex, size_t len, bool anchored, uint64_t max);

/* Return whether the regex that was added last stays slower than others, because it is too large
 * for machine code. Sets *why_r then. */
bool regexlist_is_costly(const struct regexlist *list, struct errmsg *why_r);

/* Return how many regexes the prefilter does not find, because those before them have
 * REGEX_TEXTS_MAX texts. */
size_t regexlist_past_texts(const struct regexlist *list);

/* Return whether regexes can be compiled to machine code in this process, which a system may
 * forbid. */
bool regexlist_has_machine_code(void);

/*
 * Prepare a finished list, one step of some tenths of a second at a time. Changes no
 * answer. Returns whether another step is needed. One thread at a time may prepare a list, while
 * others match.
 */
bool regexlist_prepare(struct regexlist *list);

/* Return whether the list needs no further step. Any thread. */
bool regexlist_is_prepared(const struct regexlist *list);

/* The size of a list, and what its preparation cost. Regexes that it shares with other lists count
 * in each of them. */
struct regexlist_size {
	size_t regexes;
	size_t interpreted;   /* without machine code */
	size_t untested;      /* see regexlist_untested() */
	uint64_t bytes;	      /* of the compiled regexes and the prefilter */
	uint64_t prepared_ns; /* processor time of regexlist_prepare(): see regexlist_add_time() */
};

/* Any thread. */
void regexlist_measure(const struct regexlist *list, struct regexlist_size *size_r);

/* Add to prepared_ns, because the library reads no clock. Any thread. */
void regexlist_add_time(struct regexlist *list, uint64_t ns);

/* Return how many regexes are tried on every subject that has the characters which they require,
 * because the prefilter is not prepared or they require no text. Any thread. */
size_t regexlist_untested(const struct regexlist *list);

#endif
