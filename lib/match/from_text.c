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

bool from_has_any(const char *text, const char *end, const char *characters)
{
	const char *c;

	for (; text < end; text++) {
		for (c = characters; *c != '\0'; c++) {
			if (*text == *c)
				return true;
		}
	}
	return false;
}

bool from_has_control(const char *text, const char *end)
{
	for (; text < end; text++) {
		if (((unsigned char)*text < ' ' && *text != '\t' && *text != '\r' &&
			    *text != '\n') ||
			*text == 0x7f)
			return true;
	}
	return false;
}

/* The characters that some readers take for white space, or for which they show nothing (Unicode's
 * Default_Ignorable_Code_Point, white space and blank letters). */
static const struct {
	uint32_t first, last;
} invisible[] = { { 0, 0x1f }, { 0x7f, 0xa0 }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c },
	{ 0x115f, 0x1160 }, { 0x1680, 0x1680 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f }, { 0x2800, 0x2800 },
	{ 0x3000, 0x3000 }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff } };

static bool is_invisible(uint32_t c)
{
	size_t i;

	for (i = 0; i < sizeof(invisible) / sizeof(invisible[0]) && c >= invisible[i].first; i++) {
		if (c <= invisible[i].last)
			return true;
	}
	return false;
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
