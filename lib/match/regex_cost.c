/*
 * Determines how large a regex becomes once its repeats are written out, before anything compiles
 * it. Stateless; any thread may call it.
 */
#include "lib/match/regex_cost.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define NESTED_MAX 250 /* PCRE2's default limit */

/* Bytes of PCRE2's code, each at most. */
#define BYTES_FIXED 256	  /* of a regex, besides its code */
#define BYTES_CHARACTER 5 /* an opcode, and UTF-8 */
#define BYTES_DOT 48	  /* a class without the line terminators */
#define BYTES_CLASS 40	  /* and its text */
#define BYTES_GROUP 12	  /* the ends of a group, which may repeat */
#define BYTES_BRANCH 3
#define BYTES_CALLOUT 6

/* A part of a regex: a sequence, an alternation or a single item. */
struct part {
	struct regex_cost cost;
	uint64_t first, last; /* the positions at which it may begin and end */
	bool is_nullable;     /* it matches the empty string */
	bool is_group;
};

static const struct part empty = { .is_nullable = true };

/* An open group. */
struct open {
	struct part branches; /* those that ended */
	struct part branch;   /* the present one, up to its last item */
	struct part item;     /* the last item, which a quantifier may follow */
	bool has_branches;
};

struct scan {
	const char *p, *end;
	struct open groups[NESTED_MAX + 1];
	unsigned depth;
};

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < REGEX_COST_MAX ? a + b : REGEX_COST_MAX;
}

static uint64_t product(uint64_t a, uint64_t b)
{
	return a != 0 && b > REGEX_COST_MAX / a ? REGEX_COST_MAX : a * b;
}

static void add_cost(struct regex_cost *to, const struct regex_cost *cost)
{
	to->bytes = sum(to->bytes, cost->bytes);
	to->positions = sum(to->positions, cost->positions);
	to->repeated = sum(to->repeated, cost->repeated);
	to->edges = sum(to->edges, cost->edges);
}

/* Append b to the sequence a. */
static void append(struct part *a, const struct part *b)
{
	add_cost(&a->cost, &b->cost);
	a->cost.edges = sum(a->cost.edges, product(a->last, b->first));
	a->first = a->is_nullable ? sum(a->first, b->first) : a->first;
	a->last = b->is_nullable ? sum(a->last, b->last) : b->last;
	a->is_nullable = a->is_nullable && b->is_nullable;
}

/* Add an alternative. */
static void add_branch(struct open *group)
{
	struct part *all = &group->branches;

	append(&group->branch, &group->item);
	add_cost(&all->cost, &group->branch.cost);
	all->cost.bytes = sum(all->cost.bytes, BYTES_BRANCH);
	all->first = sum(all->first, group->branch.first);
	all->last = sum(all->last, group->branch.last);
	all->is_nullable = group->branch.is_nullable || (group->has_branches && all->is_nullable);
	group->has_branches = true;
	group->branch = group->item = empty;
}

/* Write out min to max copies of a part. max is 0 if there is no bound. */
static void repeat(struct part *part, uint64_t min, uint64_t max)
{
	const uint64_t copies = max > 0 ? max : min > 0 ? min : 1;
	const uint64_t link = product(part->last, part->first);
	const uint64_t links = part->is_nullable ? product(copies, copies - 1) / 2 : copies - 1;
	const uint64_t ends = part->is_nullable ? copies : copies - (min > 0 ? min : 1) + 1;

	part->cost.bytes = part->is_group ? product(copies, sum(part->cost.bytes, BYTES_GROUP)) :
					    sum(2 * part->cost.bytes, BYTES_GROUP);
	part->cost.repeated = sum(part->cost.repeated, product(copies - 1, part->cost.positions));
	part->cost.positions = product(copies, part->cost.positions);
	part->cost.edges = sum(product(copies, part->cost.edges), product(links, link));
	if (max == 0)
		part->cost.edges = sum(part->cost.edges, link);
	part->first = part->is_nullable ? product(copies, part->first) : part->first;
	part->last = product(ends, part->last);
	part->is_nullable = part->is_nullable || min == 0;
	part->is_group = true;
}

static void add_item(struct scan *s, uint64_t bytes, uint64_t positions)
{
	struct open *group = &s->groups[s->depth];

	append(&group->branch, &group->item);
	group->item = (struct part){
		.cost = { .bytes = bytes, .positions = positions },
		.first = positions,
		.last = positions,
		.is_nullable = positions == 0,
	};
}

