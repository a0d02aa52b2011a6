/*
 * Text from outside, made visible: control characters, invisible characters and bytes that are not
 * UTF-8 become escapes. Stateless; any thread may call it.
 */
#include "lib/base/visible.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"

/*
 * Unicode 15.1: the categories Cc, Cf, Zs, Zl, Zp and Co, the noncharacters of each plane's middle,
 * and Default_Ignorable_Code_Point; and characters whose shape is empty: U+2800 (a braille pattern
 * without dots), U+16FE4 and U+1D159. Sorted.
 */
static const struct {
	uint32_t first, last;
} invisible[] = {
	{ 0x0000, 0x001f },
	{ 0x007f, 0x00a0 },
	{ 0x00ad, 0x00ad },
	{ 0x034f, 0x034f },
	{ 0x0600, 0x0605 },
	{ 0x061c, 0x061c },
	{ 0x06dd, 0x06dd },
	{ 0x070f, 0x070f },
	{ 0x0890, 0x0891 },
	{ 0x08e2, 0x08e2 },
	{ 0x115f, 0x1160 },
	{ 0x1680, 0x1680 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x2000, 0x200f },
	{ 0x2028, 0x202f },
	{ 0x205f, 0x206f },
	{ 0x2800, 0x2800 },
	{ 0x3000, 0x3000 },
	{ 0x3164, 0x3164 },
	{ 0xd800, 0xf8ff },
	{ 0xfdd0, 0xfdef },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0x110bd, 0x110bd },
	{ 0x110cd, 0x110cd },
	{ 0x13430, 0x1343f },
	{ 0x16fe4, 0x16fe4 },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d159, 0x1d159 },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
	{ 0xf0000, 0x10ffff },
};

bool visible_char(uint32_t c)
{
	size_t low = 0, high = sizeof(invisible) / sizeof(invisible[0]), middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (c > invisible[middle].last)
			low = middle + 1;
		else if (c < invisible[middle].first)
			high = middle;
		else
			return false;
	}
	return (c & 0xfffe) != 0xfffe; /* the last two characters of a plane */
}

static void add_escape(struct strbuf *out, uint32_t c)
{
	if (c < 0x80)
		strbuf_addf(out, "\\x%02x", c);
	else if (c <= 0xffff)
		strbuf_addf(out, "\\u%04x", c);
	else
		strbuf_addf(out, "\\U%08x", c);
}

void visible_add(struct strbuf *out, const char *text, size_t len)
{
	size_t at = 0, plain, char_len;
	uint32_t c;

	strbuf_add(out, "", 0); /* "", not NULL, for an empty text */
	while (at < len) {
		for (plain = at; plain < len && text[plain] >= ' ' && text[plain] <= '~';)
			plain++;
		strbuf_add(out, text + at, plain - at);
		if ((at = plain) == len)
			break;
		c = utf8_read(text + at, len - at, &char_len);
		if (char_len == 0)
			strbuf_addf(out, "\\x%02x", (unsigned char)text[at++]);
		else if (visible_char(c))
			strbuf_add(out, text + at, char_len);
		else
			add_escape(out, c);
		at += char_len;
	}
}

/* Return the length of the escape at the start of text, with its value in *c_r; 0 if there is none.
 * NUL has no escape that could be read. */
static size_t read_escape(const char *text, uint32_t *c_r)
{
	static const char kinds[] = "xuU";
	static const size_t digits[] = { 2, 4, 8 };
	const char *kind = text[0] == '\\' && text[1] != '\0' ? strchr(kinds, text[1]) : NULL;
	char number[9] = "";
	size_t len;

	if (kind == NULL)
		return 0;
	len = digits[kind - kinds];
	if (strspn(text + 2, "0123456789abcdefABCDEF") < len)
		return 0;
	memcpy(number, text + 2, len);
	*c_r = (uint32_t)strtoul(number, NULL, 16);
	return *c_r == 0 || *c_r > 0x10ffff ? 0 : len + 2;
}

void visible_read(struct strbuf *out, const char *text)
{
	char bytes[4];
	uint32_t c;
	size_t len;

	strbuf_add(out, "", 0);
	while (*text != '\0') {
		len = read_escape(text, &c);
		if (len == 0)
			strbuf_add_char(out, *text);
		else if (text[1] == 'x')
			strbuf_add_char(out, (char)c);
		else
			strbuf_add(out, bytes, utf8_write(c, bytes));
		text += len == 0 ? 1 : len;
	}
}
