#ifndef POSTERN_ADDRESS_PRIVATE_H
#define POSTERN_ADDRESS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

/* Shared by address.c and address_readings.c. Thread-safe. */

/* Return whether a local part is a dot-string (RFC 5321), which needs no quotes. */
bool address_is_dot_string(const char *text, size_t len);

/* Return whether a domain is a name or a literal without a character that some MTA interprets. */
bool address_is_clear_domain(const char *text, size_t len);

/* Write the canonical form of a domain to out, which has DOMAIN_SIZE bytes. Returns its length, or
 * -1 when it is too long. */
int address_canon_domain(const char *domain, size_t domain_len, char *out, bool *is_literal_r);

/* address_base_len() of a local part without quotes. A NUL ends it or the text that follows it;
 * delimiters is not empty. */
size_t address_local_base_len(const char *local, size_t local_len, const char *delimiters);

#endif
