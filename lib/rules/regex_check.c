/*
 * Finds regexes that can never match: those in the form of another program's table
 * (regex_foreign.c), and those that require a character that no subject contains. Stateless; any
 * thread may call it.
 */
#include "lib/rules/regex_check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/match/domain.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_foreign.h"

#define SHOWN_MAX 120 /* bytes of a regex in a message */
#define PROPOSED "; write "

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

	/* Of a client's name, or of the domain of an address; NULL: none. */
	const char *first_dot; /* a dot right behind the @ */
	const char *wide;      /* a character outside of ASCII */
	const char *tag;       /* IPv6: behind a bracket */
};

/* Forget what was found, because it may be a part of a quoted local part. */
static void forget_domain(struct needs *needs)
{
	needs->first_dot = needs->wide = NULL;
}

static bool is_wide(char c)
{
	return (unsigned char)c >= 0x80;
}

static const char ipv6_tag[] = "IPv6:"; /* of an address literal (RFC 5321 section 4.1.3) */
#define TAG_LEN (sizeof(ipv6_tag) - 1)

/* Return whether the text requires the tag. */
static bool begins_tag(const char *text, const char *end)
{
	const size_t len = (size_t)(end - text);

	return len >= TAG_LEN && strncasecmp(text, ipv6_tag, TAG_LEN) == 0 &&
		(len == TAG_LEN || strchr("*?{", text[TAG_LEN]) == NULL);
}

static void add_need(struct needs *needs, const char *at, char literal, bool is_first)
{
	if (is_first)
		needs->first = literal;
	if (strchr("@\"", literal) != NULL) {
		forget_domain(needs);
		needs->tag = NULL;
	}
	if (literal == '.' && needs->last == '@')
		needs->first_dot = at;
	if (is_wide(literal) && needs->wide == NULL)
		needs->wide = at;
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

/*
 * Refuse a regex that requires a special character behind an @. No domain contains one, and an
 * address with quotes around both is refused before any list, because MTAs read it in different
 * ways.
 */
static bool domain_specials_fit(const struct checked *c)
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
				"requires \"%c\" behind an @, but each regex is an entry of its own",
				literal);
			strbuf_add(&right, c->text, (size_t)(start - c->text));
			(void)fail(c, reason, &right);
			strbuf_free(&right);
			return false;
		}
		has_at = has_at || (atom == ATOM_LITERAL && literal == '@');
		start = atoms.at;
	}
	return true;
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

static bool is_of_label(char c)
{
	return isalnum((unsigned char)c) || c == '-' || is_wide(c);
}

/* Return whether a label of a domain can begin at this place of a regex. */
static bool begins_label(const char *text, const char *at)
{
	return at == text || strchr("@.^", at[-1]) != NULL ||
		(at - text >= 4 && memcmp(at - 4, "\\.)", 3) == 0 && strchr("?*", at[-1]) != NULL);
}

/*
 * Write the regex with the label that contains the character `wide` in its ASCII form (A-label), in
 * which domains are matched. Returns false if parts of the label are not known, or if it has no
 * such form.
 */
static bool add_ascii_form(const struct checked *c, const char *wide, struct strbuf *out)
{
	const char *begin = wide, *end = wide, *limit = c->text + c->len;
	char label[DOMAIN_SIZE];
	int len;

	while (begin > c->text && is_of_label(begin[-1]))
		begin--;
	while (end < limit && is_of_label(*end))
		end++;
	if (!begins_label(c->text, begin) ||
		!(end == limit || *end == '.' || *end == '$' ||
			(limit - end > 1 && end[0] == '\\' && end[1] == '.')) ||
		(len = domain_canon(begin, (size_t)(end - begin), label)) < 0)
		return false;
	for (int i = 0; i < len; i++)
		if (is_wide(label[i]))
			return false;
	strbuf_add(out, c->text, (size_t)(begin - c->text));
	strbuf_add(out, label, (size_t)len);
	strbuf_add(out, end, (size_t)(limit - end));
	return true;
}

#define OUTSIDE_ASCII \
	"has a character outside of ASCII, but domains are matched in their ASCII form"

/* Return whether a regex is the first numbers of an IPv4 address, with dots that may not be
 * escaped. It ends at `end`. Two dots in a row may be an IPv6 address (1::2). */
static bool is_part_of_ipv4(const struct checked *c, const struct needs *needs, size_t end)
{
	const unsigned dots = needs->dots + needs->any;

	return end > 0 && needs->is_literal && needs->is_number &&
		isdigit((unsigned char)needs->first) && memmem(c->text, end, "..", 2) == NULL &&
		dots > 0 && dots < (c->text[end - 1] == '.' ? 4U : 3U);
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
	} else if (needs->last == '.') {
		reason = "ends with a dot, and must match the whole name or address";
		strbuf_add(right, c->text, end);
		strbuf_add_str(right, ".*");
	} else if (is_part_of_ipv4(c, needs, end)) {
		reason = "is a part of an address, and must match all of it";
		strbuf_add(right, c->text, end - (c->text[end - 1] == '.' ? 1 : 0));
		strbuf_add_str(right, "\\..*");
	}
	return reason;
}

