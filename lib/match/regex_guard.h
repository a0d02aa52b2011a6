#ifndef POSTERN_REGEX_GUARD_H
#define POSTERN_REGEX_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"

/*
 * Append to out the regex, which regex_dialect_translate() wrote, with callouts: "(?C)". They stand
 * where a match continues after it failed elsewhere (after quantifiers and alternatives), in each
 * turn of a loop, and before back references. Between two of them, a match takes a number of steps
 * that grows only linearly with the subject and with the regex, its repeats written out.
 *
 * Three places have none, because ordinary regexes are faster that way. In a short regex that is
 * anchored, or begins with ^, the first quantifier outside of groups multiplies the steps once: by
 * the length of the subject. A short regex that is not anchored has no callout at its beginning.
 * The alternatives outside of groups have none in a regex of up to REGEX_GUARD_FEW_BRANCHES bytes;
 * in a longer one, they would take too long, because each that matches passes over all later ones,
 * step by step. Part of regexlist.c. Thread-safe.
 */
void regex_guard(const char *regex, size_t len, bool anchored, struct strbuf *out);

/*
 * The same with fewer callouts, for a regex that PCRE2 refuses because they make it too large:
 * short groups with a counted repeat, which is written out, have none at their beginning. A match
 * limit must bound the turns of such a group.
 */
void regex_guard_sparsely(const char *regex, size_t len, bool anchored, struct strbuf *out);

/* The longest regex of which one loop has no callout: bytes. */
#define REGEX_GUARD_SHORT 256

/* The longest regex whose alternatives outside of groups have none: bytes. */
#define REGEX_GUARD_FEW_BRANCHES 1024

/* The alternatives of a group that have none: up to so many bytes together, and up to a quarter as
 * many alternatives. Also the longest group that regex_guard_sparsely() spares: bytes. */
#define REGEX_GUARD_BRANCHES 64

#endif
