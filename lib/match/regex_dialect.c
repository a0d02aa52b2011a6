/*
 * Translates regexes from JavaScript's dialect to PCRE2's.
 * Stateless; any thread may call it.
 */
#include "lib/match/regex_dialect.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strmap.h"
#include "lib/match/regex_case.h"
#include "lib/match/regex_class.h"
#include "lib/match/regex_cost.h"
#include "lib/match/regex_escape.h"
#include "lib/match/regex_quantifier.h"

#define REFUSED "(?@" /* PCRE2 refuses this, whatever follows */

#define SPACES                                                                                  \
	"\\x{9}-\\x{d} \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}" \
	"\\x{3000}\\x{feff}"

struct open_group {
	unsigned long number; /* 0: it does not capture */
	bool looks_ahead, looks_behind;
	size_t begin; /* in the output */
};

struct translation {
	const char *start, *end;
	bool lines;
	unsigned long groups; /* that capture */
	unsigned long opened; /* those whose beginning was translated */
	bool has_names;
	struct strmap *names; /* the name of each group that has one, to its number; NULL: none */
	bool is_refused;      /* two groups have the same name */
	bool *closed;	      /* by number, whether the group's end was translated */
	struct strbuf nested; /* struct open_group: the groups that are open */
	size_t lookbehinds;   /* that are open */
	const char *behind;   /* the end of the last lookbehind, or NULL */
	const char *ahead;    /* the end of the last lookahead, or NULL */
	const char *closes;   /* the end of the last group, or NULL */
	size_t group;	      /* its beginning in the output */
	struct strbuf *out;
	uint64_t cost; /* the least that the translated part costs */
};

static bool is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

/* Append a character that stands for itself. */
static void add_literal(struct translation *t, uint32_t c)
{
	struct strbuf *out = t->out;

	t->cost += is_surrogate(c) ? REGEX_COST_CLASS : REGEX_COST_CHARACTER;
	if (c > REGEX_MAX_CODE) {
		strbuf_add_char(out, (char)(c - REGEX_MAX_CODE - 1)); /* PCRE2 refuses it */
		return;
	}
	c = regex_case_fold(c);
	if (is_surrogate(c))
		strbuf_add_str(out, "(?!)");
	else if (c < 0x80 && isprint((int)c) && strchr("\\^$.|?*+()[]{}", (int)c) == NULL)
		strbuf_add_char(out, (char)c);
	else
		regex_class_append_code(out, c);
}

/* Read a member of a class: a character, or a set such as \w, whose letter is then *set_r (else 0).
 * With named groups, JavaScript refuses \k. Returns the position after it. */
static const char *read_member(const struct translation *t, const char *p, uint32_t *c_r,
	char *set_r)
{
	*set_r = 0;
	if (*p != '\\')
		return regex_escape_read_char(p, t->end, c_r);
	if (p + 1 < t->end && p[1] != '\0' && strchr("dDwWsS", p[1]) != NULL) {
		*set_r = p[1];
		return p + 2;
	}
	if (p + 1 >= t->end || (p[1] == 'k' && t->has_names)) {
		*c_r = REGEX_MAX_CODE + 1; /* refused, as a class that is not closed is anyway */
		return p + 1 >= t->end ? t->end : p + 2;
	}
	return regex_escape_read(p + 1, t->end, true, c_r);
}

/* Add a member. Returns false for a byte that is no character. */
static bool add_member(struct regex_class *class, uint32_t c, char set)
{
	if (set != 0)
		regex_class_add_set(class, set);
	else if (c > REGEX_MAX_CODE)
		return false;
	else
		regex_class_add(class, c, c);
	return true;
}

/*
 * Read the members up to the closing bracket. A hyphen next to \w and the like stands for itself
 * ("[\w-.]"). Returns the position of the bracket, or end. *refused_r: JavaScript refuses the
 * class.
 */
static const char *read_members(const struct translation *t, const char *p,
	struct regex_class *class, bool *refused_r)
{
	const char *end = t->end;
	uint32_t first = 0, last = 0;
	char set, set_last;
	bool ok = true;

