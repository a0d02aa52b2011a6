/*
 * Decodes encoded-words as far as is needed to find an address in them. Stateless; any thread may
 * call it.
 */
#include "lib/match/encoded_word.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "lib/base/ascii.h"

/* How the bytes of a charset make characters. */
enum bytes {
	UTF8,	    /* as in UTF-8: ASCII is always itself */
	SINGLE,	    /* one by one: likewise */
	PAIRS,	    /* a byte of eight bits and the one behind it, which may have seven */
	GB18030,    /* PAIRS; if the second byte is a digit, another such pair follows */
	SHIFT_JIS,  /* PAIRS, but for the half-width letters */
	EUC_KR,	    /* PAIRS */
	EUC_JP,	    /* PAIRS, but two bytes follow 8f */
	ISO_2022_JP /* escape sequences begin and end characters of two bytes of seven bits */
};

/* A charset that writes ASCII as ASCII, also for readers that do not know it, unless it has escape
 * sequences. wide contains the characters of two bytes, other than
 * those of UTF-8, that are like an @ or a dot (UTS 46), ended by 0. */
struct charset {
	const char *prefix; /* how its name begins; ISO_2022_JP: all of it */
	enum bytes bytes;
	uint16_t wide[7];
};

static const struct charset charsets[] = {
	{ "utf-8", UTF8, { 0 } },
	{ "utf8", UTF8, { 0 } },
	{ "us-ascii", UTF8, { 0 } },
	{ "ascii", UTF8, { 0 } },
	{ "iso-8859-", SINGLE, { 0 } },
	{ "iso8859-", SINGLE, { 0 } },
	{ "latin1", SINGLE, { 0 } },
	{ "windows-125", SINGLE, { 0 } },
	{ "windows-874", SINGLE, { 0 } },
	{ "cp125", SINGLE, { 0 } },
	{ "koi8-", SINGLE, { 0 } },
	{ "tis-620", SINGLE, { 0 } },
	{ "macintosh", SINGLE, { 0 } },
	{ "unknown-8bit", SINGLE, { 0 } },
	{ "x-unknown", SINGLE, { 0 } },
	{ "iso-2022-jp", ISO_2022_JP, { 0xa1f7, 0xa1a3, 0xa1a5, 0 } },
	{ "eucgb2312_cn", GB18030, { 0xa3c0, 0xa988, 0xa1a3, 0xa3ae, 0 } }, /* Python's name */
	{ "gb2312", GB18030, { 0xa3c0, 0xa988, 0xa1a3, 0xa3ae, 0 } },
	{ "gbk", GB18030, { 0xa3c0, 0xa988, 0xa1a3, 0xa3ae, 0 } },
	{ "gb18030", GB18030, { 0xa3c0, 0xa988, 0xa1a3, 0xa3ae, 0 } },
	{ "windows-936", GB18030, { 0xa3c0, 0xa988, 0xa1a3, 0xa3ae, 0 } },
	{ "big5", PAIRS, { 0xa249, 0xa24e, 0xa143, 0xa144, 0 } },
	{ "windows-950", PAIRS, { 0xa249, 0xa24e, 0xa143, 0xa144, 0 } },
	{ "euc-jp", EUC_JP, { 0xa1f7, 0xa1a3, 0xa1a5, 0x8ea1, 0 } },
	{ "euc-kr", EUC_KR, { 0xa3c0, 0xa3ae, 0 } },
	{ "ks_c_5601", EUC_KR, { 0xa3c0, 0xa3ae, 0 } },
	{ "windows-949", EUC_KR, { 0xa3c0, 0xa3ae, 0 } },
	{ "cp949", EUC_KR, { 0xa3c0, 0xa3ae, 0 } },
	{ "euc-cn", GB18030, { 0xa3c0, 0xa988, 0xa1a3, 0xa3ae, 0 } },
	{ "shift_jis", SHIFT_JIS, { 0x8197, 0x8142, 0x8144, 0 } },
	{ "shift-jis", SHIFT_JIS, { 0x8197, 0x8142, 0x8144, 0 } },
	{ "x-sjis", SHIFT_JIS, { 0x8197, 0x8142, 0x8144, 0 } },
	{ "windows-31j", SHIFT_JIS, { 0x8197, 0x8142, 0x8144, 0 } },
	{ "cp932", SHIFT_JIS, { 0x8197, 0x8142, 0x8144, 0 } },
};

