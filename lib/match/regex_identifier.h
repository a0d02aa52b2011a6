#ifndef POSTERN_REGEX_IDENTIFIER_H
#define POSTERN_REGEX_IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Return whether a text (UTF-8) is an identifier of JavaScript, as the name of a group must be
 * (ECMA-262, RegExpIdentifierName): ID_Start, $ or _ at its beginning, then also ID_Continue,
 * U+200C and U+200D. Characters that PCRE2's version of Unicode lacks may be in any place.
 * Thread-safe. Returns true when out of memory.
 */
bool regex_identifier_is(const char *text, size_t len);

#endif