	while (p < end && *p != ']') {
		p = read_member(t, p, &first, &set);
		if (p + 1 >= end || *p != '-' || p[1] == ']') {
			ok &= add_member(class, first, set);
			continue;
		}
		p = read_member(t, p + 1, &last, &set_last);
		if (set != 0 || set_last != 0) {
			ok &= add_member(class, first, set);
			ok &= add_member(class, '-', 0);
			ok &= add_member(class, last, set_last);
		} else if (first > last || last > REGEX_MAX_CODE) {
			ok = false;
		} else {
			regex_class_add(class, first, last);
		}
	}
	*refused_r = !ok;
	return p;
}

/* Translate the class at p. Returns the position after it. */
static const char *translate_class(struct translation *t, const char *p)
{
	struct regex_class class = REGEX_CLASS_INIT;
	const size_t begin = t->out->len;
	bool refused;
	bool negated = ++p < t->end && *p == '^';

	p = read_members(t, p + negated, &class, &refused);
	if (p == t->end)
		strbuf_add_char(t->out, '['); /* not closed: refused */
	else if (refused)
		strbuf_add_str(t->out, REFUSED);
	else
		regex_class_append(t->out, &class, negated);
	t->cost += refused ? REGEX_COST_GROUP : REGEX_COST_CLASS + t->out->len - begin;
	regex_class_free(&class);
	return p < t->end ? p + 1 : p;
}

/* Note the name of a group. */
static void add_name(struct translation *t, const struct strbuf *name)
{
	if (t->names == NULL)
		t->names = strmap_new();
	switch (t->names == NULL ?
			-1 :
			strmap_add(t->names, name->text, name->len, (uint32_t)t->groups)) {
	case 1:
		break;
	case 0:
		t->is_refused = true;
		break;
	default:
		t->out->failed = true;
	}
}

/* Read the name of a group as regex_escape_read_name() does. */
static const char *read_name(struct translation *t, const char *p, struct strbuf *name)
{
	const char *behind = regex_escape_read_name(p, t->end, name);

	t->out->failed = t->out->failed || name->failed;
	return behind;
}

/* Count the groups that capture, and note their names. */
static void find_groups(struct translation *t)
{
	struct strbuf name = STRBUF_INIT;
	bool in_class = false, named;
	const char *p;

	for (p = t->start; p < t->end; p++) {
		if (*p == '\\') {
			p++;
			continue;
		}
		if (*p == '[' || *p == ']')
			in_class = *p == '[';
		if (*p != '(' || in_class)
			continue;
		named = t->end - p > 3 && p[1] == '?' && p[2] == '<' && p[3] != '=' && p[3] != '!';
		if (p + 1 < t->end && p[1] == '?' && !named)
			continue;
		t->groups++;
		t->has_names = t->has_names || named;
		if (named && read_name(t, p + 2, &name) != NULL)
			add_name(t, &name);
	}
	strbuf_free(&name);
}

/* Return the number of the group with a name; 0: there is none. */
static unsigned long group_of_name(const struct translation *t, const struct strbuf *name)
{
	uint32_t number;

	return t->names != NULL && strmap_find(t->names, name->text, name->len, &number) ? number :
											   0;
}

/* Note that a group begins or ends, so that references know which groups precede them. */
static void open_group(struct translation *t, struct open_group group)
{
	group.begin = t->out->len;
	strbuf_add(&t->nested, (const char *)&group, sizeof(group));
	t->lookbehinds += group.looks_behind;
}

static void open_capture(struct translation *t)
{
	open_group(t, (struct open_group){ .number = ++t->opened });
}

/* Close the last group, which ends before behind. */
static void close_group(struct translation *t, const char *behind)
{
	struct open_group group;

	t->behind = t->ahead = t->closes = NULL;
	if (t->nested.len < sizeof(group))
		return; /* refused */
	t->nested.len -= sizeof(group);
	memcpy(&group, t->nested.text + t->nested.len, sizeof(group));
	t->lookbehinds -= group.looks_behind;
	if (group.number <= t->groups)
		t->closed[group.number] = true;
	t->behind = group.looks_behind ? behind : NULL;
	t->ahead = group.looks_ahead ? behind : NULL;
	t->closes = behind;
	t->group = group.begin;
}

