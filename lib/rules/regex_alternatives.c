/*
 * Finds the alternatives of a regex that can never match, and what they probably mean. Stateless;
 * any thread may call it. Part of regex_check.c.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_check_private.h"

/* Refuse a regex that requires characters after the end of the subject, or before its beginning. */
static bool anchors_fit(const struct regex_checked *c)
{
	struct regex_atoms atoms = { c->text, c->text + c->len };
	const char *start = atoms.at, *end = NULL;
	struct strbuf right = STRBUF_INIT;
	bool any_literal = false;
	enum regex_atom atom;
	char literal;

	while ((atom = regex_atoms_next(&atoms, &literal)) != ATOM_END) {
		if (atom == ATOM_ANCHOR && *start == '^' && any_literal)
			return regex_fail(c, "requires text before ^, which is the beginning",
				NULL);
		if (atom == ATOM_ANCHOR && *start == '$' && end == NULL)
			end = atoms.at;
		if (atom == ATOM_LITERAL && end != NULL) {
			strbuf_add(&right, c->text, (size_t)(end - c->text));
			(void)regex_fail(c, "requires text after $, which is the end", &right);
			strbuf_free(&right);
			return false;
		}
		any_literal = any_literal || atom == ATOM_LITERAL;
		start = atoms.at;
	}
	return true;
}

/* Return whether a regex that must match the whole subject is one class, as in [192.0.2.7]. */
static bool is_one_class(const struct regex_checked *c)
{
	return c->anchored && c->text[0] == '[' &&
		regex_class_end(c->text, c->text + c->len) == c->text + c->len;
}

bool regex_check_one(const struct regex_checked *c)
{
	struct regex_needs needs;

	if (c->len == 0)
		return true;
	if (!anchors_fit(c))
		return false;
	if (c->subject == REGEX_ON_HELO)
		return true;
	if (is_one_class(c))
		return regex_fail(c, "is a class, which matches one character", NULL);
	needs = regex_needs_find(c);
	if (c->subject == REGEX_ON_CLIENTS)
		return regex_client_can_match(c, &needs);
	return regex_address_can_match(c, &needs);
}

void regex_alternatives_check(const struct regex_checked *c, struct regex_alternatives *all)
{
	struct regex_atoms rest = { c->text, c->text + c->len };
	struct strbuf right = STRBUF_INIT, meaning = STRBUF_INIT;
	struct errmsg fault;
	struct regex_checked one = *c;
	bool is_first = true;

	one.fault = &fault;
	one.right = &right;
	all->is_whole = true;
	while ((one.text = regex_alternative_next(&rest, &one.len)) != NULL) {
		if (!is_first)
			strbuf_add_char(&all->right, '|');
		is_first = false;
		strbuf_reset(&right);
		if (regex_check_one(&one)) {
			all->may_match = true;
			strbuf_add(&all->right, one.text, one.len);
			continue;
		}
		if (all->fault.text[0] == '\0')
			all->fault = fault;
		if (regex_settle(&one, regex_check_one, &meaning))
			strbuf_add(&all->right, meaning.text, meaning.len);
		else
			all->is_whole = false;
	}
	strbuf_free(&right);
	strbuf_free(&meaning);
}

struct regex_checked regex_without_group(const struct regex_checked *c)
{
	struct regex_checked inner = regex_without_anchors(c);
	const char *text = c->anchored ? regex_in_group(inner.text, inner.len, &inner.len) : NULL;

	if (text == NULL)
		return *c;
	inner.text = text;
	return inner;
}

bool regex_has_dead_part(enum regex_subject subject, bool anchored, const char *text, size_t len,
	struct errmsg *note)
{
	struct regex_alternatives all = { .right = STRBUF_INIT };
	const struct regex_checked c = {
		.subject = subject,
		.anchored = anchored,
		.text = text,
		.len = len,
	};
	const struct regex_checked inner = regex_without_group(&c);
	bool is_dead = false;

	if (!regex_has_alternatives(inner.text, inner.len))
		return false;
	regex_alternatives_check(&inner, &all);
	is_dead = all.may_match && all.fault.text[0] != '\0';
	if (is_dead)
		(void)errmsg_set(note, "\"%.*s\" has an alternative that matches nothing: %s",
			TEXT_CUT_LEN(text, len, REGEX_SHOWN_MAX), all.fault.text);
	if (is_dead && all.is_whole)
		regex_propose(note, &all.right);
	strbuf_free(&all.right);
	return is_dead;
}
