/*
 * Finds characters that make a word of an address field look like another one. Stateless; any
 * thread may call it.
 */
#include "lib/match/from_text.h"

#include <string.h>

#include "lib/base/utf8.h"

/* Return whether one of the characters, each of three bytes, is in the text. */
static bool has_wide(const char *text, size_t len, const char *characters)
{
	for (; *characters != '\0'; characters += 3) {
		if (memmem(text, len, characters, 3) != NULL)
			return true;
	}
	return false;
}

bool from_has_wide_at(const char *text, size_t len)
{
	return has_wide(text, len, "\uff20\ufe6b");
}

bool from_has_lookalike(const char *text, size_t len)
{
	return from_has_wide_at(text, len) || has_wide(text, len, "\u3002\uff0e\uff61");
}

bool from_is_routed_word(const char *text, size_t len)
{
	return len > 2 &&
		(memchr(text + 1, '!', len - 2) != NULL || memchr(text + 1, '%', len - 2) != NULL);
}

/* Return whether some readers take the character for white space, or show nothing for it. */
static bool is_invisible(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c <= 0xa0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 ||
		c == 0xfeff;
}

/* Return whether the text contains the beginning and the end of an encoded-word. */
static bool has_encoded(const char *text, size_t len)
{
	const char *encoded = memmem(text, len, "=?", 2), *end = text + len;

	return encoded != NULL && memmem(encoded + 2, (size_t)(end - encoded) - 2, "?=", 2) != NULL;
}

bool from_is_disguised(const char *text, size_t len)
{
	bool is_ascii = true, may_encode = false;
	size_t i, step;

	for (i = 0; i < len; i += step) {
		step = 1;
		if (text[i] >= ' ' && text[i] <= '~') {
			may_encode |= text[i] == '?';
			continue;
		}
		is_ascii = false;
		if (is_invisible(utf8_read(text + i, len - i, &step)) && step > 0)
			return true;
		step += step == 0; /* not UTF-8 */
	}
	return (!is_ascii && from_has_wide_at(text, len)) || (may_encode && has_encoded(text, len));
}
