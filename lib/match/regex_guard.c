/*
 * Inserts callouts into regexes, at which PCRE2 asks whether a match may continue, so that one that
 * takes long can be stopped. Stateless; any thread may call it.
 */
#include "lib/match/regex_guard.h"

#include <string.h>

#define CALLOUT "(?C)"
#define NESTED_MAX 250 /* PCRE2's default limit */

/* Why a callout is wanted before the next item. */
enum wanted {
	WANTED_NOT,
	WANTED_IN_GROUP, /* the item is the first of a group, or of an alternative */
	WANTED,
};

struct guarding {
	const char *p, *end;
	struct strbuf *out;
	size_t depth;			  /* of groups */
	bool has_choices[NESTED_MAX + 1]; /* whether the group can end in several ways */
	enum wanted wanted;
	bool spares_loop;     /* the next quantifier needs none */
	bool spares_branches; /* alternatives outside of groups need none */
	bool is_sparse;
	const char *last;  /* where the last one was placed */
	unsigned branches; /* alternatives since then */
	const char *begun; /* where the innermost group, or its alternative, begins */
};

static bool *choices_of(struct guarding *g)
{
	return &g->has_choices[g->depth < NESTED_MAX ? g->depth : NESTED_MAX];
}

static void place_callout(struct guarding *g)
{
	strbuf_add_str(g->out, CALLOUT);
	g->wanted = WANTED_NOT;
	g->last = g->p;
	g->branches = 0;
}

/* Copy what precedes behind. */
static void copy_until(struct guarding *g, const char *behind)
{
	if (behind > g->end)
		behind = g->end;
	strbuf_add(g->out, g->p, (size_t)(behind - g->p));
	g->p = behind;
}

/* Copy an item, which ends before behind. */
static void copy_item(struct guarding *g, const char *behind)
{
	if (g->wanted != WANTED_NOT)
		place_callout(g);
	copy_until(g, behind);
}

/* Return the position after the next such character, or after the end. */
static const char *skip_until(const struct guarding *g, const char *p, char last)
{
	while (p < g->end && *p != last)
		p += *p == '\\' ? 2 : 1;
	return p + 1;
}

static void copy_escape(struct guarding *g)
{
	const char letter = g->p + 1 < g->end ? g->p[1] : '\0';
	const bool has_braces =
		(letter == 'x' || letter == 'g') && g->p + 2 < g->end && g->p[2] == '{';

	if (letter == 'g')
		g->wanted = WANTED;
	copy_item(g, has_braces ? skip_until(g, g->p + 2, '}') : g->p + 2);
}

static void copy_class(struct guarding *g)
{
	const bool negated = g->p + 1 < g->end && g->p[1] == '^';

	copy_item(g, skip_until(g, g->p + (negated ? 2 : 1), ']'));
}

/* Return whether the group whose contents begin at p is short, has no groups inside, and is
 * repeated so many times at most. */
static bool is_counted(const struct guarding *g, const char *p)
{
	const char *start = p;

	while (p < g->end && *p != ')' && *p != '(')
		p = *p == '[' ? skip_until(g, p, ']') : p + (*p == '\\' ? 2 : 1);
	if (p - start > REGEX_GUARD_BRANCHES || g->end - p < 4 || *p != ')' || p[1] != '{')
		return false;
	p = skip_until(g, p, '}');
	return p <= g->end && p[-2] != ',';
}

/* PCRE2 compiles this to one step that fails. */
#define FAILURE "(?!)"

static void copy_open(struct guarding *g)
{
	const char *p = g->p + 1;

	if ((size_t)(g->end - g->p) >= strlen(FAILURE) &&
		memcmp(g->p, FAILURE, strlen(FAILURE)) == 0) {
		copy_item(g, g->p + strlen(FAILURE));
		return;
	}
	if (p < g->end && *p == '?')
		p += p + 1 < g->end && p[1] == '<' ? 3 : 2;
	copy_until(g, p);
	g->begun = g->p;
	g->depth++;
	*choices_of(g) = false;
	if (g->wanted != WANTED)
		g->wanted = g->is_sparse && is_counted(g, p) ? WANTED_NOT : WANTED_IN_GROUP;
	g->spares_loop = false;
}

/* Place the callout of a group, or of an alternative, that ends without an item. */
static void end_empty(struct guarding *g)
{
	if (g->wanted != WANTED_NOT && g->p == g->begun)
		place_callout(g);
}

static void copy_close(struct guarding *g)
{
	end_empty(g);
	copy_until(g, g->p + 1);
	if (*choices_of(g) || g->wanted != WANTED_NOT)
		g->wanted = WANTED;
	g->depth -= g->depth > 0;
}

/* Return whether so many alternatives had no callout that the next one needs one. */
static bool has_many_branches(const struct guarding *g)
{
	return (g->depth > 0 || !g->spares_branches) &&
		(g->p - g->last > REGEX_GUARD_BRANCHES || g->branches > REGEX_GUARD_BRANCHES / 4);
}

static void copy_branch(struct guarding *g)
{
	end_empty(g);
	copy_until(g, g->p + 1);
	g->begun = g->p;
	g->branches++;
	*choices_of(g) = true;
	g->wanted = has_many_branches(g) ? WANTED_IN_GROUP : WANTED_NOT;
}

static void copy_quantifier(struct guarding *g)
{
	const char *p = *g->p == '{' ? skip_until(g, g->p, '}') : g->p + 1;

	g->wanted = !g->spares_loop || *g->p == '{' ? WANTED : WANTED_NOT;
	g->spares_loop = false;
	if (p < g->end && (*p == '?' || *p == '+'))
		p++;
	copy_until(g, p);
}

static void copy_one(struct guarding *g)
{
	switch (*g->p) {
	case '\\':
		copy_escape(g);
		break;
	case '[':
		copy_class(g);
		break;
	case '(':
		copy_open(g);
		break;
	case ')':
		copy_close(g);
		break;
	case '|':
		copy_branch(g);
		break;
	case '*':
	case '+':
	case '?':
	case '{':
		copy_quantifier(g);
		break;
	default:
		copy_item(g, g->p + 1);
	}
}

static void guard(const char *regex, size_t len, bool anchored, bool is_sparse, struct strbuf *out)
{
	const bool is_short = len <= REGEX_GUARD_SHORT;
	const bool begins_once =
		anchored || (len > 0 && *regex == '^' && memchr(regex, '|', len) == NULL);
	struct guarding g = {
		.is_sparse = is_sparse,
		.p = regex,
		.end = regex + len,
		.out = out,
		.wanted = anchored || is_short ? WANTED_NOT : WANTED,
		.spares_loop = begins_once && is_short,
		.spares_branches = len <= REGEX_GUARD_FEW_BRANCHES,
		.last = regex,
	};

	while (g.p < g.end)
		copy_one(&g);
}

void regex_guard(const char *regex, size_t len, bool anchored, struct strbuf *out)
{
	guard(regex, len, anchored, false, out);
}

void regex_guard_sparsely(const char *regex, size_t len, bool anchored, struct strbuf *out)
{
	guard(regex, len, anchored, true, out);
}
