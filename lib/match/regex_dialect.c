/*
 * Translates regexes from JavaScript's dialect to PCRE2's.
 * Stateless; any thread may call it.
 */
#include "lib/match/regex_dialect.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* The letters that have a meaning after a backslash in JavaScript. PCRE2 reads digits and
 * punctuation as JavaScript does. */
static const char known_escapes[] = "bBdDwWsSfnrtvcxuk";

/* Copy the escape at p. Returns the position after it. */
static const char *copy_escape(const char *p, const char *end, struct strbuf *out)
{
	if (p + 1 >= end) {
		strbuf_add_char(out, '\\');
		return end;
	}
	if (p[1] == 'c' && (p + 2 >= end || !isalpha((unsigned char)p[2])))
		strbuf_add_str(out,
			"\\\\"); /* not a control character: the backslash stands for itself */
	else if (!isalpha((unsigned char)p[1]) || strchr(known_escapes, p[1]) != NULL)
		strbuf_add_char(out, '\\');
	strbuf_add_char(out, p[1]);
	return p + 2;
}

static const char *atom_end(const char *p, const char *end)
{
	if (*p++ == '\\')
		return p < end ? p + 1 : p;
	while (p < end && ((unsigned char)*p & 0xc0) == 0x80)
		p++;
	return p;
}

/* Copy one character of a class, or an escape. Returns the position after it. */
static const char *copy_atom(const char *p, const char *end, struct strbuf *out)
{
	const char *behind = atom_end(p, end);

	if (*p == '\\')
		return copy_escape(p, end, out);
	if (*p == '[' || *p == '-')
		strbuf_add_char(out, '\\');
	strbuf_add(out, p, (size_t)(behind - p));
	return behind;
}

static bool is_set(const char *p, const char *end)
{
	return p + 1 < end && *p == '\\' && p[1] != '\0' && strchr("dDwWsS", p[1]) != NULL;
}

/*
 * Copy the class at p. Returns its closing bracket. A hyphen next to \w and the like stands for
 * itself ("[\w-.]"), where PCRE2 would see an invalid range.
 */
static const char *copy_class(const char *p, const char *end, struct strbuf *out)
{
	const char *hyphen;

	strbuf_add_char(out, *p++);
	if (p < end && *p == '^')
		strbuf_add_char(out, *p++);
	else if (p < end && (*p == ':' || *p == '.' || *p == '='))
		strbuf_add_char(out,
			'\\'); /* PCRE2 would read "[:a:]" as a misplaced POSIX class */
	while (p < end && *p != ']') {
		hyphen = atom_end(p, end);
		if (hyphen + 1 >= end || *hyphen != '-' || hyphen[1] == ']') {
			p = copy_atom(p, end, out);
			continue;
		}
		(void)copy_atom(p, end, out);
		strbuf_add_str(out, is_set(p, end) || is_set(hyphen + 1, end) ? "\\-" : "-");
		p = copy_atom(hyphen + 1, end, out);
	}
	return p;
}

void regex_dialect_translate(const char *regex, size_t len, struct strbuf *out)
{
	const char *p = regex, *end = regex + len;

	while (p < end) {
		if (*p == '\\') {
			p = copy_escape(p, end, out);
			continue;
		}
		if (*p == '[' && p + 1 < end && p[1] == ']') {
			strbuf_add_str(out, "(?!)"); /* PCRE2 supports [], but not []? or []* */
			p += 2;
			continue;
		}
		if (*p == '[') {
			p = copy_class(p, end, out);
			continue;
		}
		if (*p == '{' && p + 1 < end && p[1] == ',')
			strbuf_add_char(out, '\\');
		strbuf_add_char(out, *p++);
	}
}