static bool at_digit(const struct scan *s)
{
	return s->p < s->end && isdigit((unsigned char)*s->p);
}

static uint64_t read_number(struct scan *s)
{
	uint64_t number = 0;

	for (; at_digit(s); s->p++)
		number = number < REGEX_COST_MAX / 16 ? number * 10 + (uint64_t)(*s->p - '0') :
							number;
	return number;
}

/* Read a quantifier, and its mark if it is lazy. */
static void scan_quantifier(struct scan *s)
{
	uint64_t min = *s->p == '+', max = *s->p == '?';

	if (*s->p++ == '{') {
		min = read_number(s);
		max = min > 0 ? min : 1; /* PCRE2 keeps a copy for {0} */
		if (s->p < s->end && *s->p == ',') {
			s->p++;
			max = !at_digit(s) ? 0 : read_number(s);
			max = max < min && max > 0 ? min : max; /* refused */
		}
		s->p += s->p < s->end;
	}
	if (s->p < s->end && (*s->p == '?' || *s->p == '+'))
		s->p++;
	repeat(&s->groups[s->depth].item, min, max);
}

static void scan_escape(struct scan *s)
{
	const char letter = s->p + 1 < s->end ? s->p[1] : '\0';

	s->p += 2;
	if ((letter == 'x' || letter == 'g') && s->p < s->end && *s->p == '{') {
		while (s->p < s->end && *s->p++ != '}')
			;
	}
	add_item(s, BYTES_CHARACTER, letter != 'b' && letter != 'B' && letter != 'g');
}

static void scan_class(struct scan *s)
{
	const char *start = s->p++;

	if (s->p < s->end && *s->p == '^')
		s->p++;
	while (s->p < s->end && *s->p != ']')
		s->p += *s->p == '\\' ? 2 : 1;
	s->p = s->p < s->end ? s->p + 1 : s->end;
	add_item(s, BYTES_CLASS + (uint64_t)(s->p - start), 1);
}

static void scan_open(struct scan *s)
{
	s->p++;
	if (s->p < s->end && *s->p == '?') {
		s->p++;
		while (s->p < s->end && *s->p == '<')
			s->p++;
		s->p += s->p < s->end;
	}
	if (s->depth == NESTED_MAX) {
		s->p = s->end; /* refused */
		return;
	}
	s->groups[++s->depth] = (struct open){ empty, empty, empty, false };
}

static void scan_close(struct scan *s)
{
	struct open *group = &s->groups[s->depth], *outer;

	s->p++;
	if (s->depth == 0)
		return; /* refused */
	add_branch(group);
	outer = &s->groups[--s->depth];
	append(&outer->branch, &outer->item);
	outer->item = group->branches;
	outer->item.cost.bytes = sum(outer->item.cost.bytes, BYTES_GROUP);
	outer->item.is_group = true;
}

/* Read a callout at a parenthesis. Returns whether there is one. */
static bool scan_callout(struct scan *s)
{
	if (s->end - s->p < 4 || memcmp(s->p, "(?C)", 4) != 0)
		return false;
	s->p += 4;
	add_item(s, BYTES_CALLOUT, 0);
	return true;
}

static void scan_one(struct scan *s)
{
	switch (*s->p) {
	case '\\':
		scan_escape(s);
		break;
	case '[':
		scan_class(s);
		break;
	case '(':
		if (!scan_callout(s))
			scan_open(s);
		break;
	case ')':
		scan_close(s);
		break;
	case '|':
		s->p++;
		add_branch(&s->groups[s->depth]);
		break;
	case '*':
	case '+':
	case '?':
	case '{':
		scan_quantifier(s);
		break;
	case '^':
	case '$':
		s->p++;
		add_item(s, 1, 0);
		break;
	case '.':
		s->p++;
		add_item(s, BYTES_DOT, 1);
		break;
	default:
		s->p++;
		add_item(s, BYTES_CHARACTER, 1);
	}
}

void regex_cost_find(const char *regex, size_t len, struct regex_cost *cost_r)
{
	const char *text = len > 0 ? regex : ""; /* an empty one may be NULL */
	struct scan s = { .p = text, .end = text + len, .depth = 0 };

	s.groups[0] = (struct open){ empty, empty, empty, false };
	while (s.p < s.end)
		scan_one(&s);
	while (s.depth > 0)
		scan_close(&s);
	add_branch(&s.groups[0]);
	*cost_r = s.groups[0].branches.cost;
	cost_r->bytes = sum(cost_r->bytes, BYTES_FIXED);
}