/* Return the charset of this name, or NULL. */
static const struct charset *find_charset(const char *name, size_t len)
{
	size_t i, want;

	for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		want = strlen(charsets[i].prefix);
		if (len >= want && strncasecmp(name, charsets[i].prefix, want) == 0 &&
			(len == want || charsets[i].bytes != ISO_2022_JP))
			return &charsets[i];
	}
	return NULL;
}

bool charset_keeps_ascii(const char *name, size_t len)
{
	return find_charset(name, len) != NULL;
}

/* What was decoded so far. */
struct decoded {
	struct encoded_signs signs;
	const struct charset *charset;
	encoded_byte_fn *each; /* NULL: none */
	void *context;
	unsigned char before[2]; /* the bytes before the next one, the last of them first */
	unsigned left;		 /* the bytes that the present character still needs */
	bool in_four;		 /* it is one of four bytes */
	bool malformed, unsure;
	uint32_t escape; /* the bytes of ISO 2022's escape sequence so far, or 0 */
	bool two_bytes;	 /* ISO 2022: each character is two bytes of seven bits */
	bool begun;
	bool quoted;  /* behind an odd number of quotes */
	size_t depth; /* of parentheses */
};

#define ESCAPE 0x1b

/*
 * Follow ISO-2022-JP (RFC 1468), which changes between ASCII and characters of two bytes by four
 * escape sequences. Decoders show any other one, a part of it, or what is behind it, as ASCII.
 * Returns whether the byte is part of one.
 */
static bool skip_escape(struct decoded *d, unsigned char c)
{
	if (c != ESCAPE && d->escape == 0)
		return false;
	d->malformed |= c == ESCAPE && (d->left > 0 || d->escape != 0);
	d->escape = d->escape << 8 | c;
	if (d->escape <= 0xffff)
		return true; /* another byte follows */
	d->two_bytes = d->escape == 0x1b2440 || d->escape == 0x1b2442;
	d->malformed |= !d->two_bytes && d->escape != 0x1b2842 && d->escape != 0x1b284a;
	d->escape = 0;
	return true;
}

/* Return whether all decoders know characters that begin with the byte: some charsets have
 * extensions, and rows without characters. */
static bool is_known_lead(enum bytes bytes, unsigned char c)
{
	if (bytes == GB18030)
		return (c >= 0xa1 && c <= 0xa9) || (c >= 0xb0 && c <= 0xf7);
	if (bytes == EUC_KR)
		return (c >= 0xa1 && c <= 0xac) || (c >= 0xb0 && c <= 0xfd && c != 0xc9);
	if (bytes == SHIFT_JIS)
		return (c >= 0x81 && c <= 0x84) || (c >= 0x88 && c <= 0x9f) ||
			(c >= 0xe0 && c <= 0xea);
	if (bytes == EUC_JP)
		return (c >= 0xa1 && c <= 0xa8) || (c >= 0xb0 && c <= 0xf4);
	return c >= 0xa1 && c <= 0xf9 && c != 0xc7 && c != 0xc8; /* Big5 */
}

/* Follow characters of several bytes. Decoders differ about those that are malformed: some then
 * take what is behind the word for a part of it. Where one decoder leaves out a byte that it does
 * not know, the next byte may begin a character for it. */
static void follow(struct decoded *d, unsigned char c)
{
	const enum bytes bytes = d->charset->bytes;
	const bool is_strict = bytes == EUC_JP || bytes == ISO_2022_JP;

	if (bytes <= SINGLE || (d->left == 0 && c < 0x80))
		return;
	d->unsure |= bytes == SHIFT_JIS ? c > 0xfc : c >= 0x80 && c < 0xa1;
	if (d->left > 0 && !(d->in_four && d->left == 2)) {
		d->left--;
		if (bytes == GB18030 && c >= '0' && c <= '9') {
			d->in_four = !d->in_four;
			d->left = d->in_four ? 2 : 0;
		} else {
			d->malformed |= d->in_four || c == 0x7f || c == 0xff ||
				c < (is_strict ? 0xa1 : '@');
		}
	} else if (bytes != SHIFT_JIS || c < 0xa1 || c > 0xdf) {
		d->unsure |= bytes != ISO_2022_JP && !is_known_lead(bytes, c);
		d->malformed |=
			c <= 0x80 || c == 0xff || (is_strict && c < 0xa1 && c != 0x8e && c != 0x8f);
		d->left = bytes == EUC_JP && c == 0x8f ? 2 : 1;
	}
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
	if (d->left > 0)
		return false;
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
	d->signs.open |= d->unsure && d->before[0] >= 0x80 && memchr("()<>,\"", c, 6) != NULL;
	d->quoted ^= c == '"';
	d->depth += c == '(';
	d->depth -= c == ')' && d->depth > 0;
}

