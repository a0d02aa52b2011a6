#ifndef POSTERN_REGEX_INDEX_H
#define POSTERN_REGEX_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "lib/match/regex_literal.h"

/*
 * The literals by which the regexes of a list are found. For each regex one of its sets is chosen:
 * the one whose literals the fewest regexes require. Part of regexlist.c. Immutable once it is
 * made.
 */
struct regex_index {
	size_t literal_count;
	const struct regex_literal **literals; /* different ones, of those given; may be dropped */
	/* Literal i selects regexes[starts[i]] to regexes[starts[i + 1] - 1]; maybe none. */
	uint32_t *starts, *regexes;
	size_t regex_count, untested; /* all; and those without literals */
	size_t words;		      /* of a bitmap with a bit for each regex */
	uint64_t *always;	      /* such a bitmap: those without literals */
};

/* Make the index of regexes with these literals, which may be NULL. Returns NULL when out of
 * memory. */
struct regex_index *regex_index_new(const struct regex_literals *const *regexes, size_t count);
void regex_index_free(struct regex_index **index); /* accepts NULL */

/* Free the table of literals, which no longer need to exist. */
void regex_index_drop_literals(struct regex_index *index);

/* Return the memory of the rest. */
size_t regex_index_bytes(const struct regex_index *index);

/* Set the bits of the regexes that a literal selects. */
void regex_index_select(const struct regex_index *index, size_t literal, uint64_t *bits);

#endif
