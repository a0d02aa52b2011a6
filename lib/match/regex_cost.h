#ifndef POSTERN_REGEX_COST_H
#define POSTERN_REGEX_COST_H

#include <stddef.h>
#include <stdint.h>

/*
 * The cost of a regex with its repeats written out, as regex compilers see it, found from its text
 * in a time that is proportional to the length of the text. A plain value; numbers that do not fit
 * are REGEX_COST_MAX.
 */
#define REGEX_COST_MAX (UINT64_C(1) << 40)

struct regex_cost {
	uint64_t bytes;	    /* that PCRE2 needs for it, at most */
	uint64_t positions; /* characters and classes: states of an automaton */
	uint64_t repeated;  /* those of them that its repeats add to those of its text */
	uint64_t edges;	    /* pairs of positions of which one can follow the other */
};

/*
 * Determine the cost of a regex in the form that regex_dialect_translate() gives it. A text that
 * is no regex, or whose groups are nested deeper than PCRE2 allows, gets any cost. Part of
 * regexlist.c. Thread-safe.
 */
void regex_cost_find(const char *regex, size_t len, struct regex_cost *cost_r);

#endif
