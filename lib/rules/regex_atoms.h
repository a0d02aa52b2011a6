#ifndef POSTERN_REGEX_ATOMS_H
#define POSTERN_REGEX_ATOMS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The outermost parts of a regex in JavaScript's dialect, in their order. A text that is no regex
 * gives any. Part of regex_check.c. Thread-safe.
 */
struct regex_atoms {
	const char *at, *end;
};

enum regex_atom {
	ATOM_END,
	ATOM_LITERAL,	  /* one character, which is required; its first byte, if it is not ASCII */
	ATOM_ANCHOR,	  /* ^ or $ */
	ATOM_ALTERNATIVE, /* | */
	ATOM_OTHER,	  /* a group, a class, a dot, or optional */
};

/* Get the next atom with its counts in braces; *literal_r is the character of ATOM_LITERAL. The
 * quantifiers *, + and ? are atoms of their own: ATOM_OTHER. */
enum regex_atom regex_atoms_next(struct regex_atoms *atoms, char *literal_r);

/* Return whether a regex has alternatives outside of groups. */
bool regex_has_alternatives(const char *text, size_t len);

/*
 * Return the next of the alternatives outside of groups (the whole regex if it has only one), or
 * NULL after the last one. *rest must first be the whole regex; its `at` is NULL after the last
 * alternative. len_r may be NULL.
 */
const char *regex_alternative_next(struct regex_atoms *rest, size_t *len_r);

/* Return the content of a regex that is one group, (...) or (?:...); NULL for any other regex. */
const char *regex_in_group(const char *text, size_t len, size_t *len_r);

/* Return the end of the class at p. */
const char *regex_class_end(const char *p, const char *end);

#endif
