/*
 * Counts the oddities of address fields in one pass that needs no grammar, but only tells quoted
 * strings, comments, encoded-words and angle brackets apart. Stateless; any thread may call it.
 */
#include "lib/match/from_oddities.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/match/encoded_word.h"
#include "lib/match/from_text.h"

enum oddity {
	ODD_SHOWN = 1 << 0, /* what may be shown as an address */
	ODD_ROUTED = 1 << 1,
	ODD_COMMENT = 1 << 2,
	ODD_WITHIN = 1 << 3, /* angle brackets */
	ODD_BACKSLASH = 1 << 4,
	ODD_GROUP = 1 << 5,
	ODD_ELEMENT = 1 << 6,
	ODD_BRACKETS = 1 << 7,
	ODD_COMMA = 1 << 8,
	ODD_GLUED = 1 << 9,
	ODD_SQUARE = 1 << 10,
	ODD_LOCAL_PART = 1 << 11,
	ODD_QUOTED_WORD = 1 << 12,
	ODD_ENCODED = 1 << 13,
	ODD_BYTES = 1 << 14,
	ODD_COMMENTS = 1 << 15, /* several of them */
};

struct scan {
	const char *start, *at, *end;
	unsigned odd; /* enum oddity */
	bool in_group, in_brackets;
	/* Of the present element of the list: */
	bool has_word, has_at, has_brackets;
	bool is_group; /* it is one that has ended */
};

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Return whether something that ends or begins at p has no word directly beside it. */
static bool is_apart(const struct scan *s, const char *p)
{
	return p < s->start || p >= s->end || is_white(*p) ||
		(*p != '\0' && strchr(",:;<>[]", *p) != NULL);
}

/* Note what may be a part of another character for readers that decode the field first. */
static void note_bytes(struct scan *s)
{
	const size_t len = (size_t)(s->end - s->start);

	if (from_has_control(s->start, s->end))
		s->odd |= ODD_BYTES;
	if (utf8_valid_len(s->start, len) == len)
		return;
	for (const char *p = s->start + 1; p < s->end; p++) {
		if ((unsigned char)p[-1] >= 0x80 && *p != '\0' && strchr("@[\\]", *p) != NULL)
			s->odd |= ODD_BYTES;
	}
}

/* Return whether the encoded-word is one for all readers. */
static bool is_plain_encoded(const char *word, const char *end)
{
	return !from_has_any(word, end, " \t\r\n()<>[]:;@,\"\\") &&
		memmem(word + 2, (size_t)(end - word) - 4, "=?", 2) == NULL &&
		!encoded_words_signs(word, (size_t)(end - word)).open;
}

/* Note the encoded-words in a quoted string, which some readers decode. */
static void note_quoted_words(struct scan *s, const char *text, const char *end)
{
	const char *p, *behind;

	for (p = text; (p = memmem(p, (size_t)(end - p), "=?", 2)) != NULL; p = behind) {
		behind = encoded_word_end(p, end);
		if (behind == NULL || !is_plain_encoded(p, behind)) {
			s->odd |= ODD_QUOTED_WORD;
			return;
		}
		if (encoded_words_signs(p, (size_t)(behind - p)).at)
			s->odd |= ODD_SHOWN;
	}
}

static void note_quoted(struct scan *s, const char *text, const char *end)
{
	size_t quotes = 0;

	if (from_has_any(text, end, "@<") || from_has_wide_at(text, (size_t)(end - text)))
		s->odd |= ODD_SHOWN;
	for (const char *p = text; end - p > 1; p++) {
		if (*p != '\\')
			continue;
		if (*++p == '"')
			quotes++;
		else
			s->odd |= ODD_BACKSLASH;
	}
	if (quotes % 2 != 0)
		s->odd |= ODD_BACKSLASH;
	note_quoted_words(s, text, end);
}

static void scan_quotes(struct scan *s)
{
	const char *text = s->at + 1, *p = text;

	while (p < s->end && *p != '"')
		p += *p == '\\' && s->end - p > 1 ? 2 : 1;
	note_quoted(s, text, p);
	if (s->in_brackets || (p + 1 < s->end && p[1] == '@'))
		s->odd |= ODD_LOCAL_PART;
	else if (!is_apart(s, s->at - 1) || !is_apart(s, p + 1))
		s->odd |= ODD_GLUED;
	s->has_word = true;
	s->at = p + (p < s->end);
}

