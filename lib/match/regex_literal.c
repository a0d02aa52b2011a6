/*
 * Reads the texts that each match of a regex contains from the regex's translated form. Syntax that
 * it does not know ends a text, so that it finds no text that a match may lack. Stateless; any
 * thread may call it.
 */
#include "lib/match/regex_literal.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strmap.h"

#define NESTED_MAX 250 /* PCRE2's default limit */

/* A group that is open, or the whole regex. */
struct open {
	size_t before; /* literals found before it */
	bool has_branches, looks_around;
};

enum item { ITEM_OTHER, ITEM_CHARACTER, ITEM_GROUP };

struct scan {
	const char *p, *end;
	struct open groups[NESTED_MAX + 1];
	unsigned depth;
	enum item last;		/* the item that a quantifier at p repeats */
	struct open last_group; /* if it is a group */
	size_t len;		/* of the text that p continues */
	char text[REGEX_LITERAL_MAX];
	struct regex_literals *literals;
};

/* End the text before p, and keep it if it is long enough. */
static void end_text(struct scan *s)
{
	struct regex_literals *all = s->literals;
	const size_t len = s->len;

	s->len = 0;
	if (len < REGEX_LITERAL_MIN || all->count == REGEX_LITERALS_FOUND)
		return;
	memcpy(all->found[all->count].text, s->text, len);
	all->found[all->count++].len = (uint32_t)len;
}

static void skip_item(struct scan *s, const char *behind)
{
	end_text(s);
	s->last = ITEM_OTHER;
	s->p = behind;
}

static void read_character(struct scan *s, const char *at)
{
	if (s->len == REGEX_LITERAL_MAX)
		end_text(s);
	s->text[s->len++] = *at;
	s->last = ITEM_CHARACTER;
	s->p = at + 1;
}

/* Return the position after the next }, or end. */
static const char *skip_braces(const struct scan *s, const char *p)
{
	const char *brace = memchr(p, '}', (size_t)(s->end - p));

	return brace != NULL ? brace + 1 : s->end;
}

static void read_escape(struct scan *s)
{
	const char *escaped = s->p + 1;

	if (escaped == s->end)
		skip_item(s, s->end);
	else if (ispunct((unsigned char)*escaped))
		read_character(s, escaped);
	else if (escaped + 1 < s->end && escaped[1] == '{' && (*escaped == 'x' || *escaped == 'g'))
		skip_item(s, skip_braces(s, escaped));
	else
		skip_item(s, escaped + 1); /* \d, \b and the like */
}

/* A ] after [ or [^ ends the class, as in JavaScript. */
static void read_class(struct scan *s)
{
	const char *p = s->p + 1;

	while (p < s->end && *p != ']')
		p += *p == '\\' && p + 1 < s->end ? 2 : 1;
	skip_item(s, p < s->end ? p + 1 : s->end);
}

/* Returns false if the group is of an unknown form, or nested too deeply. */
static bool open_group(struct scan *s)
{
	const char *p = s->p + 1;
	struct open group = { 0 };

	if (s->depth == NESTED_MAX || (p < s->end && *p == '*'))
		return false;
	end_text(s);
	if (p < s->end && *p == '?') {
		p++;
		p += p < s->end && *p == '<';
		if (p == s->end || strchr(":=!", *p) == NULL)
			return false;
		group.looks_around = *p++ != ':';
	}
	group.before = s->literals->count;
	s->groups[++s->depth] = group;
	s->last = ITEM_OTHER;
	s->p = p;
	return true;
}

/* Returns false if no group is open. */
static bool close_group(struct scan *s)
{
	const struct open *group = &s->groups[s->depth];

	if (s->depth == 0)
		return false;
	end_text(s);
	if (group->has_branches || group->looks_around)
		s->literals->count = group->before;
	s->last_group = *group;
	s->last = ITEM_GROUP;
	s->depth--;
	s->p++;
	return true;
}

/* Return whether the quantifier at p allows its item to be left out. */
static bool is_optional(const struct scan *s)
{
	const char *p = s->p;

	if (*p != '{')
		return *p != '+';
	do
		p++;
	while (p < s->end && *p == '0');
	return p == s->end || !isdigit((unsigned char)*p);
}

