#ifndef POSTERN_UTF8_H
#define POSTERN_UTF8_H

#include <stddef.h>

/* How many bytes from the start are well-formed UTF-8 (RFC 3629): len when all are. NUL counts as
 * well-formed. */
size_t utf8_valid_len(const char *text, size_t len);

#endif
