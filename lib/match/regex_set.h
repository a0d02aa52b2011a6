#ifndef POSTERN_REGEX_SET_H
#define POSTERN_REGEX_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/match/regex_budget.h"
#include "lib/match/regex_prefilter.h"
#include "lib/match/regex_shared.h"
#include "lib/match/regex_subject.h"

/*
 * The regexes of one list in their order, with what makes them fast together. Reference-counted,
 * because a list that is read again usually has the same regexes. One thread fills a set; then any
 * thread may select, and one thread at a time prepares it meanwhile. Part of regexlist.c.
 */
struct regex_set;

struct regex_set *regex_set_new(void); /* NULL when out of memory */
struct regex_set *regex_set_ref(struct regex_set *set);
void regex_set_unref(struct regex_set **set); /* accepts NULL */

/* Add a regex, of which the set takes over the reference. Returns 0, or -1 when out of memory: then
 * the caller keeps it. Once the prefilter has REGEX_TEXTS_MAX texts, later regexes are not found by
 * theirs. */
int regex_set_add(struct regex_set *set, struct shared_regex *regex);

size_t regex_set_count(const struct regex_set *set);
struct shared_regex *regex_set_at(const struct regex_set *set, size_t i);

size_t regex_set_past_texts(const struct regex_set *set);

/* Return whether both have the same regexes in the same order. */
bool regex_set_equal(const struct regex_set *a, const struct regex_set *b);

/* Finish the set, which gets no more regexes. Returns 0, or -1 when out of memory. */
int regex_set_finish(struct regex_set *set);

/* The functions of the same names in regexlist.h. */
bool regex_set_prepare(struct regex_set *set);
bool regex_set_is_prepared(const struct regex_set *set);
size_t regex_set_untested(const struct regex_set *set);
void regex_set_measure(const struct regex_set *set, struct regexlist_size *size_r);
void regex_set_add_time(struct regex_set *set, uint64_t ns);

/* Return how many words of 64 bits there are with one bit for each regex. */
size_t regex_set_words(const struct regex_set *set);

/* Set the bits of the regexes that must be tried on a subject. */
void regex_set_select(const struct regex_set *set, struct regex_prefilter_scratch *scratch,
	struct regex_budget *budget, const struct regex_subject *subject, uint64_t *bits);

#endif
