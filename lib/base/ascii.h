#ifndef POSTERN_ASCII_H
#define POSTERN_ASCII_H

#include <stdbool.h>
#include <stddef.h>

/*
 * ASCII text. Case folding is of ASCII letters only, because the effect of the C library's
 * tolower() on other bytes depends on the locale.
 */

/* A to Z become a to z; other bytes are unchanged. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The value of a hexadecimal digit in either case; -1 for any other byte. */
static inline int ascii_hex_digit(char c)
{
	const char lower = ascii_lower(c);

	return c >= '0' && c <= '9'	     ? c - '0' :
		lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 :
					       -1;
}

/* Write len bytes of text to out in lower case; out may be text. Adds no NUL. Thread-safe. */
void ascii_lower_bytes(const char *text, size_t len, char *out);

/* Return whether len bytes of text are ASCII. Thread-safe. */
bool ascii_is_all(const char *text, size_t len);

#endif
