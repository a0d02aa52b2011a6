/*
 * Folds the subjects of regexes, and repairs those that are not UTF-8. Owns nothing; any thread may
 * call it.
 */
#include "lib/match/regex_subject.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/match/regex_case.h"

/* Append well-formed UTF-8, each character folded. */
static void add_folded(struct strbuf *out, const char *text, size_t text_len, bool *has_lines)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + text_len;
	char folded[4];
	uint32_t c;

	while (p < end) {
		if (*p >= 0xf0) {
			strbuf_add(out, (const char *)p, 4);
			p += 4;
			continue;
		}
		c = *p < 0x80 ? *p : *p < 0xe0 ? *p & 0x1fU : *p & 0x0fU;
		if (*p >= 0xe0)
			c = c << 6 | (p[1] & 0x3fU);
		if (*p >= 0xc0)
			c = c << 6 | (p[*p >= 0xe0 ? 2 : 1] & 0x3fU);
		p += *p < 0x80 ? 1 : *p < 0xe0 ? 2 : 3;
		*has_lines = *has_lines || c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029;
		strbuf_add(out, folded, utf8_write(regex_case_fold(c), folded));
	}
}

/*
 * Decoders replace bytes that are not UTF-8 in the same way, so that . matches each. With
 * PCRE2_MATCH_INVALID_UTF instead, nothing would match it, and a stray byte would shield the
 * subject from every regex; and in 10.42's JIT, \D and \W match no non-ASCII character.
 */
static void add_repaired(struct strbuf *out, const char *text, size_t len, bool *has_lines)
{
	for (size_t at = 0;; at++) {
		const size_t valid = utf8_valid_len(text + at, len - at);

		add_folded(out, text + at, valid, has_lines);
		if ((at += valid) == len)
			break;
		strbuf_add(out, "\xef\xbf\xbd", 3);
	}
}

/* Eight bytes at once: each compared with c, if all are ASCII. The high bits are the result. */
#define EACH(c) (UINT64_C(0x0101010101010101) * (c))
#define AT_LEAST(word, c) ((word) + EACH(0x80 - (c)))

/* Set the high bit of each byte that folding changes, or that makes a subject special. Bytes after
 * one that is not ASCII may be wrong. */
static uint64_t find_special(uint64_t word)
{
	return word | ~AT_LEAST(word, ' ') | (AT_LEAST(word, 'A') & ~AT_LEAST(word, 'Z' + 1));
}

/* Return whether a subject is ASCII without control characters and capitals, as most are: the
 * canonical forms of addresses and names. */
static bool is_folded(const char *text, size_t len)
{
	uint64_t word, special = 0;

	for (; len >= sizeof(word); text += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		special |= find_special(word);
	}
	word = EACH(' ');
	memcpy(&word, text, len);
	return ((special | find_special(word)) & EACH(0x80)) == 0;
}

int regex_subject_fold(const char *text, size_t len, struct strbuf *buffer,
	struct regex_subject *subject_r)
{
	bool is_ascii = true, has_lines = false;

	if (is_folded(text, len)) {
		*subject_r = (struct regex_subject){ text, len, false };
		return 0;
	}
	strbuf_reset(buffer);
	strbuf_add(buffer, text, len);
	if (buffer->failed)
		return -1;
	for (size_t at = 0; at < len; at++) {
		is_ascii = is_ascii && (unsigned char)text[at] < 0x80;
		has_lines = has_lines || text[at] == '\n' || text[at] == '\r';
		buffer->text[at] = ascii_lower(text[at]);
	}
	if (!is_ascii) {
		strbuf_reset(buffer);
		add_repaired(buffer, text, len, &has_lines);
		if (buffer->failed)
			return -1;
	}
	*subject_r = (struct regex_subject){ buffer->text, buffer->len, has_lines };
	return 0;
}
