#ifndef POSTERN_REGEX_DIALECT_H
#define POSTERN_REGEX_DIALECT_H

#include <stddef.h>

#include "lib/base/strbuf.h"

/*
 * Append to out a regex of JavaScript's dialect (ECMA-262, Annex B, without the u flag) as PCRE2
 * has to be given it, where PCRE2's own options don't do: no POSIX classes ([[:digit:]] is a class
 * and a bracket), a hyphen beside \w in a class is itself, escaped letters without a meaning stand
 * for themselves (\Z is Z), "{,3}" is text. Never fails on odd input: PCRE2 says what is wrong with
 * it. Part of regexlist.c.
 */
void regex_dialect_translate(const char *regex, size_t len, struct strbuf *out);

#endif
