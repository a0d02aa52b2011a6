/*
 * Finds, in the translated form of a regex, the texts that the regex requires. Syntax that it does
 * not know ends a text, so that it finds no text that a match may lack. Stateless; any thread may
 * call it.
 */
#include "lib/match/regex_literal.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NESTED_MAX 250 /* PCRE2's default limit */

/* A group that is open, or the whole regex. */
struct open {
	size_t before;	 /* literals found before it */
	size_t together; /* behind these: those of the alternatives that ended, which form one set
			  */
	bool has_branches, looks_around;
	bool is_free;		    /* an alternative requires no text */
	struct regex_marks marks;   /* of what the present alternative requires; or the group, once
				       it is closed */
	struct regex_marks common;  /* those of all alternatives that ended */
	struct regex_marks outside; /* once it is closed: what was required before it */
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
	struct regex_literal found[REGEX_LITERALS_FOUND];
	size_t count;
};

/* End the text before p, and keep it if it is long enough. */
static void end_text(struct scan *s)
{
	const size_t len = s->len;

	s->len = 0;
	regex_marks_add(&s->groups[s->depth].marks, s->text, len);
	if (len < REGEX_LITERAL_MIN || s->count == REGEX_LITERALS_FOUND)
		return;
	s->found[s->count] = (struct regex_literal){ .len = (uint8_t)len, .together = 1 };
	memcpy(s->found[s->count++].text, s->text, len);
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

size_t regex_literal_shortest(const struct regex_literal *first)
{
	size_t shortest = first->len;

	for (size_t i = 1; i < first->together; i++)
		shortest = first[i].len < shortest ? first[i].len : shortest;
	return shortest;
}

/* Return the smallest of the sets from an index on and, of those, the one with the longest texts.
 * NULL if there is none. */
static const struct regex_literal *find_best(const struct scan *s, size_t from)
{
	const struct regex_literal *best = NULL, *set;

	for (; from < s->count; from += set->together) {
		set = &s->found[from];
		if (best == NULL || set->together < best->together ||
			(set->together == best->together &&
				regex_literal_shortest(set) > regex_literal_shortest(best)))
			best = set;
	}
	return best;
}

/* End the marks of an alternative. The group requires those that all alternatives have. */
static void end_branch_marks(struct open *group)
{
	group->common = group->has_branches ? regex_marks_common(group->common, group->marks) :
					      group->marks;
	group->marks = (struct regex_marks){ 0 };
}

/* End an alternative. One of its sets becomes a part of the group's. */
static void end_branch(struct scan *s)
{
	struct open *group = &s->groups[s->depth];
	const size_t from = group->before + group->together;
	const struct regex_literal *best;
	size_t taken = 0;

	end_text(s);
	end_branch_marks(group);
	if ((best = find_best(s, from)) != NULL &&
		group->together + best->together <= REGEX_LITERALS_TOGETHER) {
		taken = best->together;
		memmove(&s->found[from], best, taken * sizeof(*best));
	}
	group->together += taken;
	group->is_free = group->is_free || taken == 0;
	s->count = from + taken;
}

static void end_group(struct scan *s)
{
	struct open *group = &s->groups[s->depth];

	end_text(s);
	if (group->has_branches) {
		end_branch(s);
		group->marks = group->common;
	}
	if (group->looks_around)
		group->marks = (struct regex_marks){ 0 };
	if (group->is_free || group->looks_around)
		s->count = group->before;
	else if (group->has_branches)
		s->found[group->before].together = (uint8_t)group->together;
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
	group.before = s->count;
	s->groups[++s->depth] = group;
	s->last = ITEM_OTHER;
	s->p = p;
	return true;
}

/* Returns false if no group is open. */
static bool close_group(struct scan *s)
{
	struct open *group = &s->groups[s->depth];

	if (s->depth == 0)
		return false;
	end_group(s);
	s->depth--;
	group->outside = s->groups[s->depth].marks;
	s->groups[s->depth].marks = regex_marks_both(group->outside, group->marks);
	s->last_group = *group;
	s->last = ITEM_GROUP;
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

	if (is_optional(s) && s->last == ITEM_CHARACTER) {
		s->len--;
	} else if (is_optional(s) && s->last == ITEM_GROUP) {
		s->count = s->last_group.before;
		s->groups[s->depth].marks = s->last_group.outside;
	}
	p = *p == '{' ? skip_braces(s, p) : p + 1;
	if (p < s->end && *p == '?')
		p++; /* lazy */
	skip_item(s, p);
}

/* Read the next item. Returns false if the regex is not understood. */
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
		end_branch(s);
		s->groups[s->depth].has_branches = true;
		skip_item(s, s->p + 1);
		return true;
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

static size_t bytes_of(size_t count)
{
	return sizeof(struct regex_literals) + count * sizeof(struct regex_literal);
}

int regex_literals_find(const char *regex, struct regex_literals **literals_r,
	struct regex_marks *marks_r)
{
	struct scan s;
	struct regex_literals *all = NULL;

	s.p = regex;
	s.end = regex + strlen(regex);
	s.groups[0] = (struct open){ 0 };
	s.depth = 0;
	s.last = ITEM_OTHER;
	s.len = 0;
	s.count = 0;
	while (s.p < s.end && read_item(&s))
		;
	if (s.p == s.end && s.depth == 0) {
		end_group(&s);
	} else {
		s.count = 0;
		s.groups[0].marks = (struct regex_marks){ 0 };
	}
	if (s.count > 0) {
		if ((all = malloc(bytes_of(s.count))) == NULL)
			return -1;
		all->count = s.count;
		memcpy(all->at, s.found, s.count * sizeof(all->at[0]));
	}
	*literals_r = all;
	*marks_r = s.groups[0].marks;
	return 0;
}

size_t regex_literals_bytes(const struct regex_literals *literals)
{
	return literals != NULL ? bytes_of(literals->count) : 0;
}

size_t regex_literals_largest(const struct regex_literals *literals)
{
	const size_t count = literals != NULL ? literals->count : 0;
	const struct regex_literal *set;
	size_t largest = 0;

	for (size_t i = 0; i < count; i += set->together) {
		set = &literals->at[i];
		largest = set->together > largest ? set->together : largest;
	}
	return largest;
}