/* Append a reference to a group. Before the group's end it always matches the empty string: a loop
 * around both forgets what the group matched before. JavaScript matches a lookbehind from its end,
 * so that a group may precede a reference there which it follows: PCRE2 cannot, and refuses it.
 * behind: what follows the reference. With a quantifier, it is grouped, because 10.42's machine
 * code lets a repeated reference fail if the group is unset. */
static void add_reference(struct translation *t, unsigned long number, const char *behind)
{
	t->cost += REGEX_COST_CHARACTER;
	if (t->closed[number] || (t->lookbehinds > 0 && number > t->opened))
		strbuf_addf(t->out,
			regex_quantifier_follows(behind, t->end) ? "(?:\\g{%lu})" : "\\g{%lu}",
			number);
	else
		strbuf_add_str(t->out, "(?:)");
}

/* Translate the beginning of a group at p. Returns the position after it. */
static const char *translate_group(struct translation *t, const char *p)
{
	struct strbuf name = STRBUF_INIT;
	const char *behind;
	size_t len;

	if (p + 1 < t->end && p[1] == '*') {
		strbuf_add_str(t->out, REFUSED); /* JavaScript has no verbs */
		return p + 2;
	}
	if (p + 1 >= t->end || p[1] != '?') {
		open_capture(t);
		strbuf_add_char(t->out, '(');
		return p + 1;
	}
	len = p + 2 < t->end && p[2] == '<' ? 4 : 3;
	if ((size_t)(t->end - p) >= len && strchr(":=!", p[len - 1]) != NULL &&
		p[len - 1] != '\0' && (len == 3 || p[3] != ':')) {
		open_group(t,
			(struct open_group){
				.looks_ahead = len == 3 && p[2] != ':',
				.looks_behind = len == 4,
			});
		strbuf_add(t->out, p, len);
		return p + len;
	}
	open_capture(t);
	behind = read_name(t, p + 2, &name);
	if (behind != NULL && !t->is_refused && !regex_quantifier_follows(behind, t->end))
		strbuf_add_char(t->out, '(');
	else /* no name, one used twice, no JavaScript, or a quantifier, which makes "(?" */
		strbuf_add_str(t->out, REFUSED);
	strbuf_free(&name);
	return behind != NULL ? behind : p + 2;
}

/* Translate "\k<name>" or "\k"; p is after the k. Without named groups, it is text. */
static const char *translate_name(struct translation *t, const char *p)
{
	struct strbuf name = STRBUF_INIT;
	const char *behind = p;
	unsigned long group;

	if (!t->has_names) {
		strbuf_add_char(t->out, 'k');
		return p;
	}
	behind = read_name(t, p, &name);
	group = behind != NULL ? group_of_name(t, &name) : 0;
	if (group != 0)
		add_reference(t, group, behind);
	else
		strbuf_add_str(t->out, REFUSED);
	strbuf_free(&name);
	return behind != NULL ? behind : p;
}

/* Translate a backslash and digits, which are a back reference if there are so many groups. Returns
 * the position after it, or NULL if it is none. */
static const char *translate_reference(struct translation *t, const char *p)
{
	unsigned long number = 0;

	for (; p < t->end && isdigit((unsigned char)*p) && number <= t->groups; p++)
		number = number * 10 + (unsigned long)(*p - '0');
	if (number > t->groups)
		return NULL;
	add_reference(t, number, p);
	return p;
}

