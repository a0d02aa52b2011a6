/*
 * Splits the text of a regex into what each match requires and the rest. Stateless; any thread may
 * call it. Part of regex_check.c.
 */
#include "lib/rules/regex_atoms.h"

#include <ctype.h>
#include <string.h>

const char *regex_class_end(const char *p, const char *end)
{
	for (p++; p < end && *p != ']'; p++)
		p += *p == '\\' && p + 1 < end;
	return p < end ? p + 1 : end;
}

/* Return the end of the group at p. */
static const char *group_end(const char *p, const char *end)
{
	unsigned depth = 0;

	while (p < end) {
		if (*p == '[') {
			p = regex_class_end(p, end);
			continue;
		}
		depth += *p == '(';
		if (*p == ')' && --depth == 0)
			return p + 1;
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	}
	return end;
}

/* Return the end of the counts in braces at p. */
static const char *end_of_counts(const char *p, const char *end)
{
	while (p < end && *p != '}')
		p++;
	return p < end ? p + 1 : end;
}

enum regex_atom regex_atoms_next(struct regex_atoms *atoms, char *literal_r)
{
	const char *p = atoms->at, *end = atoms->end;
	enum regex_atom atom = ATOM_OTHER;

	if (p >= end)
		return ATOM_END;
	if (*p == '\\' && p + 1 < end) {
		atom = ispunct((unsigned char)p[1]) ? ATOM_LITERAL : ATOM_OTHER;
		*literal_r = p[1];
		p += 2;
	} else if (*p == '[') {
		if (end - p > 2 && strchr(".@", p[1]) != NULL && p[2] == ']') { /* [.] is \. */
			atom = ATOM_LITERAL;
			*literal_r = p[1];
		}
		p = regex_class_end(p, end);
	} else if (*p == '(') {
		p = group_end(p, end);
	} else if ((unsigned char)*p >= 0x80) {
		atom = ATOM_LITERAL;
		for (*literal_r = *p++; p < end && ((unsigned char)*p & 0xc0) == 0x80; p++)
			;
	} else {
		atom = *p == '|'				  ? ATOM_ALTERNATIVE :
			*p == '^' || *p == '$'			  ? ATOM_ANCHOR :
			*p == '.' || strchr("*+?{})", *p) != NULL ? ATOM_OTHER :
								    ATOM_LITERAL;
		*literal_r = *p++;
	}
	if (atom != ATOM_ALTERNATIVE && p < end && (*p == '*' || *p == '?' || *p == '{')) {
		atom = ATOM_OTHER;
		if (*p == '{')
			p = end_of_counts(p, end);
	}
	atoms->at = p;
	return atom;
}

bool regex_has_alternatives(const char *text, size_t len)
{
	struct regex_atoms rest = { text, text + len };

	(void)regex_alternative_next(&rest, NULL);
	return rest.at != NULL;
}

const char *regex_alternative_next(struct regex_atoms *rest, size_t *len_r)
{
	struct regex_atoms atoms = *rest;
	const char *start = rest->at;
	enum regex_atom atom;
	char literal;

	if (start == NULL)
		return NULL;
	while ((atom = regex_atoms_next(&atoms, &literal)) != ATOM_END && atom != ATOM_ALTERNATIVE)
		;
	rest->at = atom == ATOM_END ? NULL : atoms.at;
	if (len_r != NULL)
		*len_r = (size_t)((atom == ATOM_END ? atoms.end : atoms.at - 1) - start);
	return start;
}

const char *regex_in_group(const char *text, size_t len, size_t *len_r)
{
	const size_t head = len > 2 && memcmp(text, "(?:", 3) == 0 ? 3 : 1;

	if (len < head + 1 || text[0] != '(' || text[len - 1] != ')' ||
		(head == 1 && text[1] == '?') || group_end(text, text + len) != text + len)
		return NULL;
	*len_r = len - head - 1;
	return text + head;
}
