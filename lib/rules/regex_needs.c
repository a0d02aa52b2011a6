/*
 * Finds what each match of a regex without alternatives requires: its first and last character, and
 * those that no subject contains. Stateless; any thread may call it. Part of regex_check.c.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_check_private.h"

bool regex_fail(const struct regex_checked *c, const char *reason, const struct strbuf *right)
{
	(void)errmsg_set(c->fault, "\"%.*s\" %s", TEXT_CUT_LEN(c->text, c->len, REGEX_SHOWN_MAX),
		reason);
	strbuf_reset(c->right);
	if (right != NULL && !right->failed)
		strbuf_add(c->right, right->text, right->len);
	return false;
}

struct regex_checked regex_without_anchors(const struct regex_checked *c)
{
	struct regex_checked inner = *c;

	if (inner.len > 0 && inner.text[0] == '^') {
		inner.text++;
		inner.len--;
	}
	if (inner.len > 0 && inner.text[inner.len - 1] == '$' &&
		(inner.len == 1 || inner.text[inner.len - 2] != '\\'))
		inner.len--;
	return inner;
}

bool regex_is_wide(char c)
{
	return (unsigned char)c >= 0x80;
}

/* Forget what was found, because it may be a part of a quoted local part. */
static void forget_domain(struct regex_needs *needs)
{
	needs->first_dot = needs->wide = NULL;
}

/* Return whether the text requires the tag. */
static bool begins_tag(const char *text, const char *end)
{
	const size_t len = (size_t)(end - text);

	return len >= REGEX_TAG_LEN && strncasecmp(text, REGEX_TAG, REGEX_TAG_LEN) == 0 &&
		(len == REGEX_TAG_LEN || strchr("*?{", text[REGEX_TAG_LEN]) == NULL);
}

static void add_need(struct regex_needs *needs, const char *at, char literal, bool is_first)
{
	if (is_first)
		needs->first = literal;
	if (strchr("@\"", literal) != NULL) {
		forget_domain(needs);
		needs->tag = NULL;
	}
	if (literal == '.' && needs->last == '@')
		needs->first_dot = at;
	if (regex_is_wide(literal) && needs->wide == NULL)
		needs->wide = at;
	if (strchr("@/ \t,;<>\"'=[]()\\", literal) != NULL)
		needs->odd = literal;
	needs->has_slash = needs->has_slash || (needs->has_at && literal == '\\');
	needs->has_at = needs->has_at || literal == '@';
	needs->dots += literal == '.';
	needs->is_number = needs->is_number && (literal == '.' || isdigit((unsigned char)literal));
}

struct regex_needs regex_needs_find(const struct regex_checked *c)
{
	struct regex_atoms atoms = { c->text, c->text + c->len };
	struct regex_needs needs = { .is_literal = true, .is_number = true };
	const char *start = atoms.at;
	bool is_first = true;
	enum regex_atom atom;
	char literal;

	while ((atom = regex_atoms_next(&atoms, &literal)) != ATOM_END) {
		if (atom == ATOM_LITERAL) {
			add_need(&needs, start, literal, is_first);
			if (literal == '[' && begins_tag(atoms.at, atoms.end))
				needs.tag = atoms.at;
		} else if (atom == ATOM_OTHER && atoms.at == start + 1 && *start == '.') {
			needs.any++;
		} else if (atom == ATOM_OTHER) {
			needs.is_literal = false;
			if (c->subject == REGEX_ON_ADDRESSES)
				forget_domain(&needs);
		}
		is_first = is_first && atom == ATOM_ANCHOR;
		if (atom != ATOM_ANCHOR)
			needs.last = atom == ATOM_LITERAL ? literal : '\0';
		start = atoms.at;
	}
	return needs;
}
