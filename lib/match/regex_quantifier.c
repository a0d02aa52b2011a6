/*
 * Reads the quantifiers of regexes in JavaScript's dialect. Stateless; any thread may call it.
 * Nothing is allocated.
 */
#include "lib/match/regex_quantifier.h"

#include <ctype.h>
#include <stddef.h>

const char *regex_quantifier_braces_end(const char *p, const char *end)
{
	const char *digits = ++p;

	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (p == digits || p == end)
		return NULL;
	if (*p == ',') {
		for (p++; p < end && isdigit((unsigned char)*p); p++)
			;
	}
	return p < end && *p == '}' ? p + 1 : NULL;
}

bool regex_quantifier_follows(const char *p, const char *end)
{
	return p < end &&
		(*p == '*' || *p == '+' || *p == '?' ||
			(*p == '{' && regex_quantifier_braces_end(p, end) != NULL));
}

/* Return the position after zeros. */
static const char *skip_zeros(const char *p)
{
	while (*p == '0')
		p++;
	return p;
}

bool regex_quantifier_is_optional(const char *p)
{
	return *p == '{' ? !isdigit((unsigned char)*skip_zeros(p + 1)) : *p != '+';
}

bool regex_quantifier_is_nothing(const char *p)
{
	if (*p != '{' || *(p = skip_zeros(p + 1)) == '}')
		return *p == '}';
	return *p == ',' && p[1] == '0' && *skip_zeros(p + 1) == '}';
}
