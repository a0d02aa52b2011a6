#ifndef POSTERN_BASE64_H
#define POSTERN_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

/*
 * Base64 (RFC 4648). Decoding is strict: one text for one byte string. White space, foreign
 * characters, a wrong length and bits that belong to no byte are refused. Thread-safe, allocates
 * nothing but what strbuf does.
 */

/* Room that decoding a text of len characters needs at most. */
#define BASE64_DECODED_MAX(len) ((len) / 4 * 3 + 3)

/* The alphabet of section 4, with its padding. 0 with *len_r bytes in out, or -1; *len_r is set on
 * success alone. */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t *len_r);

/* The alphabet of section 5 without padding, as JOSE writes it (RFC 7515 section 2). As
 * base64_decode(). */
int base64url_decode(const char *text, size_t len, uint8_t *out, size_t *len_r);

/* Append bytes in the alphabet of section 4, with padding. */
void base64_encode(struct strbuf *buf, const void *bytes, size_t len);

#endif
