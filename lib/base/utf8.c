/*
 * UTF-8: validation, and reading and writing a character.
 * Stateless; any thread may call it.
 */
#include "lib/base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Return the length of the sequence at s, or 0 when it is ill-formed (RFC 3629 section 4). */
static size_t sequence_len(const unsigned char *s, size_t left)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	size_t i;

	if (len == 0 || len > left || s[0] > 0xf4)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90))
		return 0; /* an overlong form */
	if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0; /* a surrogate, or past U+10FFFF */
	return len;
}

size_t utf8_write(uint32_t c, char bytes_r[4])
{
	static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	const size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = len - 1; i > 0; i--) {
		bytes_r[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	bytes_r[0] = (char)(leads[len] | c);
	return len;
}

/* Return whether eight bytes are ASCII. */
static bool are_ascii(const unsigned char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return (word & UINT64_C(0x8080808080808080)) == 0;
}

size_t utf8_valid_len(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t at = 0, step;

	while (at < len) {
		while (len - at >= 8 && are_ascii(s + at))
			at += 8;
		while (at < len && s[at] < 0x80)
			at++;
		if (at == len)
			break;
		if ((step = sequence_len(s + at, len - at)) == 0)
			break;
		at += step;
	}
	return at;
}

size_t utf8_mark_len(const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* U+FEFF */
	const size_t size = sizeof(mark) - 1;

	return len >= size && memcmp(text, mark, size) == 0 ? size : 0;
}

uint32_t utf8_read(const char *text, size_t left, size_t *len_r)
{
	const unsigned char *s = (const unsigned char *)text;
	const size_t len = sequence_len(s, left);
	uint32_t c = len <= 1 ? s[0] : s[0] & (0x7fU >> len);

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3f);
	*len_r = len;
	return len == 0 ? 0 : c;
}
