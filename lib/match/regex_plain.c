/*
 * Reads the plain syntax of regexes, which PCRE2 and hyperscan read alike. Stateless; any thread
 * may call it.
 */
#include "lib/match/regex_plain.h"

#include <ctype.h>
#include <string.h>

#define TEXT_MIN 3 /* characters by which hyperscan finds a regex */

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && isdigit((unsigned char)*p))
		p++;
	return p;
}

/* Return the position after "{n}", "{n,}" or "{n,m}" at p, or NULL for anything else. */
static const char *skip_counts(const char *p, const char *end)
{
	const char *digits = p + 1;

	p = skip_digits(digits, end);
	if (p == digits || p - digits > 3)
		return NULL;
	if (p < end && *p == ',')
		p = skip_digits(p + 1, end);
	return p < end && *p == '}' ? p + 1 : NULL;
}

/* Return the position after the escape at p, or NULL when the dialects may read it differently. */
static const char *skip_escape(const char *p, const char *end)
{
	if (p + 1 >= end)
		return NULL;
	return p[1] == 'd' || p[1] == 'w' || p[1] == 'D' || p[1] == 'W' ||
			ispunct((unsigned char)p[1]) ?
		p + 2 :
		NULL;
}

/* Return the position after the class at p, or NULL for an empty, POSIX or otherwise odd one. */
static const char *skip_class(const char *p, const char *end)
{
	p++;
	if (p < end && *p == '^')
		p++;
	if (p < end && *p == ']')
		return NULL;
	while (p < end && *p != ']') {
		if (*p == '[' || !isprint((unsigned char)*p))
			return NULL;
		p = *p == '\\' ? skip_escape(p, end) : p + 1;
		if (p == NULL)
			return NULL;
	}
	return p < end ? p + 1 : NULL;
}

/* Return the position after the quantifier at p with its lazy mark, or NULL for a possessive one.
 */
static const char *skip_quantifier(const char *p, const char *end)
{
	p = *p == '{' ? skip_counts(p, end) : p + 1;
	if (p == NULL || (p < end && *p == '+'))
		return NULL;
	return p < end && *p == '?' ? p + 1 : p;
}

bool regex_is_plain(const char *regex, size_t len)
{
	const char *p = regex, *end = regex + len;

	while (p != NULL && p < end) {
		switch (*p) {
		case '\\':
			p = skip_escape(p, end);
			break;
		case '[':
			p = skip_class(p, end);
			break;
		case '(':
			if (p + 1 < end && p[1] == '*')
				return false;
			if (p + 1 < end && p[1] == '?') {
				if (p + 2 >= end || p[2] != ':')
					return false;
				p += 2;
			}
			p++;
			break;
		case '*':
		case '+':
		case '?':
		case '{':
			p = skip_quantifier(p, end);
			break;
		default:
			p = isprint((unsigned char)*p) ? p + 1 : NULL;
		}
	}
	return p != NULL;
}

/* Return whether a character or an escape stands for itself. */
static bool is_text(const char *p)
{
	return *p == '\\' ? ispunct((unsigned char)p[1]) : strchr(".[]()*+?{}|^$", *p) == NULL;
}

bool regex_plain_is_loose(const char *regex)
{
	const char *p = regex, *end = regex + strlen(regex), *next;
	unsigned depth = 0, run = 0, longest = 0;
	bool repeats = false, has_branches = false;

	for (; p != NULL && p < end; p = next) {
		next = *p == '\\' ? p + 2 : *p == '[' ? skip_class(p, end) : p + 1;
		next = *p == '{' ? skip_counts(p, end) : next;
		depth += *p == '(';
		depth -= *p == ')' && depth > 0;
		repeats = repeats || strchr("*+?{", *p) != NULL;
		has_branches = has_branches || (*p == '|' && depth == 0);
		run = depth == 0 && is_text(p) ? run + 1 : 0;
		if (run > longest && (next == NULL || next >= end || strchr("?*{", *next) == NULL))
			longest = run;
	}
	return repeats && (has_branches || longest < TEXT_MIN);
}