/* Return the regex without ^ and $ at its ends. */
static struct checked without_anchors(const struct checked *c)
{
	struct checked inner = *c;

	if (inner.len > 0 && inner.text[0] == '^') {
		inner.text++;
		inner.len--;
	}
	if (inner.len > 0 && inner.text[inner.len - 1] == '$' &&
		(inner.len == 1 || inner.text[inner.len - 2] != '\\'))
		inner.len--;
	return inner;
}

/* Return whether a regex is the name of clients without a name: Postfix's, or one of Haraka's. */
static bool is_word_for_none(const struct checked *c)
{
	static const char *const words[] = { "unknown", "NXDOMAIN", "DNSERROR" };
	const struct checked inner = without_anchors(c);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (inner.len == strlen(words[i]) &&
			strncasecmp(inner.text, words[i], inner.len) == 0)
			return true;
	}
	return false;
}

static bool client_can_match(const struct checked *c, const struct needs *needs)
{
	struct strbuf right = STRBUF_INIT;
	const char *fault;
	char reason[100];

	if (is_word_for_none(c))
		return fail(c,
			"is a word for clients without a name, and only addresses match these",
			NULL);
	if (needs->odd != '\0') {
		(void)text_format(reason, sizeof(reason),
			"requires \"%c\", which no client's name or address contains", needs->odd);
		return fail(c, reason, NULL);
	}
	fault = c->anchored && c->len > 0 ? find_client_fault(c, needs, &right) : NULL;
	if (fault == NULL && needs->wide != NULL && add_ascii_form(c, needs->wide, &right))
		fault = OUTSIDE_ASCII;
	if (fault != NULL)
		(void)fail(c, fault, &right);
	strbuf_free(&right);
	return fault == NULL;
}

/* Return whether a regex that must match a whole address is a mere domain. A dot may match the @,
 * which makes sense only if another one is left for the domain. */
static bool is_mere_domain(const struct checked *c, const struct needs *needs)
{
	return needs->is_literal && !needs->has_at && needs->dots + needs->any > 0 &&
		(needs->any == 0 || needs->dots + needs->any == 1) && without_anchors(c).len > 1;
}

