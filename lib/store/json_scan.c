/*
 * Scans JSON token by token, several times as fast as a parser that makes a tree. Stateless; any
 * thread may call it.
 */
#include "lib/store/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/utf8.h"

#define INT64_DIGITS 19	  /* of the largest integer */
#define DOUBLE_DIGITS 308 /* of a whole number that fits a double whatever its digits are */
#define EXPONENT_DIGITS 4

bool json_scan_literal(struct json_scan *s, const char *literal)
{
	const size_t len = strlen(literal);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, literal, len) != 0)
		return false;
	s->at += len;
	return true;
}

/* ---- strings --------------------------------------------------------------------- */

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Return whether none of eight bytes ends a run of plain characters. */
static bool are_plain(const char *bytes)
{
	uint64_t word, quote, backslash;

	memcpy(&word, bytes, sizeof(word));
	quote = word ^ (EACH_BYTE * '"');
	backslash = word ^ (EACH_BYTE * '\\');
	/* A byte that borrows, and is below 0x80, sets its highest bit. */
	return ((((word - EACH_BYTE * ' ') & ~word) | ((quote - EACH_BYTE) & ~quote) |
			((backslash - EACH_BYTE) & ~backslash)) &
		       (EACH_BYTE * 0x80)) == 0;
}

/* Move to a quote, a backslash, a control character or the end. */
static void skip_plain(struct json_scan *s)
{
	const char *at = s->at;

	while (s->end - at >= 8 && are_plain(at))
		at += 8;
	while (at < s->end && (unsigned char)*at >= ' ' && *at != '"' && *at != '\\')
		at++;
	s->at = at;
}

