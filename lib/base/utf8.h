#ifndef POSTERN_UTF8_H
#define POSTERN_UTF8_H

#include <stddef.h>

/* Count the bytes from the start that are well-formed UTF-8 (RFC 3629): len when all are. NUL is
 * well-formed. Thread-safe. */
size_t utf8_valid_len(const char *text, size_t len);

#endif
