/*
 * Decodes encoded-words as far as is needed to find an address in them. Stateless; any thread may
 * call it.
 */
#include "lib/match/encoded_word.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* A charset that writes ASCII as ASCII. wide contains the characters of two bytes, other than
 * those of UTF-8, that are like an @ or a dot (UTS 46), ended by 0. */
struct charset {
	const char *prefix; /* how its name begins */
	bool multi_byte, escapes;
	uint16_t wide[7];
};

static const struct charset charsets[] = {
	{ "utf-8", false, false, { 0 } },
	{ "us-ascii", false, false, { 0 } },
	{ "iso-8859-", false, false, { 0 } },
	{ "windows-125", false, false, { 0 } },
	{ "koi8-", false, false, { 0 } },
	{ "iso-2022-", true, true, { 0xa1f7, 0xa1a3, 0xa1a5, 0xa3c0, 0xa3ae, 0 } },
	{ "gb", true, false, { 0xa3c0, 0xa988, 0xa1a3, 0xa3ae, 0 } },
	{ "big5", true, false, { 0xa249, 0xa24e, 0xa143, 0xa144, 0 } },
	{ "euc-", true, false, { 0xa1f7, 0xa1a3, 0xa1a5, 0x8ea1, 0xa3c0, 0xa3ae, 0 } },
	{ "shift_jis", true, false, { 0x8197, 0x8142, 0x8144, 0 } },
};

/* Return the charset of this name, or NULL. */
static const struct charset *find_charset(const char *name, size_t len)
{
	size_t i, want;

	for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		want = strlen(charsets[i].prefix);
		if (len >= want && strncasecmp(name, charsets[i].prefix, want) == 0)
			return &charsets[i];
	}
	return NULL;
}

/* What was decoded so far. */
struct decoded {
	struct encoded_signs signs;
	const struct charset *charset;
	unsigned char before[2]; /* the bytes before the next one, the last of them first */
	unsigned char lead;	 /* the first byte of a character of two, or 0 */
	uint32_t escape;	 /* the bytes of ISO 2022's escape sequence so far, or 0 */
	bool two_bytes;		 /* ISO 2022: each character is two bytes of seven bits */
	bool begun;
	bool quoted;  /* behind an odd number of quotes */
	size_t depth; /* of parentheses */
};

#define ESCAPE 0x1b

/* Follow ISO-2022-JP, which changes between ASCII and characters of two bytes by escape sequences.
 * Returns whether the byte is part of one. */
static bool skip_escape(struct decoded *d, unsigned char c)
{
	if (c == ESCAPE) {
		d->escape = ESCAPE;
		return true;
	}
	if (d->escape == 0)
		return false;
	d->escape = d->escape << 8 | c;
	if (c >= '$' && c <= '/' && d->escape <= 0xffffff)
		return true; /* another byte follows */
	d->two_bytes = d->escape == 0x1b2440 || d->escape == 0x1b2442 || d->escape == 0x1b242844;
	d->escape = 0;
	return true;
}

/* Return whether a character ends here that is like an @ or a dot. Those of UTF-8 count in all
 * charsets, because some readers ignore the name of the charset. */
static bool ends_wide(struct decoded *d, unsigned char c)
{
	const uint32_t last = (uint32_t)d->before[1] << 16 | (uint32_t)d->before[0] << 8 | c;
	const uint16_t *wide;

	if (last == 0xefbca0 || last == 0xefb9ab) {
		d->signs.at = true;
		return true;
	}
	if (last == 0xe38082 || last == 0xefbc8e || last == 0xefbda1)
		return true;
	if (!d->charset->multi_byte)
		return false;
	if (d->lead == 0) {
		d->lead = c >= 0x80 ? c : 0;
		return false;
	}
	d->lead = 0;
	for (wide = d->charset->wide; *wide != 0 && *wide != (last & 0xffff); wide++)
		;
	return *wide != 0;
}

/* Return whether the character ends a word, so that an address cannot continue. */
static bool ends_word(unsigned char c)
{
	return c <= ' ' || c == 0x7f || memchr("()<>[]:;@,.\"", c, 12) != NULL;
}

/* Note what begins or ends something for readers that decode before they parse. */
static void note_special(struct decoded *d, unsigned char c)
{
	d->signs.open |= c == '\\' || (c == ')' && d->depth == 0);
	d->quoted ^= c == '"';
	d->depth += c == '(';
	d->depth -= c == ')' && d->depth > 0;
}