static void add_decoded(void *context, char byte)
{
	struct decoded *d = context;
	unsigned char c = (unsigned char)byte, last = d->before[0];
	bool in_character;

	if (d->charset->bytes == ISO_2022_JP) {
		if (skip_escape(d, c))
			return;
		d->malformed |= c >= 0x80 || (d->two_bytes && c <= ' ');
	}
	if (d->two_bytes)
		c |= 0x80;
	d->malformed |= c == '\r' || c == '\n'; /* Python ends a quoted string at a CR */
	d->signs.at |= c == '@' || (c == '?' && (last == '=' || !d->begun));
	note_special(d, c);
	if (!d->begun)
		d->signs.edge |= c == '.' || c == '!' || c == '%';
	d->begun = true;
	d->signs.strange |= last == '.' && c != ' ';
	d->signs.strange |=
		(last == '!' || last == '%') && !ends_word(d->before[1]) && !ends_word(c);
	in_character = d->left > 0;
	follow(d, c);
	if (c >= 0x80 || in_character)
		d->signs.strange |= ends_wide(d, c);
	d->before[1] = last;
	d->before[0] = c;
	if (d->each != NULL)
		d->each(d->context, d->charset->bytes <= SINGLE || c < 0x80 ? byte : '\xff');
}

static void begin_decoded(struct decoded *d)
{
	d->before[0] = d->before[1] = ' ';
	d->left = 0;
	d->escape = 0;
	d->in_four = d->malformed = d->unsure = false;
	d->two_bytes = d->begun = d->quoted = false;
	d->depth = 0;
}

static void end_decoded(struct decoded *d)
{
	const unsigned char last = d->before[0];

	d->signs.edge |= last == '.' || last == '!' || last == '%';
	d->signs.open |= d->quoted || d->depth > 0 || (d->unsure && last >= 0x80);
	d->malformed |= d->left > 0 || d->escape != 0 || d->two_bytes;
}

static void decode_q(const char *text, size_t len, encoded_byte_fn *each, void *context)
{
	int high, low;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '=' && len - i > 2 && (high = ascii_hex_digit(text[i + 1])) >= 0 &&
			(low = ascii_hex_digit(text[i + 2])) >= 0) {
			each(context, (char)(high << 4 | low));
			i += 2;
		} else {
			each(context, text[i] != '_' ? text[i] : ' ');
		}
	}
}

static const char digits_b[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Characters outside of the alphabet are skipped, as some decoders do. */
static void decode_b(const char *text, size_t len, encoded_byte_fn *each, void *context)
{
	unsigned bits = 0, have = 0;
	const char *digit;
	size_t i;

	for (i = 0; i < len; i++) {
		if ((digit = memchr(digits_b, text[i], sizeof(digits_b) - 1)) == NULL)
			continue;
		bits = (bits << 6 | (unsigned)(digit - digits_b)) & 0xffff;
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

/* Return whether all decoders read the text alike: it has only characters of its encoding, and
 * Base64 is padded, because some decoders leave out what is incomplete. */
static bool is_plain(char encoding, const char *text, size_t len)
{
	const bool is_q = encoding == 'Q' || encoding == 'q';

	if (!is_q && len % 4 != 0)
		return false;
	for (int i = 0; i < 2 && !is_q; i++)
		len -= len > 0 && text[len - 1] == '=';
	for (; len > 0; len--, text++) {
		if (is_q ? *text < '!' || *text > '~' :
			   memchr(digits_b, *text, sizeof(digits_b) - 1) == NULL)
			return false;
	}
	return true;
}

struct encoded_signs encoded_words_signs(const char *text, size_t len)
{
	static const struct encoded_signs unknown = { true, true, true, true, true };
	const char *p = text, *end = text + len, *name, *word, *stop;
	struct decoded d = { .each = NULL };

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
		d.signs.foreign |= d.charset->bytes != UTF8;
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
	struct decoded d = { .each = each, .context = context };
	size_t len;

	if (behind == NULL)
		return NULL;
	mark = memchr(p + 2, '?', (size_t)(behind - p - 2));
	d.charset = find_charset(p + 2, (size_t)(mark - p - 2));
	len = (size_t)(behind - 2 - (mark + 3));
	if (d.charset == NULL || !is_plain(mark[1], mark + 3, len))
		return NULL;
	begin_decoded(&d);
	decode_text(mark[1], mark + 3, len, add_decoded, &d);
	end_decoded(&d);
	return d.malformed ? NULL : behind;
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
