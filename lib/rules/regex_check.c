/*
 * Finds lines of regex lists that are written in the form of another program's table, or that
 * require a character that no subject contains. Stateless; any thread may call it.
 */
#include "lib/rules/regex_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/rules/line_action.h"

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

/* ---- the atoms of a regex ------------------------------------------------------------- */

struct atoms {
	const char *at, *end;
};

enum atom {
	ATOM_END,
	ATOM_LITERAL,	  /* one character, which is required */
	ATOM_ANCHOR,	  /* ^ or $ */
	ATOM_ALTERNATIVE, /* | */
	ATOM_OTHER,	  /* a group, a class, a dot, or optional */
};

/* Return the end of the class at p. */
static const char *class_end(const char *p, const char *end)
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
			p = class_end(p, end);
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

/* Get the next atom with its quantifier; *literal_r is the character of ATOM_LITERAL. */
static enum atom next_atom(struct atoms *atoms, char *literal_r)
{
	const char *p = atoms->at, *end = atoms->end;
	enum atom atom = ATOM_OTHER;

	if (p >= end)
		return ATOM_END;
	if (*p == '\\' && p + 1 < end) {
		atom = ispunct((unsigned char)p[1]) ? ATOM_LITERAL : ATOM_OTHER;
		*literal_r = p[1];
		p += 2;
	} else if (*p == '[') {
		p = class_end(p, end);
	} else if (*p == '(') {
		p = group_end(p, end);
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

static bool has_alternatives(const struct checked *c)
{
	struct atoms atoms = { c->text, c->text + c->len };
	enum atom atom;
	char literal;

	while ((atom = next_atom(&atoms, &literal)) != ATOM_END) {
		if (atom == ATOM_ALTERNATIVE)
			return true;
	}
	return false;
}

/* ---- other programs' tables ------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Return whether a text is a number, as behind the regexes of rspamd's maps. */
static bool is_score(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (strchr("0123456789.+-", text[i]) == NULL)
			return false;
	}
	return true;
}

/* Return the length of a regex without the action behind it, which is len if there is none. */
static size_t len_without_action(const char *text, size_t len)
{
	bool quoted = len > 0 && text[0] == '"';
	bool slashes = len > 0 && (text[0] == '/' || text[0] == '!');
	size_t i, stop;

	for (i = 1; i < len; i++) {
		quoted ^= text[i] == '"';
		if (quoted || !is_blank(text[i]))
			continue;
		stop = i;
		while (i < len && is_blank(text[i]))
			i++;
		if (i < len &&
			(line_action_at(text + i, len - i) != LINE_NO_ACTION ||
				(slashes && is_score(text + i, len - i))))
			return stop;
	}
	return len;
}

/* Add a regex that matches a part of a subject as one that matches the whole. */
static void add_whole(const struct checked *c, const char *text, size_t len, struct strbuf *out)
{
	const struct checked inner = { .text = text, .len = len };
	bool from_start = len > 0 && text[0] == '^';
	bool to_end = len > 1 && text[len - 1] == '$' && text[len - 2] != '\\';
	bool group = has_alternatives(&inner);

	if (!c->anchored) {
		strbuf_add(out, text, len);
		return;
	}
	if (group)
		from_start = to_end = false; /* they belong to one alternative */
	strbuf_add_str(out, from_start ? "" : ".*");
	strbuf_add_str(out, group ? "(?:" : "");
	strbuf_add(out, text + from_start, len - from_start - to_end);
	strbuf_add_str(out, group ? ")" : "");
	strbuf_add_str(out, to_end ? "" : ".*");
}

/* Return whether a regex has slashes around it, perhaps with ! or m before and flags behind. Sets
 * the part between them. */
static bool has_slashes(const char *text, size_t len, const char **inner_r, size_t *inner_len_r)
{
	size_t start = len > 0 && (text[0] == '!' || text[0] == 'm'), stop = len;

	while (start < len && is_blank(text[start]))
		start++;
	while (stop > start && isalpha((unsigned char)text[stop - 1]) && len - stop < 8)
		stop--;
	if (stop < start + 3 || text[start] != '/' || text[stop - 1] != '/' ||
		text[stop - 2] == '\\' || strspn(text + stop, "imxsuAEXUgy") < len - stop)
		return false;
	*inner_r = text + start + 1;
	*inner_len_r = stop - start - 2;
	return true;
}

static bool is_condition(const char *text, size_t len)
{
	return (len == 5 && strncasecmp(text, "endif", len) == 0) ||
		(len > 4 && strncasecmp(text, "if", 2) == 0 && is_blank(text[2]) &&
			memchr(text, '/', len) != NULL);
}

/* Add a wildcard such as "*.example.com" as a regex. */
static void add_wildcard(const char *text, size_t len, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '*')
			strbuf_add_char(out, '.');
		else if (text[i] == '.' && (i == 0 || text[i - 1] != '\\'))
			strbuf_add_char(out, '\\');
		strbuf_add_char(out, text[i]);
	}
}

/* Return whether a regex begins as those of JavaScript cannot: with * or with (?i). */
static bool begins_well(const struct checked *c)
{
	struct strbuf right = STRBUF_INIT;
	bool well = true;

	if (c->text[0] == '*') {
		add_wildcard(c->text, c->len, &right);
		well = fail(c, "is a wildcard, not a regex", &right);
	} else if (c->len > 4 && memcmp(c->text, "(?i)", 4) == 0) {
		strbuf_add(&right, c->text + 4, c->len - 4);
		well = fail(c, "begins with (?i), but case is ignored anyway", &right);
	}
	strbuf_free(&right);
	return well;
}

