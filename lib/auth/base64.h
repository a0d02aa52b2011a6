#ifndef POSTERN_BASE64_H
#define POSTERN_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

/*
 * Base64 (RFC 4648). Decoding is strict, so that each byte string has exactly one text: white
 * space, characters outside the alphabet, a wrong length and nonzero trailing bits are errors. All
 * functions are thread-safe.
 */

/* The largest number of bytes that len characters decode to. */
#define BASE64_DECODED_MAX(len) ((len) / 4 * 3 + 3)

/* Decode the alphabet of section 4 with padding. Returns 0 with *len_r bytes in out, or -1 with
 * *len_r unchanged. */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t *len_r);

/* As base64_decode(), for the alphabet of section 5 without padding, which JOSE uses (RFC 7515
 * section 2). */
int base64url_decode(const char *text, size_t len, uint8_t *out, size_t *len_r);

/* Append bytes in the alphabet of section 4, with padding. */
void base64_encode(struct strbuf *buf, const void *bytes, size_t len);

#endif
