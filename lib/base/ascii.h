/* ASCII letters alone: what the C library's tolower() does to other bytes depends on the locale. */
#ifndef POSTERN_ASCII_H
#define POSTERN_ASCII_H

#include <stddef.h>

/* A to Z as a to z; any other byte as it is. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* len bytes of text, lowered, to out; both may be the same. Adds no NUL. Thread-safe. */
void ascii_lower_bytes(const char *text, size_t len, char *out);

#endif
