#ifndef POSTERN_JSON_SCAN_H
#define POSTERN_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"

/*
 * A scanner of JSON (RFC 8259) in a text that is valid UTF-8, without a tree. Whatever it accepts,
 * json_loadb() accepts with JSON_REJECT_DUPLICATES and JSON_ALLOW_NUL. The reverse is true except
 * for what exceeds JSON_DEPTH_MAX or JSON_KEYS_MAX, fractions and exponents of numbers from 1e308
 * on, and exponents with more than four digits. jansson judges a text that the scanner does not
 * accept. Thread-safe.
 */
struct json_scan {
	const char *at, *end;
};

/* A string, between its quotes. */
struct json_quoted {
	const char *text;
	size_t len;
	bool escaped; /* contains a backslash */
};

/* The depth of arrays and objects, and the keys of objects within each other, that json_scan_skip()
 * accepts. */
#define JSON_DEPTH_MAX 32
#define JSON_KEYS_MAX 128

/* Move behind white space. */
static inline void json_scan_space(struct json_scan *s)
{
	while (s->at < s->end &&
		(*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
		s->at++;
}

/* Move behind a byte. Returns false, and does not move, if another one follows. */
static inline bool json_scan_byte(struct json_scan *s, char byte)
{
	if (s->at == s->end || *s->at != byte)
		return false;
	s->at++;
	return true;
}

/* The same for a literal, such as true. */
bool json_scan_literal(struct json_scan *s, const char *literal);

/* Move behind a string or a number, or return false. */
bool json_scan_string(struct json_scan *s, struct json_quoted *span_r);
bool json_scan_number(struct json_scan *s, bool *is_integer_r);

/* Move behind a value of any kind. Returns false, perhaps within the value, if it is malformed, or
 * if jansson has to judge it. */
bool json_scan_skip(struct json_scan *s);

/* Append the characters of a string to text. */
void json_scan_unescape(const struct json_quoted *span, struct strbuf *text);

#endif