static void add_decoded(void *context, char byte)
{
	struct decoded *d = context;
	unsigned char c = (unsigned char)byte, last = d->before[0];

	d->signs.at |= c == '@';
	if (d->charset->escapes && skip_escape(d, c))
		return;
	if (d->two_bytes)
		c |= 0x80;
	note_special(d, c);
	if (!d->begun)
		d->signs.edge |= c == '.' || c == '!' || c == '%';
	d->begun = true;
	d->signs.strange |= last == '.' && c != ' ';
	d->signs.strange |=
		(last == '!' || last == '%') && !ends_word(d->before[1]) && !ends_word(c);
	if (c >= 0x80 || d->lead != 0)
		d->signs.strange |= ends_wide(d, c);
	d->before[1] = last;
	d->before[0] = c;
}

static void begin_decoded(struct decoded *d)
{
	d->before[0] = d->before[1] = ' ';
	d->lead = 0;
	d->escape = 0;
	d->two_bytes = d->begun = d->quoted = false;
	d->depth = 0;
}

static void end_decoded(struct decoded *d)
{
	const unsigned char last = d->before[0];

	d->signs.edge |= last == '.' || last == '!' || last == '%';
	d->signs.open |= d->quoted || d->depth > 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit = memchr(digits, tolower((unsigned char)c), sizeof(digits) - 1);

	return digit != NULL ? (int)(digit - digits) : -1;
}

static void decode_q(const char *text, size_t len, encoded_byte_fn *each, void *context)
{
	int high, low;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '=' && len - i > 2 && (high = hex_digit(text[i + 1])) >= 0 &&
			(low = hex_digit(text[i + 2])) >= 0) {
			each(context, (char)(high << 4 | low));
			i += 2;
		} else {
			each(context, text[i] != '_' ? text[i] : ' ');
		}
	}
}

/* Characters outside of the alphabet are skipped, as decoders do. */
static void decode_b(const char *text, size_t len, encoded_byte_fn *each, void *context)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;
	const char *digit;
	size_t i;

	for (i = 0; i < len; i++) {
		if ((digit = memchr(digits, text[i], sizeof(digits) - 1)) == NULL)
			continue;
		bits = (bits << 6 | (unsigned)(digit - digits)) & 0xffff;
		if ((have += 6) < 8)
			continue;
		have -= 8;
		each(context, (char)(bits >> have & 0xff));
	}
}

static void decode_text(char encoding, const char *text, size_t len, encoded_byte_fn *each,
	void *context)
{
	if (encoding == 'Q' || encoding == 'q')
		decode_q(text, len, each, context);
	else
		decode_b(text, len, each, context);
}

struct encoded_signs encoded_words_signs(const char *text, size_t len)
{
	static const struct encoded_signs unknown = { true, true, true, true };
	const char *p = text, *end = text + len, *name, *word, *stop;
	struct decoded d = { .lead = 0 };

	while ((p = memmem(p, (size_t)(end - p), "=?", 2)) != NULL) {
		name = p + 2;
		if ((p = memchr(name, '?', (size_t)(end - name))) == NULL || end - p < 3 ||
			p[2] != '?' || memchr("BbQq", p[1], 4) == NULL ||
			(d.charset = find_charset(name, (size_t)(p - name))) == NULL)
			return unknown;
		word = p + 3;
		if ((stop = memmem(word, (size_t)(end - word), "?=", 2)) == NULL ||
			memmem(word, (size_t)(stop - word), "=?", 2) != NULL)
			return unknown;
		begin_decoded(&d);
		decode_text(p[1], word, (size_t)(stop - word), add_decoded, &d);
		end_decoded(&d);
		p = stop + 2;
	}
	return d.signs;
}

const char *encoded_word_decode(const char *p, const char *end, encoded_byte_fn *each,
	void *context)
{
	const char *behind = encoded_word_end(p, end), *mark;
	const struct charset *charset;

	if (behind == NULL)
		return NULL;
	mark = memchr(p + 2, '?', (size_t)(behind - p - 2));
	charset = find_charset(p + 2, (size_t)(mark - p - 2));
	if (charset == NULL || charset->multi_byte)
		return NULL;
	decode_text(mark[1], mark + 3, (size_t)(behind - 2 - (mark + 3)), each, context);
	return behind;
}

const char *encoded_word_end(const char *p, const char *end)
{
	const char *mark = memchr(p + 2, '?', (size_t)(end - p - 2));

	if (mark == NULL || end - mark < 3 || strchr("bBqQ", mark[1]) == NULL || mark[1] == '\0' ||
		mark[2] != '?')
		return NULL;
	mark = memchr(mark + 3, '?', (size_t)(end - mark - 3));
	return mark != NULL && end - mark > 1 && mark[1] == '=' ? mark + 2 : NULL;
}
