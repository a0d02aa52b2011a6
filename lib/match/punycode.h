#ifndef POSTERN_PUNYCODE_H
#define POSTERN_PUNYCODE_H

#include <stddef.h>

/*
 * Write the A-label of a label in UTF-8: "xn--" and its Punycode (RFC 3492). ASCII letters become
 * lower case, variation selectors and the like are dropped, and nothing else is mapped. This serves
 * labels that IDNA 2008 does not allow but that are registered and used in mail nevertheless, such
 * as symbols. Writes a NUL and returns the length, or -1 when the label is not UTF-8, is all ASCII,
 * contains an ASCII character other than letters, digits, hyphen and underscore or a wide form of
 * one, or when size is too small. The time is quadratic in len, which is below DOMAIN_SIZE.
 * Thread-safe.
 */
int punycode_label(const char *label, size_t len, char *out, size_t size);

#endif