static void scan_comment(struct scan *s)
{
	const char *text = s->at + 1, *p = text;
	unsigned depth = 1;

	for (; p < s->end; p++) {
		if (*p == '\\' && s->end - p > 1)
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			break;
	}
	if (memchr(text, '@', (size_t)(p - text)) != NULL ||
		from_has_wide_at(text, (size_t)(p - text)))
		s->odd |= ODD_SHOWN;
	if (from_has_any(text, p, "\"[]<>,;:()\\") ||
		memmem(text, (size_t)(p - text), "=?", 2) != NULL)
		s->odd |= (s->odd & ODD_COMMENT) == 0 ? ODD_COMMENT : ODD_COMMENTS;
	if (s->in_brackets)
		s->odd |= ODD_WITHIN;
	else if (!is_apart(s, s->at - 1) || !is_apart(s, p + 1))
		s->odd |= ODD_GLUED;
	s->at = p + (p < s->end);
}

static void scan_encoded_word(struct scan *s)
{
	const char *end = encoded_word_end(s->at, s->end);

	if (end == NULL || s->in_brackets) {
		s->odd |= ODD_ENCODED;
		s->at += 2;
		return;
	}
	if (encoded_words_signs(s->at, (size_t)(end - s->at)).at)
		s->odd |= ODD_SHOWN;
	if (!is_plain_encoded(s->at, end))
		s->odd |= ODD_ENCODED;
	if (!is_apart(s, s->at - 1) || !is_apart(s, end))
		s->odd |= ODD_GLUED;
	s->has_word = true;
	s->at = end;
}

static void end_element(struct scan *s)
{
	if (!s->has_word && !s->has_at && !s->has_brackets)
		s->odd |= s->is_group ? 0U : ODD_ELEMENT;
	else if (!s->has_at && !s->has_brackets)
		s->odd |= ODD_COMMA;
	s->has_word = s->has_at = s->has_brackets = s->is_group = false;
}

/* Skip the rest of a domain literal, which may contain colons. */
static void skip_literal(struct scan *s)
{
	const char *end = memchr(s->at, ']', (size_t)(s->end - s->at));

	if (end == NULL)
		s->odd |= ODD_SQUARE;
	else
		s->at = end + 1;
}

/* Read a special character outside of angle brackets. */
static void scan_special(struct scan *s, char c)
{
	switch (c) {
	case '<':
		s->odd |= s->has_at || s->has_brackets ? ODD_BRACKETS : 0U;
		s->in_brackets = s->has_brackets = true;
		break;
	case '>':
		s->odd |= ODD_BRACKETS;
		break;
	case ',':
		end_element(s);
		break;
	case ':':
		s->odd |= ODD_GROUP;
		s->in_group = true;
		s->has_word = s->has_at = s->has_brackets = false;
		break;
	case ';':
		s->odd |= s->in_group ? 0U : ODD_ELEMENT;
		s->is_group = s->in_group;
		s->in_group = s->has_word = s->has_at = s->has_brackets = false;
		break;
	case '@':
		s->has_at = true;
		break;
	case '[':
		if (s->has_at)
			skip_literal(s);
		else
			s->odd |= ODD_SQUARE;
		break;
	case ']':
		s->odd |= ODD_SQUARE;
		break;
	default:
		break;
	}
}

/* Read a character within angle brackets. */
static void scan_bracketed(struct scan *s, char c)
{
	if (c == '>')
		s->in_brackets = false;
	else if (c == '<' || c == ',' || c == ';')
		s->odd |= ODD_BRACKETS;
	else if (is_white(c))
		s->odd |= ODD_WITHIN;
	else if (c == '@')
		s->has_at = true;
}

static void scan_character(struct scan *s)
{
	const char c = *s->at++;
	const size_t left = (size_t)(s->end - s->at);

	if (c == '\\') {
		s->odd |= ODD_BACKSLASH;
		s->at += left > 0;
	} else if (s->in_brackets) {
		scan_bracketed(s, c);
	} else if (strchr("<>,:;@[]", c) != NULL && c != '\0') {
		scan_special(s, c);
	} else if (!is_white(c)) {
		s->odd |= s->has_brackets ? ODD_BRACKETS : 0U;
		if (!s->has_at && (c == '!' || c == '%') && s->at - 1 > s->start && left > 0 &&
			!is_apart(s, s->at - 2) && !is_apart(s, s->at))
			s->odd |= ODD_ROUTED;
		if ((unsigned char)c >= 0x80 &&
			from_has_wide_at(s->at - 1, left + 1 < 3 ? left + 1 : 3))
			s->odd |= ODD_SHOWN;
		s->has_word = true;
	}
}

unsigned from_oddities(const char *value, size_t len)
{
	struct scan s = { .start = value, .at = value, .end = value + len };

	note_bytes(&s);
	while (s.at < s.end) {
		if (*s.at == '"')
			scan_quotes(&s);
		else if (*s.at == '(')
			scan_comment(&s);
		else if (s.end - s.at > 1 && s.at[0] == '=' && s.at[1] == '?')
			scan_encoded_word(&s);
		else
			scan_character(&s);
	}
	if (s.in_brackets)
		s.odd |= ODD_BRACKETS;
	return (unsigned)__builtin_popcount(s.odd);
}
