#ifndef POSTERN_REGEX_MARKS_H
#define POSTERN_REGEX_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The characters, and the pairs of adjacent characters, in a text, as bits; several may share one.
 * A regex whose matches all contain "xy" matches no subject that lacks a mark of "xy". Comparing
 * marks takes a nanosecond, trying a regex at least a hundred. A plain value: copy freely. Part of
 * regexlist.c. Thread-safe.
 */
struct regex_marks {
	uint64_t characters, pairs;
};

/* Add the marks of a text. */
void regex_marks_add(struct regex_marks *marks, const char *text, size_t len);

static inline struct regex_marks regex_marks_both(struct regex_marks a, struct regex_marks b)
{
	return (struct regex_marks){ a.characters | b.characters, a.pairs | b.pairs };
}

static inline struct regex_marks regex_marks_common(struct regex_marks a, struct regex_marks b)
{
	return (struct regex_marks){ a.characters & b.characters, a.pairs & b.pairs };
}

static inline bool regex_marks_contain(struct regex_marks all, struct regex_marks some)
{
	return ((some.characters & ~all.characters) | (some.pairs & ~all.pairs)) == 0;
}

#endif