static void read_quantifier(struct scan *s)
{
	const char *p = s->p;

	if (is_optional(s) && s->last == ITEM_CHARACTER)
		s->len--;
	else if (is_optional(s) && s->last == ITEM_GROUP)
		s->literals->count = s->last_group.before;
	p = *p == '{' ? skip_braces(s, p) : p + 1;
	if (p < s->end && *p == '?')
		p++; /* lazy */
	skip_item(s, p);
}

/* Read the next item. Returns false if the regex requires no text, or isn't understood. */
static bool read_item(struct scan *s)
{
	switch (*s->p) {
	case '\\':
		read_escape(s);
		return true;
	case '[':
		read_class(s);
		return true;
	case '(':
		return open_group(s);
	case ')':
		return close_group(s);
	case '|':
		s->groups[s->depth].has_branches = true;
		skip_item(s, s->p + 1);
		return s->depth > 0;
	case '*':
	case '+':
	case '?':
	case '{':
		read_quantifier(s);
		return true;
	case '.':
	case '^':
	case '$':
		skip_item(s, s->p + 1);
		return true;
	default:
		if (isprint((unsigned char)*s->p))
			read_character(s, s->p);
		else
			skip_item(s, s->p + 1);
		return true;
	}
}

void regex_literals_find(const char *regex, struct regex_literals *literals_r)
{
	struct scan s;

	s.p = regex;
	s.end = regex + strlen(regex);
	s.groups[0] = (struct open){ 0 };
	s.depth = 0;
	s.last = ITEM_OTHER;
	s.len = 0;
	s.literals = literals_r;
	literals_r->count = 0;
	while (s.p < s.end) {
		if (!read_item(&s)) {
			literals_r->count = 0;
			return;
		}
	}
	end_text(&s);
}

/* ---- choosing ---------------------------------------------------------------------- */

/* How many regexes require each literal. */
struct tally {
	struct strmap *indexes; /* of literals in counts */
	uint32_t *counts;
	size_t size;
};

/* Count one more regex that requires the literal. Returns 0, or -1 when out of memory. */
static int count_literal(struct tally *tally, const struct regex_literal *literal)
{
	uint32_t index = (uint32_t)strmap_count(tally->indexes);
	int added = strmap_add(tally->indexes, literal->text, literal->len, index);
	uint32_t *grown;

	if (added < 0)
		return -1;
	if (added == 0)
		(void)strmap_find(tally->indexes, literal->text, literal->len, &index);
	if (index == tally->size) {
		tally->size = tally->size > 0 ? tally->size * 2 : 64;
		if ((grown = realloc(tally->counts, tally->size * sizeof(*grown))) == NULL)
			return -1;
		tally->counts = grown;
	}
	if (added == 1)
		tally->counts[index] = 0;
	tally->counts[index]++;
	return 0;
}

static int count_all(struct tally *tally, const char *const *regexes, size_t count)
{
	struct regex_literals literals;

	for (size_t i = 0; i < count; i++) {
		if (regexes[i] == NULL)
			continue;
		regex_literals_find(regexes[i], &literals);
		for (size_t k = 0; k < literals.count; k++) {
			if (count_literal(tally, &literals.found[k]) < 0)
				return -1;
		}
	}
	return 0;
}

/* The one that the fewest regexes require and, of those, the longest. */
static void choose(const struct tally *tally, struct regex_literals *literals,
	struct regex_literal *chosen_r)
{
	chosen_r->len = 0;
	for (size_t k = 0; k < literals->count; k++) {
		struct regex_literal *literal = &literals->found[k];
		uint32_t index = 0;

		(void)strmap_find(tally->indexes, literal->text, literal->len, &index);
		literal->regexes = tally->counts[index];
		if (chosen_r->len == 0 || literal->regexes < chosen_r->regexes ||
			(literal->regexes == chosen_r->regexes && literal->len > chosen_r->len))
			*chosen_r = *literal;
	}
}

int regex_literals_choose(const char *const *regexes, size_t count, struct regex_literal *chosen_r)
{
	struct tally tally = { .indexes = strmap_new() };
	struct regex_literals literals;
	const int ret = tally.indexes != NULL ? count_all(&tally, regexes, count) : -1;

	for (size_t i = 0; ret == 0 && i < count; i++) {
		literals.count = 0;
		if (regexes[i] != NULL)
			regex_literals_find(regexes[i], &literals);
		choose(&tally, &literals, &chosen_r[i]);
	}
	strmap_free(&tally.indexes);
	free(tally.counts);
	return ret;
}
