/*
 * Finds regexes that match no address: they are in another form, or require a domain that no
 * address has. Stateless; any thread may call it. Part of regex_check.c.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_check_private.h"

/* A place in a regex of addresses. */
struct special {
	const char
		*at; /* a character that addresses contain in quotes or brackets alone; or NULL */
	char literal;
};

/*
 * Find a special character that is not followed by anything that can end the quotes or brackets.
 * A dot can do so only if it is the last, or before an @.
 */
static struct special find_special(const struct regex_checked *c)
{
	struct regex_atoms atoms = { c->text, c->text + c->len };
	struct special special = { NULL, '\0' };
	const char *start = atoms.at;
	bool after_dot = false;
	enum regex_atom atom;
	char literal = '\0';

	while ((atom = regex_atoms_next(&atoms, &literal)) != ATOM_END) {
		bool is_dot = atom == ATOM_OTHER && atoms.at == start + 1 && *start == '.';

		if (atom == ATOM_LITERAL && special.at == NULL &&
			strchr(" \t,;:<>()", literal) != NULL)
			special = (struct special){ start, literal };
		else if (atom == ATOM_LITERAL &&
			(strchr("\"]", literal) != NULL || (after_dot && literal == '@')))
			special.at = NULL;
		else if (atom == ATOM_OTHER && !is_dot)
			special.at = NULL;
		after_dot = is_dot;
		start = atoms.at;
	}
	if (after_dot)
		special.at = NULL;
	return special;
}

/*
 * Refuse a regex that requires a special character after an @. No domain contains one, and an
 * address with quotes around both is refused before any list, because MTAs read it in different
 * ways.
 */
static bool domain_specials_fit(const struct regex_checked *c)
{
	struct regex_atoms atoms = { c->text, c->text + c->len };
	struct strbuf right = STRBUF_INIT;
	const char *start = atoms.at;
	bool has_at = false;
	enum regex_atom atom;
	char literal, reason[100];

	while ((atom = regex_atoms_next(&atoms, &literal)) != ATOM_END) {
		if (atom == ATOM_LITERAL && literal == '"')
			return true; /* quotes say that it is meant */
		if (atom == ATOM_LITERAL && has_at && strchr(",;<>()", literal) != NULL) {
			(void)text_format(reason, sizeof(reason),
				"requires \"%c\" after an @, but an entry is a single regex",
				literal);
			strbuf_add(&right, c->text, (size_t)(start - c->text));
			(void)regex_fail(c, reason, &right);
			strbuf_free(&right);
			return false;
		}
		has_at = has_at || (atom == ATOM_LITERAL && literal == '@');
		start = atoms.at;
	}
	return true;
}

