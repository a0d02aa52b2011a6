/*
 * Decodes encoded-words as far as is needed to find an @ in them. Stateless; any thread may call
 * it.
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

/* The encoding Q: an @ is itself or "=40". */
static bool q_has_at(const char *text, size_t len)
{
	return memchr(text, '@', len) != NULL || memmem(text, len, "=40", 3) != NULL;
}

/* The encoding B. Characters outside of the alphabet are skipped, as decoders do. */
static bool b_has_at(const char *text, size_t len)
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
		if ((bits >> have & 0xff) == '@')
			return true;
	}
	return false;
}

bool encoded_words_may_hide_at(const char *text, size_t len)
{
	const char *p = text, *end = text + len, *charset, *word, *stop;
	int encoding;

	while ((p = memmem(p, (size_t)(end - p), "=?", 2)) != NULL) {
		charset = p + 2;
		if ((p = memchr(charset, '?', (size_t)(end - charset))) == NULL || end - p < 3 ||
			p[2] != '?' || !extends_ascii(charset, (size_t)(p - charset)))
			return true;
		encoding = toupper((unsigned char)p[1]);
		word = p + 3;
		if ((stop = memmem(word, (size_t)(end - word), "?=", 2)) == NULL)
			return true;
		if (encoding == 'Q' ? q_has_at(word, (size_t)(stop - word)) :
				      encoding != 'B' || b_has_at(word, (size_t)(stop - word)))
			return true;
		p = stop + 2;
	}
	return false;
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
