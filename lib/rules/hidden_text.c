/*
 * Finds and removes the characters of an entry that nobody sees, such as no-break spaces.
 * Stateless; any thread may call it.
 */
#include "lib/rules/hidden_text.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/base/visible.h"

bool hidden_is_space(uint32_t c)
{
	return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
		c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_joiner(uint32_t c)
{
	return c == 0x200c || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f);
}

/* Read the character at text, of which left bytes remain; *len_r is 1 for a byte that is not UTF-8.
 * before is the last visible character, or 0. Returns whether it is hidden. */
static bool read_hidden(const char *text, size_t left, uint32_t *before, uint32_t *c_r,
	size_t *len_r)
{
	*c_r = utf8_read(text, left, len_r);
	if (*len_r == 0) {
		*len_r = 1;
		*before = 0;
		return false;
	}
	if (*c_r < 0x80 || visible_char(*c_r)) {
		*before = *c_r;
		return false;
	}
	return !(is_joiner(*c_r) && *before >= 0x80);
}

bool hidden_find(const char *text, size_t len, uint32_t *c_r)
{
	uint32_t before = 0, c;
	size_t at, c_len;

	if (ascii_is_all(text, len)) /* as in most rows; none of these characters is hidden */
		return false;
	for (at = 0; at < len; at += c_len) {
		if (read_hidden(text + at, len - at, &before, &c, &c_len)) {
			*c_r = c;
			return true;
		}
	}
	return false;
}

bool hidden_in_login(const char *name, size_t len, struct errmsg *why_r)
{
	uint32_t c;

	if (!hidden_find(name, len, &c))
		return false;
	(void)errmsg_set(why_r,
		"contains %s U+%04" PRIX32 ", which the client must send, too; remove it",
		hidden_is_space(c) ? "the white space" : "the invisible character", c);
	return true;
}

bool hidden_remove(char *text)
{
	const size_t len = strlen(text);
	uint32_t before = 0, c;
	size_t at, c_len, n = 0;

	for (at = 0; at < len; at += c_len) {
		if (!read_hidden(text + at, len - at, &before, &c, &c_len)) {
			memmove(text + n, text + at, c_len);
			n += c_len;
		} else if (hidden_is_space(c)) {
			text[n++] = ' ';
		}
	}
	text[n] = '\0';
	return n < len;
}