static bool specials_fit(const struct regex_checked *c)
{
	const struct special special = find_special(c);
	struct strbuf right = STRBUF_INIT;
	const char *end = special.at;
	char reason[100];

	if (special.at == NULL || !(c->anchored || c->text[c->len - 1] == '$'))
		return true;
	(void)text_format(reason, sizeof(reason),
		"requires \"%c\", which no address contains outside of quotes", special.literal);
	while (end > c->text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	strbuf_add(&right, c->text, (size_t)(end - c->text));
	(void)regex_fail(c, reason, &right);
	strbuf_free(&right);
	return false;
}

/* Return whether a regex that must match a whole address is a mere domain. A dot may match the @,
 * which makes sense only if another one is left for the domain. */
static bool is_mere_domain(const struct regex_checked *c, const struct regex_needs *needs)
{
	return needs->is_literal && !needs->has_at && needs->dots + needs->any > 0 &&
		(needs->any == 0 || needs->dots + needs->any == 1) &&
		regex_without_anchors(c).len > 1;
}

/* Add the probable meaning of a mere domain. */
static void add_domain_regex(const struct regex_checked *c, const struct regex_needs *needs,
	struct strbuf *out)
{
	const struct regex_checked inner = regex_without_anchors(c);
	const size_t from_start = (size_t)(inner.text - c->text);

	strbuf_add_str(out, needs->first == '.' ? ".*" : inner.text[0] == '.' ? ".*\\" : ".*@");
	if (needs->last == '.') {
		strbuf_add(out, inner.text, inner.len);
		strbuf_add_str(out, ".*");
	} else {
		strbuf_add(out, inner.text, c->len - from_start);
	}
}

/* Add the probable meaning of a regex of addresses that begins with < or @, or has a backslash. */
static void add_bare_regex(const struct regex_checked *c, const struct regex_needs *needs,
	struct strbuf *out)
{
	const char *text = c->text;
	size_t len = c->len, i;

	if (text[0] == '^') {
		text++;
		len--;
	}
	if (needs->first == '<') {
		text++;
		len--;
		len -= len > 0 && text[len - 1] == '>';
	} else if (!needs->has_slash) {
		strbuf_add_str(out, ".*");
	}
	for (i = 0; i < len; i++) {
		strbuf_add_char(out, text[i]);
		if (needs->has_slash && text[i] == '\\' && i + 1 < len && text[i + 1] == '\\')
			i++;
	}
}

/* Return why a regex requires a domain that no address has, and its probable meaning; or NULL. */
static const char *find_domain_fault(const struct regex_checked *c, const struct regex_needs *needs,
	bool is_closed, struct strbuf *right)
{
	const struct regex_checked inner = regex_without_anchors(c);

	/* Without an @, it is in a domain if a dot follows and the regex reaches the end. */
	if (needs->wide != NULL &&
		(needs->has_at ||
			(is_closed &&
				memmem(needs->wide, (size_t)(c->text + c->len - needs->wide), "\\.",
					2) != NULL)) &&
		regex_add_ascii_form(c, needs->wide, right))
		return REGEX_OUTSIDE_ASCII;
	if (needs->tag != NULL) {
		strbuf_add(right, c->text, (size_t)(needs->tag - c->text));
		strbuf_add(right, needs->tag + REGEX_TAG_LEN,
			(size_t)(c->text + c->len - needs->tag) - REGEX_TAG_LEN);
		return "requires \"IPv6:\", but addresses are matched without it, as in "
		       "x@[2001:db8::1]";
	}
	if (needs->first_dot != NULL) {
		strbuf_add(right, c->text, (size_t)(needs->first_dot - c->text));
		strbuf_add_str(right, ".*");
		strbuf_add(right, needs->first_dot, (size_t)(c->text + c->len - needs->first_dot));
		return "has a dot behind the @, and no domain begins with one";
	}
	if (needs->has_at && needs->last == '.' && is_closed) {
		strbuf_add(right, inner.text, inner.len);
		strbuf_add_str(right, ".*");
		return "ends with a dot, and no domain does";
	}
	return NULL;
}

static bool form_can_match(const struct regex_checked *c, const struct regex_needs *needs)
{
	const bool is_closed = c->anchored || c->text[c->len - 1] == '$';
	struct strbuf right = STRBUF_INIT;
	const struct regex_checked inner = regex_without_anchors(c);
	const char *reason = NULL;

	if (needs->first == '<') {
		reason = "begins with <, but addresses are matched without brackets";
		add_bare_regex(c, needs, &right);
	} else if (needs->has_slash && needs->first != '"') {
		reason = "requires a backslash in the domain";
		add_bare_regex(c, needs, &right);
	} else if (needs->first == '@' && (c->anchored || c->text[0] == '^')) {
		reason = "begins with @, and every address has a name before it";
		add_bare_regex(c, needs, &right);
	} else if (needs->last == '@' && is_closed) {
		reason = "ends with @, and every address has a domain behind it";
		strbuf_add(&right, inner.text, inner.len);
		strbuf_add_str(&right, ".*");
	} else if (c->anchored && is_mere_domain(c, needs)) {
		reason = "is a domain, and must match the whole address";
		add_domain_regex(c, needs, &right);
	} else if (needs->first != '"') {
		reason = find_domain_fault(c, needs, is_closed, &right);
	}
	if (reason != NULL)
		(void)regex_fail(c, reason, &right);
	strbuf_free(&right);
	return reason == NULL;
}

bool regex_address_can_match(const struct regex_checked *c, const struct regex_needs *needs)
{
	return form_can_match(c, needs) && specials_fit(c) && domain_specials_fit(c);
}
