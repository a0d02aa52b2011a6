#include "lib/match/regex_dialect.h"

#include <ctype.h>
#include <string.h>

/* The letters that mean something behind a backslash in JavaScript; digits and punctuation PCRE2
 * reads alike. */
static const char known_escapes[] = "bBdDwWsSfnrtvcxuk";

/* Copy the escape at p; returns what is behind it. */
static const char *copy_escape(const char *p, const char *end, struct strbuf *out)
{
	if (p + 1 >= end) {
		strbuf_add_char(out, '\\');
		return end;
	}
	if (!isalpha((unsigned char)p[1]) || strchr(known_escapes, p[1]) != NULL)
		strbuf_add_char(out, '\\');
	strbuf_add_char(out, p[1]);
	return p + 2;
}

void regex_dialect_translate(const char *regex, size_t len, struct strbuf *out)
{
	const char *p = regex, *end = regex + len;
	int in_class = 0;

	while (p < end) {
		if (*p == '\\') {
			p = copy_escape(p, end, out);
			continue;
		}
		if (in_class) {
			in_class = *p != ']';
			if (*p == '[')
				strbuf_add_char(out, '\\');
		} else if (*p == '[') {
			in_class = 1;
		} else if (*p == '{' && p + 1 < end && p[1] == ',') {
			strbuf_add_char(out, '\\');
		}
		strbuf_add_char(out, *p++);
	}
}
