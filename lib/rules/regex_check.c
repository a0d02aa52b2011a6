/*
 * Finds regexes that can never match: those in the form of another program's table
 * (regex_foreign.c), and those that require a character that no subject contains. Stateless; any
 * thread may call it.
 */
#include "lib/rules/regex_check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_foreign.h"

#define SHOWN_MAX 120 /* bytes of a regex in a message */

/* A regex that is checked. */
struct checked {
	enum regex_subject subject;
	bool anchored;
	const char *text;
	size_t len;
	struct errmsg *fault;
	struct strbuf *right; /* the probable meaning of a regex that cannot match */
};

/* Set the fault and the probable meaning, which may be NULL. Returns false. */
static bool fail(const struct checked *c, const char *reason, const struct strbuf *right)
{
	(void)errmsg_set(c->fault, "\"%.*s\" %s", TEXT_CUT_LEN(c->text, c->len, SHOWN_MAX), reason);
	strbuf_reset(c->right);
	if (right != NULL && !right->failed)
		strbuf_add(c->right, right->text, right->len);
	return false;
}

/* Return whether the text has the form of another program's list. */
static bool is_foreign(const struct checked *c)
{
	struct strbuf right = STRBUF_INIT;
	struct errmsg reason;
	bool foreign = regex_is_foreign(c->text, c->len, c->anchored, &reason, &right);

	if (foreign)
		(void)fail(c, reason.text, &right);
	strbuf_free(&right);
	return foreign;
}

/* ---- the content of subjects ------------------------------------------------------------ */

/* The requirements of a regex without alternatives. */
struct needs {
	char first;	 /* the character with which each match begins; NUL: unknown */
	char last;	 /* the same for the end */
	char odd;	 /* a character that no client's name or address contains; NUL: none */
	bool is_literal; /* each character is known, except for dots */
	bool is_number;	 /* each known character is a digit or a dot */
	bool has_at;
	bool has_slash;	    /* a backslash in the domain */
	unsigned dots, any; /* known dots, and dots that match any character */
};

static void add_need(struct needs *needs, char literal, bool is_first)
{
	if (is_first)
		needs->first = literal;
	if (strchr("@/ \t,;<>\"'=[]()\\", literal) != NULL)
		needs->odd = literal;
	needs->has_slash = needs->has_slash || (needs->has_at && literal == '\\');
	needs->has_at = needs->has_at || literal == '@';
	needs->dots += literal == '.';
	needs->is_number = needs->is_number && (literal == '.' || isdigit((unsigned char)literal));
}

static struct needs find_needs(const struct checked *c)
{
	struct regex_atoms atoms = { c->text, c->text + c->len };
	struct needs needs = { .is_literal = true, .is_number = true };
	const char *start = atoms.at;
	bool is_first = true;
	enum regex_atom atom;
	char literal;

	while ((atom = regex_atoms_next(&atoms, &literal)) != ATOM_END) {
		if (atom == ATOM_LITERAL)
			add_need(&needs, literal, is_first);
		else if (atom == ATOM_OTHER && atoms.at == start + 1 && *start == '.')
			needs.any++;
		else if (atom == ATOM_OTHER)
			needs.is_literal = false;
		is_first = is_first && atom == ATOM_ANCHOR;
		if (atom != ATOM_ANCHOR)
			needs.last = atom == ATOM_LITERAL ? literal : '\0';
		start = atoms.at;
	}
	return needs;
}

/* Refuse a regex that requires characters after the end of the subject, or before its beginning. */
static bool anchors_fit(const struct checked *c)
{
	struct regex_atoms atoms = { c->text, c->text + c->len };
	const char *start = atoms.at, *end = NULL;
	struct strbuf right = STRBUF_INIT;
	bool any_literal = false;
	enum regex_atom atom;
	char literal;

	while ((atom = regex_atoms_next(&atoms, &literal)) != ATOM_END) {
		if (atom == ATOM_ANCHOR && *start == '^' && any_literal)
			return fail(c, "requires text before ^, which is the beginning", NULL);
		if (atom == ATOM_ANCHOR && *start == '$' && end == NULL)
			end = atoms.at;
		if (atom == ATOM_LITERAL && end != NULL) {
			strbuf_add(&right, c->text, (size_t)(end - c->text));
			(void)fail(c, "requires text after $, which is the end", &right);
			strbuf_free(&right);
			return false;
		}
		any_literal = any_literal || atom == ATOM_LITERAL;
		start = atoms.at;
	}
	return true;
}

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
static struct special find_special(const struct checked *c)
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

static bool specials_fit(const struct checked *c)
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
	(void)fail(c, reason, &right);
	strbuf_free(&right);
	return false;
}

/* Return why no whole name or address of a client can match, and the probable meaning; or NULL. */
static const char *find_client_fault(const struct checked *c, const struct needs *needs,
	struct strbuf *right)
{
	const size_t begin = c->text[0] == '^' ? 1 : 0;
	const size_t end = c->len - (c->text[c->len - 1] == '$' ? 1 : 0);
	const char *reason = NULL;

	if (needs->first == '.') {
		reason = "begins with a dot, and must match the whole name or address";
		strbuf_add_str(right, ".*");
		strbuf_add(right, c->text + begin, c->len - begin);
		if (needs->last == '.' && end == c->len)
			strbuf_add_str(right, ".*");
	} else if (needs->is_literal && needs->last == '.') {
		reason = "ends with a dot, and must match the whole name or address";
		strbuf_add(right, c->text, end);
		strbuf_add_str(right, ".*");
	} else if (needs->is_literal && needs->is_number && needs->any == 0 && needs->dots > 0 &&
		needs->dots < 3) {
		reason = "is a part of an address, and must match all of it";
		strbuf_add(right, c->text, end);
		strbuf_add_str(right, "\\..*");
	}
	return reason;
}