/* The marks of a regex in the tables of other programs: Postfix's types, nginx's operator. */
static const char *const prefixes[] = { "regexp:", "pcre:", "regex:", "~" };

static bool has_no_prefix(const struct checked *c)
{
	struct strbuf right = STRBUF_INIT;
	char reason[80];
	size_t i, len;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		len = strlen(prefixes[i]);
		if (c->len <= len || strncasecmp(c->text, prefixes[i], len) != 0 ||
			(prefixes[i][0] == '~' && !is_blank(c->text[1])))
			continue;
		(void)text_format(reason, sizeof(reason), "begins with %s, a mark of other tables",
			prefixes[i]);
		for (; len < c->len && is_blank(c->text[len]); len++)
			;
		strbuf_add(&right, c->text + len, c->len - len);
		(void)fail(c, reason, &right);
		strbuf_free(&right);
		return false;
	}
	return true;
}

/* Return whether a regex that must match the whole subject has quotes around it. */
static bool has_quotes(const struct checked *c)
{
	const char quote = c->len > 2 ? c->text[0] : '\0';

	return c->anchored && (quote == '"' || quote == '\'') && c->text[c->len - 1] == quote &&
		memchr(c->text + 1, quote, c->len - 2) == NULL &&
		memchr(c->text, ' ', c->len) == NULL; /* a quoted local part */
}

/* Return whether the text has the form of this list, and not of another program's. */
static bool has_our_form(const struct checked *c)
{
	size_t len = len_without_action(c->text, c->len), inner_len;
	struct strbuf right = STRBUF_INIT;
	const char *inner;
	bool ours = true;

	if (is_condition(c->text, c->len))
		return fail(c, "is a condition of Postfix's tables, and each line is one regex",
			NULL);
	if (!has_no_prefix(c))
		return false;
	if (has_slashes(c->text, len, &inner, &inner_len)) {
		add_whole(c, inner, inner_len, &right);
		ours = fail(c,
			len < c->len ? "has slashes around the regex, and an action after it" :
				       "has slashes around the regex",
			&right);
	} else if (len < c->len) {
		strbuf_add(&right, c->text, len);
		ours = fail(c, "has an action after the regex", &right);
	} else if (has_quotes(c)) {
		strbuf_add(&right, c->text + 1, c->len - 2);
		ours = fail(c, "has quotes around the regex", &right);
	}
	strbuf_free(&right);
	return ours;
}

/* ---- the content of subjects ------------------------------------------------------------ */

/* The requirements of a regex without alternatives. */
struct needs {
	char first;	 /* the character with which each match begins; NUL: unknown */
	char last;	 /* the same for the end */
	char odd;	 /* a character that no client's name or address contains; NUL: none */
	bool is_literal; /* each character is known, except for dots */
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
}

static struct needs find_needs(const struct checked *c)
{
	struct atoms atoms = { c->text, c->text + c->len };
	struct needs needs = { .is_literal = true };
	const char *start = atoms.at;
	bool is_first = true;
	enum atom atom;
	char literal;

	while ((atom = next_atom(&atoms, &literal)) != ATOM_END) {
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
	struct atoms atoms = { c->text, c->text + c->len };
	const char *start = atoms.at, *end = NULL;
	struct strbuf right = STRBUF_INIT;
	bool any_literal = false;
	enum atom atom;
	char literal;

	while ((atom = next_atom(&atoms, &literal)) != ATOM_END) {
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
	struct atoms atoms = { c->text, c->text + c->len };
	struct special special = { NULL, '\0' };
	const char *start = atoms.at;
	bool after_dot = false;
	enum atom atom;
	char literal = '\0';

	while ((atom = next_atom(&atoms, &literal)) != ATOM_END) {
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
	while (end > c->text && is_blank(end[-1]))
		end--;
	strbuf_add(&right, c->text, (size_t)(end - c->text));
	(void)fail(c, reason, &right);
	strbuf_free(&right);
	return false;
}

static bool client_can_match(const struct checked *c, char odd)
{
	char reason[100];

	if (c->len == 8 && strncasecmp(c->text, "NXDOMAIN", 8) == 0)
		return fail(c,
			"is a word for clients without a name, and only addresses match these",
			NULL);
	if (odd == '\0')
		return true;
	(void)text_format(reason, sizeof(reason),
		"requires \"%c\", which no client's name or address contains", odd);
	return fail(c, reason, NULL);
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
		class_end(c->text, c->text + c->len) == c->text + c->len;
}

static bool check_regex(const struct checked *c)
{
	struct needs needs;

	if (!has_our_form(c) || !begins_well(c))
		return false;
	if (has_alternatives(c))
		return true;
	if (!anchors_fit(c))
		return false;
	if (c->subject == REGEX_ON_HELO)
		return true;
	if (is_one_class(c))
		return fail(c, "is a class, which matches one character", NULL);
	needs = find_needs(c);
	if (c->subject == REGEX_ON_CLIENTS)
		return client_can_match(c, needs.odd);
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
	if (!fits)
		add_remedy(&c);
	strbuf_free(&right);
	return fits;
}