/* Translate the escape at p. Returns the position after it. */
static const char *translate_escape(struct translation *t, const char *p)
{
	const char *behind;
	uint32_t c;

	if (++p == t->end) {
		strbuf_add_char(t->out, '\\'); /* refused */
		return p;
	}
	switch (*p) {
	case 'b':
	case 'B':
	case 'd':
	case 'D':
	case 'w':
	case 'W':
		t->cost += REGEX_COST_CHARACTER;
		strbuf_add(t->out, p - 1, 2);
		return p + 1;
	case 's':
		t->cost += REGEX_COST_CLASS + strlen(SPACES);
		strbuf_add_str(t->out, "[" SPACES "]");
		return p + 1;
	case 'S':
		t->cost += REGEX_COST_CLASS + strlen(SPACES);
		strbuf_add_str(t->out, "[^" SPACES "]");
		return p + 1;
	case 'k':
		return translate_name(t, p + 1);
	default:
		break;
	}
	if (*p >= '1' && *p <= '9' && (behind = translate_reference(t, p)) != NULL)
		return behind;
	p = regex_escape_read(p, t->end, false, &c);
	add_literal(t, c);
	return p;
}

/* Put the last group into one without alternatives. PCRE2 10.42 skips only the first alternative of
 * (?:a|^){0}b, and then takes the ^ for required. */
static void wrap_group(struct translation *t)
{
	struct strbuf *out = t->out;

	strbuf_add_str(out, "(?:)");
	if (out->failed)
		return;
	memmove(out->text + t->group + 3, out->text + t->group, out->len - 4 - t->group);
	memcpy(out->text + t->group, "(?:", 3);
}

/* Translate the quantifier from p to end, with the ? of a lazy one. Returns the position after it.
 */
static const char *translate_quantifier(struct translation *t, const char *p, const char *end)
{
	/* JavaScript repeats no lookbehind, and has no possessive quantifiers: refused. It skips an
	 * optional lookahead, because an optional turn must not match the empty string. */
	strbuf_add_str(t->out, p == t->behind ? "**" : "");
	if (regex_quantifier_is_nothing(p) || (p == t->ahead && regex_quantifier_is_optional(p))) {
		if (p == t->closes)
			wrap_group(t);
		strbuf_add_str(t->out, "{0}");
	} else {
		strbuf_add(t->out, p, (size_t)(end - p));
	}
	if (end < t->end && *end == '?')
		strbuf_add_char(t->out, *end++);
	strbuf_add_str(t->out, end < t->end && *end == '+' ? "**" : "");
	return end;
}

/* Translate what begins at p. Returns the position after it. */
static const char *translate_one(struct translation *t, const char *p)
{
	const char *behind;
	uint32_t c;

	switch (*p) {
	case '\\':
		p = translate_escape(t, p);
		break;
	case '[':
		p = translate_class(t, p);
		break;
	case '(':
		t->cost += REGEX_COST_GROUP;
		p = translate_group(t, p);
		break;
	case '.':
		t->cost += t->lines ? REGEX_COST_CLASS : REGEX_COST_DOT;
		strbuf_add_str(t->out, t->lines ? "[^\\n\\r\\x{2028}\\x{2029}]" : ".");
		p++;
		break;
	case '{':
		if ((behind = regex_quantifier_braces_end(p, t->end)) != NULL) {
			p = translate_quantifier(t, p, behind);
			break;
		}
		add_literal(t, '{');
		p++;
		break;
	case ')':
		strbuf_add_char(t->out, *p++);
		close_group(t, p);
		break;
	case '?':
	case '*':
	case '+':
		p = translate_quantifier(t, p, p + 1);
		break;
	case '^':
	case '$':
	case '|':
		strbuf_add_char(t->out, *p++);
		break;
	default:
		p = regex_escape_read_char(p, t->end, &c);
		add_literal(t, c);
	}
	return p;
}

bool regex_dialect_translate(const char *regex, size_t len, bool lines, uint64_t max,
	struct strbuf *out)
{
	struct translation t = { .start = regex, .end = regex + len, .lines = lines, .out = out };
	const char *p = regex;

	find_groups(&t);
	if ((t.closed = calloc(t.groups + 1, sizeof(*t.closed))) == NULL) {
		out->failed = true;
		strmap_free(&t.names);
		return true;
	}
	while (p < t.end && t.cost <= max)
		p = translate_one(&t, p);
	out->failed = out->failed || t.nested.failed;
	strbuf_free(&t.nested);
	strmap_free(&t.names);
	free(t.closed);
	return p == t.end;
}
