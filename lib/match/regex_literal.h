#ifndef POSTERN_REGEX_LITERAL_H
#define POSTERN_REGEX_LITERAL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Literals: texts that a regex requires, so that each subject which it matches contains all of
 * them. A search for many texts at once is much faster than one for many regexes, and is prepared
 * much sooner. Part of regexlist.c. Thread-safe.
 */
#define REGEX_LITERAL_MIN 3 /* characters: shorter ones occur in too many subjects */
/* Characters. A longer text is cut into pieces, because hyperscan finds a literal by its last
 * eight: if many end alike, as in a domain, it compares each of them. */
#define REGEX_LITERAL_MAX 8
#define REGEX_LITERALS_FOUND 32 /* of one regex, at most; others are ignored */

struct regex_literal {
	char text[REGEX_LITERAL_MAX]; /* printable ASCII, folded; not terminated */
	uint32_t len;
	uint32_t regexes; /* set by regex_literals_choose(): how many of them require it */
};

struct regex_literals {
	struct regex_literal found[REGEX_LITERALS_FOUND];
	size_t count;
};

/* Find the literals of a regex that PCRE2 has compiled, in the form of regex_dialect_translate(). A
 * literal in an alternative is not found. */
void regex_literals_find(const char *regex, struct regex_literals *literals_r);

/*
 * Choose for each of many regexes the literal that the fewest of them require. A regex may be NULL.
 * The len of a literal is 0 where there is none. Returns 0, or -1 when out of memory.
 */
int regex_literals_choose(const char *const *regexes, size_t count, struct regex_literal *chosen_r);

#endif
