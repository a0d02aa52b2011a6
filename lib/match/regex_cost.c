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
#define BYTES_FIXED 256			     /* of a regex, besides its code */
#define BYTES_CHARACTER REGEX_COST_CHARACTER /* an opcode, and UTF-8 */
#define BYTES_DOT REGEX_COST_DOT	     /* a class without the line terminators */
#define BYTES_CLASS REGEX_COST_CLASS
#define BYTES_BRANCH 3
#define BYTES_GROUP (REGEX_COST_GROUP - BYTES_BRANCH) /* the ends of a group, which may repeat */
#define BYTES_CALLOUT 6

/*
 * In each lookaround, for each capturing group inside it, at any depth. The machine code of a
 * lookaround keeps what these groups have captured, which takes about 44 bytes for each. All other
 * machine code takes at most about 16 bytes for each byte that is counted, and 3 * 16 is 48.
 */
#define BYTES_KEPT_CAPTURE 3

/* An open group, or the whole regex. */
struct open {
	uint64_t before;	/* the bytes up to its last item */
	uint64_t item;		/* those of that item, which a quantifier may follow */
	uint64_t captures;	/* groups that capture, up to its last item */
	uint64_t item_captures; /* those of that item, itself included */
	bool is_group;		/* that item */
	bool looks_around, is_capture;
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

/* Add an item to the innermost group that is open. */
static void add_item(struct scan *s, uint64_t bytes, bool is_group)
{
	struct open *group = &s->groups[s->depth];

	group->before = sum(group->before, group->item);
	group->captures = sum(group->captures, group->item_captures);
	group->item = bytes;
	group->item_captures = 0;
	group->is_group = is_group;
}

/* Write out the copies of the last item. */
static void repeat(struct open *group, uint64_t copies)
{
	group->item = group->is_group ? product(copies, sum(group->item, BYTES_GROUP)) :
					sum(2 * group->item, BYTES_GROUP);
	group->item_captures = product(copies, group->item_captures);
	group->is_group = true;
}

/* Read a number; 0 if there is none. */
static uint64_t read_number(struct scan *s)
{
	uint64_t number = 0;

	for (; s->p < s->end && isdigit((unsigned char)*s->p); s->p++)
		number = number < REGEX_COST_MAX / 16 ? number * 10 + (uint64_t)(*s->p - '0') :
							number;
	return number;
}

/* Read a quantifier, and its mark if it is lazy. */
static void scan_quantifier(struct scan *s)
{
	uint64_t copies = 1, most;

	if (*s->p++ == '{') {
		copies = read_number(s);
		if (s->p < s->end && *s->p == ',') {
			s->p++;
			most = read_number(s);
			copies = most > copies ? most : copies;
		}
		s->p += s->p < s->end;
	}
	if (s->p < s->end && (*s->p == '?' || *s->p == '+'))
		s->p++;
	repeat(&s->groups[s->depth], copies > 0 ? copies : 1); /* PCRE2 keeps one for {0} */
}

static void scan_escape(struct scan *s)
{
	const char letter = s->p + 1 < s->end ? s->p[1] : '\0';

	s->p += 2;
	if ((letter == 'x' || letter == 'g') && s->p < s->end && *s->p == '{') {
		while (s->p < s->end && *s->p++ != '}')
			;
	}
	add_item(s, BYTES_CHARACTER, false);
}

static void scan_class(struct scan *s)
{
	const char *start = s->p++;

	if (s->p < s->end && *s->p == '^')
		s->p++;
	while (s->p < s->end && *s->p != ']')
		s->p += *s->p == '\\' ? 2 : 1;
	s->p = s->p < s->end ? s->p + 1 : s->end;
	add_item(s, BYTES_CLASS + (uint64_t)(s->p - start), false);
}

static void scan_open(struct scan *s)
{
	struct open group = { .is_capture = true };

	s->p++;
	if (s->p < s->end && *s->p == '?') {
		s->p++;
		while (s->p < s->end && *s->p == '<')
			s->p++;
		group.is_capture = false;
		group.looks_around = s->p < s->end && *s->p != ':';
		s->p += s->p < s->end;
	}
	if (s->depth == NESTED_MAX) { /* refused */
		add_item(s, REGEX_COST_GROUP, true);
		return;
	}
	s->groups[++s->depth] = group;
}

static void scan_close(struct scan *s)
{
	const struct open *group = &s->groups[s->depth];
	const uint64_t captures = sum(group->captures, group->item_captures);
	uint64_t bytes = sum(sum(group->before, group->item), BYTES_GROUP + BYTES_BRANCH);

	s->p++;
	if (s->depth == 0)
		return; /* refused */
	s->depth--;
	if (group->looks_around)
		bytes = sum(bytes, product(captures, BYTES_KEPT_CAPTURE));
	add_item(s, bytes, true);
	s->groups[s->depth].item_captures = sum(captures, group->is_capture);
}

/* Skip the "(?!)" of an empty class at a parenthesis. Returns whether there is one. It counts as a
 * class, because writing it takes as long. */
static bool scan_failure(struct scan *s)
{
	if (s->end - s->p < 4 || memcmp(s->p, "(?!)", 4) != 0)
		return false;
	s->p += 4;
	add_item(s, BYTES_CLASS + 4, true);
	return true;
}

/* Read a callout at a parenthesis. Returns whether there is one. */
static bool scan_callout(struct scan *s)
{
	if (s->end - s->p < 4 || memcmp(s->p, "(?C)", 4) != 0)
		return false;
	s->p += 4;
	add_item(s, BYTES_CALLOUT, false);
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
		if (!scan_callout(s) && !scan_failure(s))
			scan_open(s);
		break;
	case ')':
		scan_close(s);
		break;
	case '|':
		s->p++;
		add_item(s, BYTES_BRANCH, false);
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
		add_item(s, 1, false);
		break;
	case '.':
		s->p++;
		add_item(s, BYTES_DOT, false);
		break;
	default:
		s->p++;
		add_item(s, BYTES_CHARACTER, false);
	}
}

uint64_t regex_cost_find(const char *regex, size_t len)
{
	const char *text = len > 0 ? regex : ""; /* an empty one may be NULL */
	struct scan s = { .p = text, .end = text + len, .depth = 0 };

	s.groups[0] = (struct open){ 0 };
	while (s.p < s.end)
		scan_one(&s);
	while (s.depth > 0)
		scan_close(&s);
	return sum(sum(s.groups[0].before, s.groups[0].item), BYTES_FIXED + BYTES_BRANCH);
}
