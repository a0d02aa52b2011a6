/*
 * Text in buffers and in parts, cut between two characters of UTF-8.
 * Stateless; any thread may call it.
 */
#include "lib/base/text.h"

#include <stdio.h>

/* Return len without the bytes of a character that has begun, but not ended, before it. Bytes that
 * are not UTF-8 count as characters. */
static size_t whole_len(const char *text, size_t len)
{
	size_t start = len, want;
	unsigned char lead;

	while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return len;
	lead = (unsigned char)text[start - 1];
	want = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	return len - (start - 1) < want ? start - 1 : len;
}

int text_vformat(char *text_r, size_t size, const char *format, va_list args)
{
	const int len = vsnprintf(text_r, size, format, args);

	if (len > 0 && size > 0 && (size_t)len >= size)
		text_r[whole_len(text_r, size - 1)] = '\0';
	return len;
}

int text_format(char *text_r, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = text_vformat(text_r, size, format, args);
	va_end(args);
	return len;
}

size_t text_copy(char *text_r, size_t size, const char *text)
{
	const size_t len = strlen(text), shown = text_fit(text, len, size - 1);

	memcpy(text_r, text, shown);
	text_r[shown] = '\0';
	return len;
}

size_t text_fit(const char *text, size_t len, size_t max)
{
	return len <= max ? len : whole_len(text, max);
}

void text_remove(char *text, size_t n)
{
	memmove(text, text + n, strlen(text + n) + 1);
}
