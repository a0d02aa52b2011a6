#ifndef POSTERN_REGEX_PLAIN_H
#define POSTERN_REGEX_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* The plain syntax of regexes, which PCRE2 and hyperscan read alike. Part of regex_prefilter.c.
 * Thread-safe. */

/* Return whether a regex has the plain syntax: ASCII, no look-around, no back references, no odd
 * escapes or classes. */
bool regex_is_plain(const char *regex, size_t len);

/*
 * Return whether a regex of the plain syntax has a quantifier and requires no text of a few
 * characters. Hyperscan finds others by their text; it merges these into automata, which takes a
 * time that grows much faster than their number. A text in a group or beside | is ignored.
 */
bool regex_plain_is_loose(const char *regex);

#endif