static bool client_can_match(const struct checked *c, const struct needs *needs)
{
	struct strbuf right = STRBUF_INIT;
	const char *fault;
	char reason[100];

	if (c->len == 8 && strncasecmp(c->text, "NXDOMAIN", 8) == 0)
		return fail(c,
			"is a word for clients without a name, and only addresses match these",
			NULL);
	if (needs->odd != '\0') {
		(void)text_format(reason, sizeof(reason),
			"requires \"%c\", which no client's name or address contains", needs->odd);
		return fail(c, reason, NULL);
	}
	fault = c->anchored && c->len > 0 ? find_client_fault(c, needs, &right) : NULL;
	if (fault != NULL)
		(void)fail(c, fault, &right);
	strbuf_free(&right);
	return fault == NULL;
}

/* Return whether a regex that must match a whole address is a mere domain. A dot may match the @,
 * which makes sense only if another one is left for the domain. */
static bool is_mere_domain(const struct needs *needs)
{
	return needs->is_literal && !needs->has_at && needs->dots + needs->any > 0 &&
		(needs->any == 0 || needs->dots + needs->any == 1);
}

/* Return the probable meaning of a regex of addresses that requires something impossible. */
static void add_address_regex(const struct checked *c, const struct needs *needs,
	struct strbuf *out)
{
	const char *text = c->text;
	size_t len = c->len, i;

	if (text[0] == '^') {
		text++;
		len--;
	}
	if (needs->first != '<' && needs->first != '@' && needs->last == '@') {
		strbuf_add(out, text, len - (text[len - 1] == '$'));
		strbuf_add_str(out, ".*");
		return;
	}
	if (needs->first == '<') {
		text++;
		len--;
		len -= len > 0 && text[len - 1] == '>';
	} else if (!needs->has_slash) {
		strbuf_add_str(out, needs->first == '@' ? ".*" : ".*@");
	}
	for (i = 0; i < len; i++) {
		strbuf_add_char(out, text[i]);
		if (needs->has_slash && text[i] == '\\' && i + 1 < len && text[i + 1] == '\\')
			i++;
	}
}

static bool address_can_match(const struct checked *c, const struct needs *needs)
{
	struct strbuf right = STRBUF_INIT;
	const char *reason = NULL;

	if (needs->first == '<')
		reason = "begins with <, but addresses are matched without brackets";
	else if (needs->has_slash && needs->first != '"')
		reason = "requires a backslash in the domain";
	else if (needs->first == '@' && (c->anchored || c->text[0] == '^'))
		reason = "begins with @, and every address has a name before it";
	else if (needs->last == '@' && (c->anchored || c->text[c->len - 1] == '$'))
		reason = "ends with @, and every address has a domain behind it";
	else if (c->anchored && is_mere_domain(needs))
		reason = "is a domain, and must match the whole address";
	if (reason == NULL)
		return true;
	add_address_regex(c, needs, &right);
	(void)fail(c, reason, &right);
	strbuf_free(&right);
	return false;
}

/* Return whether a regex that must match the whole subject is one class, as in [192.0.2.7]. */
static bool is_one_class(const struct checked *c)
{
	return c->anchored && c->text[0] == '[' &&
		regex_class_end(c->text, c->text + c->len) == c->text + c->len;
}

static bool check_regex(const struct checked *c)
{
	struct needs needs;

	if (is_foreign(c))
		return false;
	if (regex_has_alternatives(c->text, c->len))
		return true;
	if (!anchors_fit(c))
		return false;
	if (c->subject == REGEX_ON_HELO)
		return true;
	if (is_one_class(c))
		return fail(c, "is a class, which matches one character", NULL);
	needs = find_needs(c);
	if (c->subject == REGEX_ON_CLIENTS)
		return client_can_match(c, &needs);
	return address_can_match(c, &needs) && specials_fit(c);
}

#define ROUNDS 4 /* repairs that one regex may need */

/* Add the remedy to the fault: the probable meaning of the regex, or what this means in turn, until
 * it is a regex that may match. */
static void add_remedy(const struct checked *c)
{
	struct strbuf text = STRBUF_INIT;
	const struct errmsg fault = *c->fault;
	struct checked next = *c;
	struct errmsg unused;
	int round;

	next.fault = &unused;
	for (round = 0; round < ROUNDS && c->right->len > 0 && !c->right->failed; round++) {
		strbuf_reset(&text);
		strbuf_add(&text, c->right->text, c->right->len);
		next.text = text.text;
		next.len = text.len;
		if (!text.failed && check_regex(&next)) {
			(void)errmsg_set(c->fault, "%s; write %.*s", fault.text,
				TEXT_CUT_LEN(text.text, text.len, SHOWN_MAX));
			break;
		}
	}
	strbuf_free(&text);
}

bool regex_check(enum regex_subject subject, bool anchored, const char *text, size_t len,
	struct errmsg *fault)
{
	struct strbuf right = STRBUF_INIT;
	const struct checked c = {
		.subject = subject,
		.anchored = anchored,
		.text = text,
		.len = len,
		.fault = fault,
		.right = &right,
	};
	size_t valid = utf8_valid_len(text, len);
	bool fits;

	if (valid < len) {
		(void)errmsg_set(fault, "\"%.*s\" contains the byte 0x%02x, which is not UTF-8",
			TEXT_CUT_LEN(text, len, SHOWN_MAX), (unsigned char)text[valid]);
		return false;
	}
	fits = check_regex(&c);
	if (!fits && fault != NULL)
		add_remedy(&c);
	strbuf_free(&right);
	return fits;
}
