/*
 * Makes the marks of texts, by which a list leaves out regexes that cannot match. Stateless; any
 * thread may call it. t/unit/test_regex_marks.c covers it.
 */
#include "lib/match/regex_marks.h"

/* Return the bit of a character. Each folded ASCII character has its own, except for some
 * punctuation. */
static unsigned bit_of(char character)
{
	const unsigned c = (unsigned char)character;

	return (c & 0x1f) | (~c >> 1 & 0x20);
}

void regex_marks_add(struct regex_marks *marks, const char *text, size_t len)
{
	uint64_t characters = 0, pairs = 0;
	unsigned bit, before = 0;

	for (size_t i = 0; i < len; i++) {
		bit = bit_of(text[i]);
		characters |= UINT64_C(1) << bit;
		if (i > 0)
			pairs |= UINT64_C(1) << (before * 29 + bit) % 64;
		before = bit;
	}
	marks->characters |= characters;
	marks->pairs |= pairs;
}
