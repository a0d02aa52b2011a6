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

bool from_has_wide_dot(const char *text, size_t len)
{
	return has_wide(text, len, "\u3002\uff0e\uff61");
}

/* Return whether a ! or % is within the word: old readers take "bank!ceo" for an address. */
static bool is_routed(const char *word, size_t len)
{
	return len > 2 &&
		(memchr(word + 1, '!', len - 2) != NULL || memchr(word + 1, '%', len - 2) != NULL);
}

/* Return whether a dot is within the word, unless it is an abbreviation such as "Ph.D.". */
static bool is_dotted(const char *word, size_t len)
{
	const char *dot = memchr(word, '.', len), *end = word + len, *label = word;

	if (dot == NULL || dot == end - 1)
		return false;
	for (; (dot = memchr(label, '.', (size_t)(end - label))) != NULL; label = dot + 1) {
		if (dot - label > 2)
			return true;
	}
	return label < end;
}

bool from_has_telling_word(const char *text, size_t len)
{
	static const char marks[] = " \t\r\n()<>[]:;,\"";
	const char *end = text + len, *word;

	if (from_has_wide_dot(text, len))
		return true;
	for (; text < end; text++) {
		for (word = text; text < end && memchr(marks, *text, sizeof(marks)) == NULL; text++)
			;
		if (is_routed(word, (size_t)(text - word)) ||
			is_dotted(word, (size_t)(text - word)))
			return true;
	}
	return false;
}

bool from_has_any(const char *text, size_t len, const char *characters)
{
	for (; len > 0; text++, len--) {
		if (*text != '\0' && strchr(characters, *text) != NULL)
			return true;
	}
	return false;
}

bool from_has_control(const char *text, size_t len)
{
	uint32_t c;
	size_t i, step;

	for (i = 0; i < len; i += step + (step == 0)) {
		c = utf8_read(text + i, len - i, &step);
		if (step == 1 && ((c < ' ' && strchr("\t\r\n", (int)c) == NULL) || c == '\0'))
			return true;
		if (step > 0 && ((c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029))
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

bool from_is_disguised(const char *text, size_t len)
{
	bool is_ascii = true;
	size_t i, step;

	for (i = 0; i < len; i += step) {
		step = 1;
		if (text[i] >= ' ' && text[i] <= '~')
			continue;
		is_ascii = false;
		if (is_invisible(utf8_read(text + i, len - i, &step)) && step > 0)
			return true;
		step += step == 0; /* not UTF-8 */
	}
	return (!is_ascii && from_has_wide_at(text, len)) || memmem(text, len, "=?", 2) != NULL;
}
