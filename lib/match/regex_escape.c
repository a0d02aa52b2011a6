/*
 * Reads the characters, escapes and group names of regexes in JavaScript's dialect. Stateless; any
 * thread may call it.
 */
#include "lib/match/regex_escape.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/match/regex_class.h"
#include "lib/match/regex_identifier.h"

const char *regex_escape_read_char(const char *p, const char *end, uint32_t *c_r)
{
	unsigned char lead = (unsigned char)*p;
	size_t len = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4, i;
	uint32_t c = len == 1 ? lead : lead & (0x7fU >> len);

	if ((size_t)(end - p) < len || utf8_valid_len(p, len) != len) {
		*c_r = REGEX_MAX_CODE + 1 + lead;
		return p + 1;
	}
	for (i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3fU);
	*c_r = c;
	return p + len;
}

static bool read_hex(const char *p, const char *end, int digits, uint32_t *c_r)
{
	uint32_t c = 0;
	int i;

	if (end - p < digits)
		return false;
	for (i = 0; i < digits; i++) {
		const int digit = ascii_hex_digit(p[i]);

		if (digit < 0)
			return false;
		c = c << 4 | (uint32_t)digit;
	}
	*c_r = c;
	return true;
}

/* Read "\uXXXX" or "\uXXXX\uXXXX" after its first u. Returns the position after it. */
static const char *read_unicode(const char *p, const char *end, uint32_t *c_r)
{
	uint32_t low;

	if (!read_hex(p, end, 4, c_r)) {
		*c_r = 'u';
		return p;
	}
	p += 4;
	if (*c_r >= 0xd800 && *c_r <= 0xdbff && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
		read_hex(p + 2, end, 4, &low) && low >= 0xdc00 && low <= 0xdfff) {
		*c_r = 0x10000 + ((*c_r - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	return p;
}

/* Read up to three octal digits, at most \377. */
static const char *read_octal(const char *p, const char *end, uint32_t *c_r)
{
	const char *stop = end - p > (*p <= '3' ? 3 : 2) ? p + (*p <= '3' ? 3 : 2) : end;
	uint32_t c = 0;

	for (; p < stop && *p >= '0' && *p <= '7'; p++)
		c = c << 3 | (uint32_t)(*p - '0');
	*c_r = c;
	return p;
}

const char *regex_escape_read(const char *p, const char *end, bool in_class, uint32_t *c_r)
{
	static const char letters[] = "fnrtv", values[] = "\f\n\r\t\v";
	const char *letter;

	if (*p >= '0' && *p <= '7')
		return read_octal(p, end, c_r);
	if (*p != '\0' && (letter = strchr(letters, *p)) != NULL) {
		*c_r = (uint32_t)values[letter - letters];
		return p + 1;
	}
	if (*p == 'u')
		return read_unicode(p + 1, end, c_r);
	if (*p == 'x' && read_hex(p + 1, end, 2, c_r))
		return p + 3;
	if (*p == 'c') {
		if (p + 1 < end &&
			(isalpha((unsigned char)p[1]) ||
				(in_class && (isdigit((unsigned char)p[1]) || p[1] == '_')))) {
			*c_r = (unsigned char)p[1] % 32;
			return p + 2;
		}
		*c_r = '\\'; /* the backslash stands for itself, and so does the c */
		return p;
	}
	if (in_class && *p == 'b') {
		*c_r = '\b';
		return p + 1;
	}
	return regex_escape_read_char(p, end, c_r);
}

/* Read "\\u{X}", which names may have, after its brace. Returns the position after it; *c_r is '{'
 * if it is none. */
static const char *read_braced(const char *p, const char *end, uint32_t *c_r)
{
	const char *digits = p;
	uint32_t c = 0, digit;

	for (; p < end && read_hex(p, end, 1, &digit) && c <= REGEX_MAX_CODE; p++)
		c = c << 4 | digit;
	*c_r = p > digits && p < end && *p == '}' && c <= REGEX_MAX_CODE ? c : '{';
	return *c_r == '{' ? p : p + 1;
}

/* Return whether c is a character, not an invalid byte or half of one. */
static bool is_character(uint32_t c)
{
	return c <= REGEX_MAX_CODE && (c < 0xd800 || c > 0xdfff);
}

const char *regex_escape_read_name(const char *p, const char *end, struct strbuf *name)
{
	struct strbuf text = STRBUF_INIT; /* in UTF-8 */
	bool is_name = p < end && *p == '<', is_ascii = true;
	char bytes[4];
	uint32_t c;

	strbuf_reset(name);
	strbuf_add_str(name, "");
	for (p++; is_name && p < end && *p != '>';) {
		if (*p == '\\' && p + 1 < end && p[1] == 'u')
			p = p + 2 < end && p[2] == '{' ? read_braced(p + 3, end, &c) :
							 read_unicode(p + 2, end, &c);
		else
			p = regex_escape_read_char(p, end, &c);
		is_name = c >= 0x80 ? is_character(c) :
				      isalpha((int)c) || c == '$' || c == '_' ||
				(name->len > 0 && isdigit((int)c));
		is_ascii = is_ascii && c < 0x80;
		regex_class_append_hex(name, c);
		strbuf_add_char(name, ',');
		if (is_name)
			strbuf_add(&text, bytes, utf8_write(c, bytes));
	}
	is_name = is_name && p < end && name->len > 0 &&
		(is_ascii || text.failed || regex_identifier_is(text.text, text.len));
	name->failed = name->failed || text.failed;
	strbuf_free(&text);
	return is_name ? p + 1 : NULL;
}
