#ifndef POSTERN_TEXT_H
#define POSTERN_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/*
 * Text in buffers and in parts, always cut between two characters of UTF-8 (RFC 3629), because half
 * a character would make the whole text unusable in JSON. Stateless; any thread may call it.
 */

/*
 * As snprintf() and vsnprintf(), with the same result, but a text that does not fit is cut after
 * its last whole character.
 */
int text_format(char *text_r, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int text_vformat(char *text_r, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* The same as text_format() with "%s", at a tenth of its cost. size is at least 1. */
size_t text_copy(char *text_r, size_t size, const char *text);

/* Return how many of the first len bytes to show if at most max fit: all, or those of the last
 * whole character. */
size_t text_fit(const char *text, size_t len, size_t max);

/* Remove the first n bytes of a string, which has as many. */
void text_remove(char *text, size_t n);

/* The two arguments of "%.*s" that show at most max bytes of a string, or of len bytes. */
#define TEXT_CUT(text, max) TEXT_CUT_LEN((text), strnlen((text), (size_t)(max) + 1), (max))
#define TEXT_CUT_LEN(text, len, max) (int)text_fit((text), (len), (max)), (text)

#endif
