#ifndef POSTERN_DOMAIN_H
#define POSTERN_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strmap.h"

#define DOMAIN_SIZE 1024 /* bytes of a canonical name with its NUL; a longer one is refused */

/*
 * Write the canonical form, in which host and domain names are compared: without one trailing dot,
 * with U+3002, U+FF0E and U+FF61 as dots, ASCII letters in lower case, U-labels as A-labels (IDNA
 * 2008, non-transitional, RFC 5891; UTS 46 mapping). A label that IDNA does not allow is mapped
 * character by character and encoded by punycode_label(), or else keeps its bytes. The name is not
 * validated: hostile names pass through.
 * Returns the length, or -1 when the result would not fit (nothing is cut). Thread-safe.
 */
int domain_canon(const char *name, size_t len, char out[DOMAIN_SIZE]);

/*
 * Write the canonical form of a canonical name whose case is folded as case_fold() does it:
 * strasse.example for xn--strae-oqa.example, which is straße.example. Returns whether it is another
 * name. Thread-safe.
 */
bool domain_fold(const char *name, char out[DOMAIN_SIZE]);

/*
 * domain_canon() takes up to one and a half microseconds for each byte of a domain with a character
 * outside of ASCII. Therefore such domains of all rows of a table may have only this many bytes, so
 * that a load spends one to two seconds on them.
 */
#define DOMAIN_IDN_MAX (1 << 20)

/* Return the bytes of the domain of an entry, which is all that follows its last @, if one of them
 * is outside of ASCII; otherwise 0. */
size_t domain_idn_bytes(const char *entry, size_t len);

/* Return whether the text is an address rather than a name: "[192.0.2.1]", "[IPv6:2001:db8::1]" or
 * without brackets. */
bool domain_is_literal(const char *name, size_t len);

/* Return whether an MTA passes or logs this for a client without a name: "unknown" (Postfix),
 * "[192.0.2.7]" (Sendmail). Thread-safe. */
bool domain_is_placeholder(const char *name);

/* How the keys of a map write a domain that includes all its subdomains. */
enum domain_key { DOMAIN_PLAIN /* "example.com" */, DOMAIN_DOTTED /* ".example.com" */ };

/*
 * Look up a canonical name in the map: the name itself, then each domain above it, ending with the
 * last label. Returns whether the map has one of them; *value_r (may be NULL) is then the value of
 * the longest. Thread-safe.
 */
bool domain_walk(const struct strmap *map, enum domain_key form, const char *name,
	uint32_t *value_r);

#endif
