/*
 * Decodes encoded-words as far as is needed to find an address in them. Stateless; any thread may
 * call it.
 */
#include "lib/match/encoded_word.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* How the names of the charsets begin that write ASCII as ASCII. */
static const char *const ascii_charsets[] = { "utf-8", "us-ascii", "iso-8859-", "windows-125",
	"koi8-", "iso-2022-", "gb", "big5", "euc-", "shift_jis" };

static bool extends_ascii(const char *charset, size_t len)
{
	size_t i, want;

	for (i = 0; i < sizeof(ascii_charsets) / sizeof(ascii_charsets[0]); i++) {
		want = strlen(ascii_charsets[i]);
		if (len >= want && strncasecmp(charset, ascii_charsets[i], want) == 0)
			return true;
	}
	return false;
}

/* What was decoded so far. */
struct decoded {
	struct encoded_signs signs;
	char last;
};

static void add_decoded(struct decoded *d, char c)
{
	d->signs.at |= c == '@';
	d->signs.dot |= d->last == '.' && c != ' ';
	d->last = c;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit = memchr(digits, tolower((unsigned char)c), sizeof(digits) - 1);

	return digit != NULL ? (int)(digit - digits) : -1;
}

static void decode_q(struct decoded *d, const char *text, size_t len)
{
	int high, low;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '=' && len - i > 2 && (high = hex_digit(text[i + 1])) >= 0 &&
			(low = hex_digit(text[i + 2])) >= 0) {
			add_decoded(d, (char)(high << 4 | low));
			i += 2;
		} else {
			add_decoded(d, text[i] != '_' ? text[i] : ' ');
		}
	}
}

/* Characters outside of the alphabet are skipped, as decoders do. */
static void decode_b(struct decoded *d, const char *text, size_t len)
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
		add_decoded(d, (char)(bits >> have & 0xff));
	}
}

struct encoded_signs encoded_words_signs(const char *text, size_t len)
{
	static const struct encoded_signs unknown = { true, true };
	const char *p = text, *end = text + len, *charset, *word, *stop;
	struct decoded d = { .last = ' ' };

	while ((p = memmem(p, (size_t)(end - p), "=?", 2)) != NULL) {
		charset = p + 2;
		if ((p = memchr(charset, '?', (size_t)(end - charset))) == NULL || end - p < 3 ||
			p[2] != '?' || !extends_ascii(charset, (size_t)(p - charset)))
			return unknown;
		word = p + 3;
		if ((stop = memmem(word, (size_t)(end - word), "?=", 2)) == NULL)
			return unknown;
		d.last = ' ';
		if (p[1] == 'Q' || p[1] == 'q')
			decode_q(&d, word, (size_t)(stop - word));
		else if (p[1] == 'B' || p[1] == 'b')
			decode_b(&d, word, (size_t)(stop - word));
		else
			return unknown;
		p = stop + 2;
	}
	return d.signs;
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
