#ifndef POSTERN_DOMAIN_H
#define POSTERN_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

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

/* The name after the first dot of a canonical name, or NULL when there is no dot. */
const char *domain_parent(const char *name);

#endif