/* Read four hexadecimal digits. Returns -1 if there are none. */
static int32_t hex4(const char *at, const char *end)
{
	int32_t value = 0;
	int i;

	if (end - at < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		const char c = at[i];
		const int digit = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f'	       ? c - 'a' + 10 :
			c >= 'A' && c <= 'F'	       ? c - 'A' + 10 :
							 -1;

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Read the character of \uXXXX, or of a surrogate pair of them, at *at, and move behind it. Returns
 * -1 if it is malformed. */
static int32_t read_unicode(const char **at, const char *end)
{
	const int32_t high = hex4(*at + 2, end);
	int32_t low;

	if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
		return -1;
	*at += 6;
	if (high < 0xd800 || high > 0xdbff)
		return high;
	if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return -1;
	low = hex4(*at + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*at += 6;
	return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

/* Return the character of a backslash and one other, or -1. */
static int32_t short_escape(char c)
{
	static const char names[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
	const char *at = c != '\0' ? strchr(names, c) : NULL;

	return at != NULL ? characters[at - names] : -1;
}

/* Read an escaped character at *at, and move behind it. Returns -1 if it is malformed. */
static int32_t read_escape(const char **at, const char *end)
{
	int32_t c;

	if (end - *at < 2)
		return -1;
	if ((*at)[1] == 'u')
		return read_unicode(at, end);
	if ((c = short_escape((*at)[1])) >= 0)
		*at += 2;
	return c;
}

bool json_scan_string(struct json_scan *s, struct json_quoted *span_r)
{
	const char *start;
	bool escaped = false;

	if (!json_scan_byte(s, '"'))
		return false;
	start = s->at;
	for (skip_plain(s); s->at < s->end && *s->at == '\\'; skip_plain(s)) {
		escaped = true;
		if (read_escape(&s->at, s->end) < 0)
			return false;
	}
	if (!json_scan_byte(s, '"'))
		return false;
	*span_r = (struct json_quoted){ start, (size_t)(s->at - 1 - start), escaped };
	return true;
}

void json_scan_unescape(const struct json_quoted *span, struct strbuf *text)
{
	const char *at = span->text, *end = at + span->len, *stop;
	char bytes[4];

	while ((stop = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		strbuf_add(text, at, (size_t)(stop - at));
		at = stop;
		strbuf_add(text, bytes, utf8_write((uint32_t)read_escape(&at, end), bytes));
	}
	strbuf_add(text, at, (size_t)(end - at));
}

/* ---- numbers --------------------------------------------------------------------- */

static size_t skip_digits(struct json_scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return (size_t)(s->at - start);
}

/* Move behind the digits of an exponent. Returns its value, or -1 if it has none or too many. */
static int read_exponent(struct json_scan *s)
{
	const char *digits = s->at;
	const size_t len = skip_digits(s);
	int value = 0;

	if (len == 0 || len > EXPONENT_DIGITS)
		return -1;
	for (; digits < s->at; digits++)
		value = value * 10 + (*digits - '0');
	return value;
}

/* Move behind the fraction and the exponent, either of which may be missing. Returns false if they
 * are malformed, or if the value may exceed a double. */
static bool skip_fraction(struct json_scan *s, size_t whole_digits)
{
	bool is_small = false;
	int exponent = 0;

	if (json_scan_byte(s, '.') && skip_digits(s) == 0)
		return false;
	if (json_scan_byte(s, 'e') || json_scan_byte(s, 'E')) {
		is_small = json_scan_byte(s, '-');
		if (!is_small)
			(void)json_scan_byte(s, '+');
		if ((exponent = read_exponent(s)) < 0)
			return false;
	}
	return whole_digits + (is_small ? 0 : (size_t)exponent) <= DOUBLE_DIGITS;
}

/* Return whether a number of this many digits, without leading zeros, fits 64 bits. */
static bool fits(const char *digits, size_t len, bool is_negative)
{
	const char *most = is_negative ? "9223372036854775808" : "9223372036854775807";

	return len < INT64_DIGITS || (len == INT64_DIGITS && memcmp(digits, most, len) <= 0);
}

bool json_scan_number(struct json_scan *s, bool *is_integer_r)
{
	const bool is_negative = json_scan_byte(s, '-');
	const char *digits = s->at;
	const size_t len = skip_digits(s);

	if (len == 0 || (*digits == '0' && len > 1))
		return false;
	*is_integer_r = s->at == s->end || (*s->at != '.' && *s->at != 'e' && *s->at != 'E');
	return *is_integer_r ? fits(digits, len, is_negative) : skip_fraction(s, len);
}

/* ---- values ---------------------------------------------------------------------- */

static bool skip_scalar(struct json_scan *s)
{
	struct json_quoted span;
	bool is_integer;

	if (s->at == s->end)
		return false;
	switch (*s->at) {
	case '"':
		return json_scan_string(s, &span);
	case 't':
		return json_scan_literal(s, "true");
	case 'f':
		return json_scan_literal(s, "false");
	case 'n':
		return json_scan_literal(s, "null");
	default:
		return json_scan_number(s, &is_integer);
	}
}

/* Where json_scan_skip() is. */
struct nesting {
	struct {
		bool is_object;
		unsigned first_key; /* of its keys */
	} levels[JSON_DEPTH_MAX];
	unsigned depth;
	struct json_quoted keys[JSON_KEYS_MAX]; /* of all open objects */
	unsigned keys_count;
};

/* Compare two keys, at least one of which has escapes. */
static bool same_unescaped(const struct json_quoted *a, const struct json_quoted *b)
{
	struct strbuf texts[2] = { STRBUF_INIT, STRBUF_INIT };
	bool same;

	json_scan_unescape(a, &texts[0]);
	json_scan_unescape(b, &texts[1]);
	same = texts[0].failed || texts[1].failed ||
		(texts[0].len == texts[1].len &&
			memcmp(texts[0].text, texts[1].text, texts[0].len) == 0);
	strbuf_free(&texts[0]);
	strbuf_free(&texts[1]);
	return same;
}

static bool same_key(const struct json_quoted *a, const struct json_quoted *b)
{
	if (a->escaped || b->escaped)
		return same_unescaped(a, b);
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Move behind a key and its colon. Returns false also if the object already has the key. */
static bool skip_key(struct json_scan *s, struct nesting *n)
{
	struct json_quoted *key = &n->keys[n->keys_count];
	unsigned i;

	if (n->keys_count == JSON_KEYS_MAX || !json_scan_string(s, key))
		return false;
	/* jansson refuses a NUL in a key. */
	if (key->escaped && memmem(key->text, key->len, "\\u0000", 6) != NULL)
		return false;
	for (i = n->levels[n->depth - 1].first_key; i < n->keys_count; i++)
		if (same_key(&n->keys[i], key))
			return false;
	n->keys_count++;
	json_scan_space(s);
	return json_scan_byte(s, ':');
}

/* Move behind the bracket of an array or object. Returns false if it is too deep. */
static bool open_level(struct json_scan *s, struct nesting *n)
{
	if (n->depth == JSON_DEPTH_MAX)
		return false;
	n->levels[n->depth].is_object = *s->at == '{';
	n->levels[n->depth].first_key = n->keys_count;
	n->depth++;
	s->at++;
	json_scan_space(s);
	return true;
}

static bool close_level(struct json_scan *s, struct nesting *n)
{
	if (!json_scan_byte(s, n->levels[n->depth - 1].is_object ? '}' : ']'))
		return false;
	n->keys_count = n->levels[--n->depth].first_key;
	return true;
}

/* After a value, move behind the ends of arrays and objects, and then behind a comma and a key.
 * Returns false if something else follows. */
static bool end_value(struct json_scan *s, struct nesting *n)
{
	while (n->depth > 0) {
		json_scan_space(s);
		if (json_scan_byte(s, ',')) {
			json_scan_space(s);
			return !n->levels[n->depth - 1].is_object || skip_key(s, n);
		}
		if (!close_level(s, n))
			return false;
	}
	return true;
}

bool json_scan_skip(struct json_scan *s)
{
	struct nesting n;

	n.depth = n.keys_count = 0;
	do {
		json_scan_space(s);
		if (s->at == s->end || (*s->at != '{' && *s->at != '[')) {
			if (!skip_scalar(s))
				return false;
		} else if (!open_level(s, &n)) {
			return false;
		} else if (!close_level(s, &n)) { /* it is not empty */
			if (n.levels[n.depth - 1].is_object && !skip_key(s, &n))
				return false;
			continue;
		}
		if (!end_value(s, &n))
			return false;
	} while (n.depth > 0);
	return true;
}
