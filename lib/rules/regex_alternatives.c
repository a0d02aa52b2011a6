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

#define GROUPS_MAX 16 /* that are looked into; to nest them would multiply the time */

struct regex_checked regex_without_group(const struct regex_checked *c)
{
	struct regex_checked whole = *c;

	for (int i = 0; i < GROUPS_MAX && c->anchored; i++) {
		struct regex_checked inner = regex_without_anchors(&whole);
		const char *text = regex_in_group(inner.text, inner.len, &inner.len);

		if (text == NULL)
			break;
		inner.text = text;
		whole = inner;
	}
	return whole;
}

/* The alternatives of a regex, with those of groups that are a whole alternative. */
struct walk {
	struct regex_atoms rest[GROUPS_MAX];
	unsigned depth, looked;
};

/* Get the next alternative. Returns false after the last. */
static bool next_alternative(struct walk *walk, struct regex_checked *one)
{
	while (walk->depth > 0) {
		struct regex_checked inner;

		one->text = regex_alternative_next(&walk->rest[walk->depth - 1], &one->len);
		if (one->text == NULL) {
			walk->depth--;
			continue;
		}
		inner = walk->looked < GROUPS_MAX - 1 ? regex_without_group(one) : *one;
		if (inner.text == one->text)
			return true;
		walk->looked++;
		walk->rest[walk->depth++] =
			(struct regex_atoms){ inner.text, inner.text + inner.len };
	}
	return false;
}

/* Return whether a regex refers to a group, which another form of the regex may number
 * differently. */
static bool has_reference(const char *text, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] == '\\' && strchr("123456789k", text[++i]) != NULL)
			return true;
	}
	return false;
}

/* Alternatives get no probable meaning behind so many bytes, because it would not be shown. */
#define MEANT_MAX ((size_t)2 * REGEX_SHOWN_MAX)

/* Return whether the remaining alternatives no longer matter. */
static bool is_decided(const struct regex_alternatives *all, bool only_any)
{
	return all->may_match && (only_any || (all->fault.text[0] != '\0' && !all->is_whole));
}

void regex_alternatives_check(const struct regex_checked *c, bool only_any,
	struct regex_alternatives *all)
{
	struct walk walk = { .rest[0] = { c->text, c->text + c->len }, .depth = 1 };
	struct strbuf right = STRBUF_INIT, meaning = STRBUF_INIT;
	struct errmsg fault;
	struct regex_checked one = *c;
	bool is_first = true;

	one.fault = &fault;
	one.right = &right;
	all->is_whole = !has_reference(c->text, c->len);
	while (!is_decided(all, only_any) && next_alternative(&walk, &one)) {
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
		if (all->is_whole && all->right.len <= MEANT_MAX &&
			regex_settle(&one, regex_check_one, &meaning))
			strbuf_add(&all->right, meaning.text, meaning.len);
		else
			all->is_whole = false;
	}
	strbuf_free(&right);
	strbuf_free(&meaning);
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
	regex_alternatives_check(&inner, false, &all);
	is_dead = all.may_match && all.fault.text[0] != '\0';
	if (is_dead)
		(void)errmsg_set(note, "\"%.*s\" has an alternative that matches nothing: %s",
			TEXT_CUT_LEN(text, len, REGEX_SHOWN_MAX), all.fault.text);
	if (is_dead && all.is_whole)
		regex_propose(note, subject, anchored, &all.right);
	strbuf_free(&all.right);
	return is_dead;
}