/* Add the probable meaning of a mere domain. */
static void add_domain_regex(const struct checked *c, const struct needs *needs, struct strbuf *out)
{
	const struct checked inner = without_anchors(c);
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
static void add_bare_regex(const struct checked *c, const struct needs *needs, struct strbuf *out)
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
static const char *find_domain_fault(const struct checked *c, const struct needs *needs,
	bool is_closed, struct strbuf *right)
{
	const struct checked inner = without_anchors(c);

	/* Without an @, it is in a domain if a dot follows and the regex reaches the end. */
	if (needs->wide != NULL &&
		(needs->has_at ||
			(is_closed &&
				memmem(needs->wide, (size_t)(c->text + c->len - needs->wide), "\\.",
					2) != NULL)) &&
		add_ascii_form(c, needs->wide, right))
		return OUTSIDE_ASCII;
	if (needs->tag != NULL) {
		strbuf_add(right, c->text, (size_t)(needs->tag - c->text));
		strbuf_add(right, needs->tag + TAG_LEN,
			(size_t)(c->text + c->len - needs->tag) - TAG_LEN);
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

static bool address_can_match(const struct checked *c, const struct needs *needs)
{
	const bool is_closed = c->anchored || c->text[c->len - 1] == '$';
	struct strbuf right = STRBUF_INIT;
	const struct checked inner = without_anchors(c);
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
		(void)fail(c, reason, &right);
	strbuf_free(&right);
	return reason == NULL;
}

bool regex_matches_part(const char *text, size_t len, struct errmsg *note)
{
	struct strbuf right = STRBUF_INIT;
	const struct checked c = {
		.subject = REGEX_ON_HELO,
		.anchored = true,
		.text = text,
		.len = len,
	};
	const char *reason = NULL;
	struct needs needs;

	if (len > 0 && !regex_has_alternatives(text, len)) {
		needs = find_needs(&c);
		reason = find_client_fault(&c, &needs, &right);
	}
	if (reason != NULL) {
		(void)errmsg_set(note, "\"%.*s\" %s", TEXT_CUT_LEN(text, len, SHOWN_MAX), reason);
		regex_propose(note, &right);
	}
	strbuf_free(&right);
	return reason != NULL;
}

/* Return whether a regex that must match the whole subject is one class, as in [192.0.2.7]. */
static bool is_one_class(const struct checked *c)
{
	return c->anchored && c->text[0] == '[' &&
		regex_class_end(c->text, c->text + c->len) == c->text + c->len;
}

/* Check a regex without alternatives. */
static bool check_one(const struct checked *c)
{
	struct needs needs;

	if (c->len == 0)
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
	return address_can_match(c, &needs) && specials_fit(c) && domain_specials_fit(c);
}

void regex_propose(struct errmsg *text, const struct strbuf *right)
{
	const size_t len = strlen(text->text);

	if (right->failed || right->len == 0 || right->len > SHOWN_MAX ||
		len + strlen(PROPOSED) + right->len >= sizeof(text->text))
		return;
	(void)text_format(text->text + len, sizeof(text->text) - len, PROPOSED "%.*s",
		(int)right->len, right->text);
}

#define ROUNDS 4 /* repairs that one regex may need */

/* Write the probable meaning of a regex, or what this means in turn, until it is a regex that may
 * match. Returns false if there is none. */
static bool settle(const struct checked *c, bool check(const struct checked *), struct strbuf *out)
{
	struct checked next = *c;
	struct errmsg unused;

	next.fault = &unused;
	for (int round = 0; round < ROUNDS && c->right->len > 0 && !c->right->failed; round++) {
		strbuf_reset(out);
		strbuf_add(out, c->right->text, c->right->len);
		next.text = out->text;
		next.len = out->len;
		if (!out->failed && check(&next))
			return true;
	}
	return false;
}

/* What is known about the alternatives of a regex. */
struct alternatives {
	bool may_match;	     /* at least one may */
	struct errmsg fault; /* of the first that cannot; "" if there is none */
	struct strbuf right; /* all of them, with the probable meanings */
	bool is_whole;	     /* each alternative has a part in `right` */
};

static void check_alternatives(const struct checked *c, struct alternatives *all)
{
	struct regex_atoms rest = { c->text, c->text + c->len };
	struct strbuf right = STRBUF_INIT, meaning = STRBUF_INIT;
	struct errmsg fault;
	struct checked one = *c;
	bool is_first = true;

	one.fault = &fault;
	one.right = &right;
	all->is_whole = true;
	while ((one.text = regex_alternative_next(&rest, &one.len)) != NULL) {
		if (!is_first)
			strbuf_add_char(&all->right, '|');
		is_first = false;
		strbuf_reset(&right);
		if (check_one(&one)) {
			all->may_match = true;
			strbuf_add(&all->right, one.text, one.len);
			continue;
		}
		if (all->fault.text[0] == '\0')
			all->fault = fault;
		if (settle(&one, check_one, &meaning))
			strbuf_add(&all->right, meaning.text, meaning.len);
		else
			all->is_whole = false;
	}
	strbuf_free(&right);
	strbuf_free(&meaning);
}

/* Return a regex that must match the whole subject without the group that contains all of it. */
static struct checked without_group(const struct checked *c)
{
	struct checked inner = without_anchors(c);
	const char *text = c->anchored ? regex_in_group(inner.text, inner.len, &inner.len) : NULL;

	if (text == NULL)
		return *c;
	inner.text = text;
	return inner;
}

static bool check_regex(const struct checked *c)
{
	struct alternatives all = { .right = STRBUF_INIT };
	const struct checked inner = without_group(c);
	char reason[sizeof(all.fault.text) + 50];

	if (is_foreign(c))
		return false;
	if (!regex_has_alternatives(inner.text, inner.len))
		return check_one(&inner);
	check_alternatives(&inner, &all);
	if (!all.may_match) {
		(void)text_format(reason, sizeof(reason), "has no alternative that can match: %s",
			all.fault.text);
		(void)fail(c, reason, all.is_whole ? &all.right : NULL);
	}
	strbuf_free(&all.right);
	return all.may_match;
}

/* Add the remedy to the fault: the probable meaning of the regex. */
static void add_remedy(const struct checked *c)
{
	struct strbuf text = STRBUF_INIT;
	const struct errmsg fault = *c->fault;

	if (settle(c, check_regex, &text)) {
		*c->fault = fault;
		regex_propose(c->fault, &text);
	}
	strbuf_free(&text);
}

bool regex_has_dead_part(enum regex_subject subject, bool anchored, const char *text, size_t len,
	struct errmsg *note)
{
	struct alternatives all = { .right = STRBUF_INIT };
	const struct checked c = {
		.subject = subject,
		.anchored = anchored,
		.text = text,
		.len = len,
	};
	const struct checked inner = without_group(&c);
	bool is_dead = false;

	if (!regex_has_alternatives(inner.text, inner.len))
		return false;
	check_alternatives(&inner, &all);
	is_dead = all.may_match && all.fault.text[0] != '\0';
	if (is_dead)
		(void)errmsg_set(note, "\"%.*s\" has an alternative that matches nothing: %s",
			TEXT_CUT_LEN(text, len, SHOWN_MAX), all.fault.text);
	if (is_dead && all.is_whole)
		regex_propose(note, &all.right);
	strbuf_free(&all.right);
	return is_dead;
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
