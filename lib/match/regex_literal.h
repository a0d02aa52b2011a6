#ifndef POSTERN_REGEX_LITERAL_H
#define POSTERN_REGEX_LITERAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/match/regex_marks.h"

/*
 * Literals: texts that a regex requires. They form sets, one for each part of the regex that
 * requires a text. A subject that the regex matches contains at least one literal of each set: the
 * sets of "(news|promo)-.*@spam" are news and promo, and @spam. A search for many texts at once is
 * much faster than trying many regexes. Part of regexlist.c. Thread-safe.
 */
#define REGEX_LITERAL_MIN 3 /* characters: shorter ones occur in too many subjects */
/* Characters. A longer text is cut into pieces, because hyperscan finds a literal by its last
 * eight: if many end alike, as in a domain, it compares each of them. */
#define REGEX_LITERAL_MAX 8
#define REGEX_LITERALS_FOUND 32	   /* of one regex, at most; others are ignored */
#define REGEX_LITERALS_TOGETHER 16 /* in a set, at most; alternatives with more have none */

struct regex_literal {
	char text[REGEX_LITERAL_MAX]; /* printable ASCII, folded; not terminated */
	uint8_t len;
	uint8_t together; /* of the first one in a set: the number of literals in the set */
};

/* One set after another. */
struct regex_literals {
	size_t count;
	struct regex_literal at[];
};

/*
 * Find the literals of a regex that PCRE2 has compiled, in the form of regex_dialect_translate().
 * The caller frees *literals_r, which is NULL if there are none. *marks_r: the marks that each
 * subject has which the regex matches, those of shorter texts included. Returns 0, or -1 when out
 * of memory.
 */
int regex_literals_find(const char *regex, struct regex_literals **literals_r,
	struct regex_marks *marks_r);

/* Return their memory; they may be NULL. */
size_t regex_literals_bytes(const struct regex_literals *literals);

/* Return how many literals the largest of the sets has; they may be NULL. */
size_t regex_literals_largest(const struct regex_literals *literals);

/* Return the length of the shortest literal in the set that begins with this one. */
size_t regex_literal_shortest(const struct regex_literal *first);

#endif
