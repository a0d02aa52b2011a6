#ifndef POSTERN_REGEX_DIALECT_H
#define POSTERN_REGEX_DIALECT_H

#include <stddef.h>

#include "lib/base/strbuf.h"

/*
 * Append to out the PCRE2 form of a regex in JavaScript's dialect (ECMA-262, Annex B, without the u
 * flag), as far as PCRE2's own options are not enough: POSIX classes do not exist ([[:digit:]] is a
 * class and a bracket), a hyphen next to \w in a class is literal, an escaped letter without a
 * meaning is that letter (\Z is Z), and "{,3}" is text. Odd input never fails here: PCRE2 reports
 * what is wrong with it. Part of regexlist.c. Thread-safe.
 */
void regex_dialect_translate(const char *regex, size_t len, struct strbuf *out);

#endif
