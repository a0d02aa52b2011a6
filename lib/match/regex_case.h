#ifndef POSTERN_REGEX_CASE_H
#define POSTERN_REGEX_CASE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Case in JavaScript's regexes with the flag i and without the flag u: two characters are equal if
 * Canonicalize() of ECMA-262 (22.2.2.7.3) gives the same for both. That is the simple upper case,
 * but no character outside of ASCII becomes one of ASCII. Characters past U+FFFF have no case.
 * Here, an ASCII letter stands for itself in lower case. Part of regexlist.c. Thread-safe.
 */
uint32_t regex_case_fold(uint32_t c);

/* A run of characters with an equivalent: first, first + step, ..., last; each plus delta. */
struct regex_case_run {
	uint16_t first, last, step;
	int32_t delta;
};

/* The runs outside of ASCII, in order; at most one contains a character. */
extern const struct regex_case_run regex_case_runs[];
extern const size_t regex_case_run_count;

#endif
