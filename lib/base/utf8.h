#ifndef POSTERN_UTF8_H
#define POSTERN_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Count the bytes from the start that are well-formed UTF-8 (RFC 3629): len when all are. NUL is
 * well-formed. Thread-safe. */
size_t utf8_valid_len(const char *text, size_t len);

/* Return the length of the byte order mark at the beginning of a file's text; 0: there is none.
 * Each file that people write may have one, which does not belong to its content. Thread-safe. */
size_t utf8_mark_len(const char *text, size_t len);

/* Return the character at the start of text, and its length in *len_r; the length is 0 if the bytes
 * are not UTF-8. left is not 0. Thread-safe. */
uint32_t utf8_read(const char *text, size_t left, size_t *len_r);

/* Write the character c, at most U+10FFFF, in 1 to 4 bytes. Returns their number. Thread-safe. */
size_t utf8_write(uint32_t c, char bytes_r[4]);

#endif
