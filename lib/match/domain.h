#ifndef POSTERN_DOMAIN_H
#define POSTERN_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strmap.h"

#define DOMAIN_SIZE 1024 /* a canonical name with its NUL; longer ones are refused */

/*
 * The one form in which host and domain names are compared: one trailing dot
 * gone, ASCII letters in lower case, U-labels as A-labels (IDNA 2008,
 * non-transitional, RFC 5891; UTS 46 mapping). A label that IDNA does not allow is encoded as it is
 * (punycode_label()) or else keeps its bytes. Does
 * not look whether the name is a possible one: hostile names pass through.
 * Returns the length, or -1 when the result would not fit (nothing is cut).
 */
int domain_canon(const char *name, size_t len, char out[DOMAIN_SIZE]);

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" or a bare address: no name to be looked up. */
bool domain_is_literal(const char *name, size_t len);

/* How the keys of a map write a domain that includes all its subdomains. */
enum domain_key { DOMAIN_PLAIN /* "example.com" */, DOMAIN_DOTTED /* ".example.com" */ };

/*
 * Look a canonical name up in the map: the name itself, then each domain above it down to the last
 * label. Returns whether one is there; *value_r (may be NULL) is the value of the longest.
 */
bool domain_walk(const struct strmap *map, enum domain_key form, const char *name,
	uint32_t *value_r);

#endif
