#ifndef POSTERN_PUNYCODE_H
#define POSTERN_PUNYCODE_H

#include <stddef.h>

/*
 * The A-label of a label in UTF-8: "xn--" and its Punycode (RFC 3492), ASCII letters folded,
 * variation selectors and the like dropped and nothing else mapped. For labels that IDNA 2008 does
 * not allow but that are registered and mailed from all the same, such as symbols. Writes a NUL and
 * returns the length, or -1: no UTF-8, an ASCII character that is no letter, digit, hyphen or
 * underscore, a wide form of one, ASCII throughout, or size too small. Takes time quadratic in len;
 * len is below DOMAIN_SIZE.
 */
int punycode_label(const char *label, size_t len, char *out, size_t size);

#endif
