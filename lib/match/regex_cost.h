#ifndef POSTERN_REGEX_COST_H
#define POSTERN_REGEX_COST_H

#include <stddef.h>
#include <stdint.h>

#define REGEX_COST_MAX (UINT64_C(1) << 40)

/* The least number of bytes that parts of a regex count, also in one that PCRE2 refuses. */
#define REGEX_COST_CHARACTER 5
#define REGEX_COST_DOT 48
#define REGEX_COST_CLASS 40 /* and its text */
#define REGEX_COST_GROUP 15

/*
 * Return the cost of a regex in the form that regex_dialect_translate() gives it: the bytes that
 * PCRE2 needs for it at most, with its repeats written out. Its machine code takes at most 30 times
 * as many. The cost is found from the text, in a time that is proportional to its length.
 * REGEX_COST_MAX: that many or more. The cost of a text that is no regex, or whose groups are
 * nested deeper than PCRE2 allows, is undefined. Part of regexlist.c. Thread-safe.
 */
uint64_t regex_cost_find(const char *regex, size_t len);

#endif
