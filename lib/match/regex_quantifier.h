#ifndef POSTERN_REGEX_QUANTIFIER_H
#define POSTERN_REGEX_QUANTIFIER_H

#include <stdbool.h>

/* The quantifiers of regexes: *, +, ? and braces. Part of regex_dialect.c. */

/* Return the position after "{n}", "{n,}" or "{n,m}" at p, or NULL if p is ordinary text. */
const char *regex_quantifier_braces_end(const char *p, const char *end);

/* Return whether there is a quantifier at p. */
bool regex_quantifier_follows(const char *p, const char *end);

/* Return whether the quantifier at p allows its item to be left out. */
bool regex_quantifier_is_optional(const char *p);

/* Return whether the quantifier at p requires its item to be left out, as {0} and {0,0} do. */
bool regex_quantifier_is_nothing(const char *p);

#endif
