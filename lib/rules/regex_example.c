/*
 * Writes a text that a regex probably matches, by the first alternative of each group and the
 * fewest repeats. Owns nothing; any thread may call it. Part of regex_check.c.
 */
#include <ctype.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/match/regexlist.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_check_private.h"

#define EXAMPLE_MAX 160 /* bytes of a text */
#define DEPTH_MAX 16	/* of groups */

struct writer {
	const char *text, *p, *end;
	struct regex_maker *maker;
	struct strbuf *out;
	size_t groups[DEPTH_MAX]; /* where the text of each open group begins */
	unsigned depth;
	struct regex_filler filler;
	size_t wildcards; /* so far */
};

static bool hex_value(const char *text, size_t digits, unsigned *value_r)
{
	*value_r = 0;
	for (size_t i = 0; i < digits; i++) {
		const int digit = ascii_hex_digit(text[i]);

		if (digit < 0)
			return false;
		*value_r = *value_r * 16 + (unsigned)digit;
	}
	return true;
}

/* Add a character that an escape matches. */
static bool add_escape(struct writer *w)
{
	static const char texts[][2] = { "d1", "wx", "Dx", "Sx", "W-", "s " }; /* class, member */
	const size_t left = (size_t)(w->end - w->p);
	const char c = left > 1 ? w->p[1] : '\0';
	const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
	unsigned code;

	w->p += left > 1 ? 2 : left;
	if (digits > 0) {
		if (left < 2 + digits || !hex_value(w->p, digits, &code) || code == 0 ||
			code >= 0x80)
			return false;
		w->p += digits;
		strbuf_add_char(w->out, (char)code);
		return true;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i][0] == c) {
			strbuf_add_char(w->out, texts[i][1]);
			return true;
		}
	}
	if (c == '\0' || isdigit((unsigned char)c) || strchr("kcpPtnrfv", c) != NULL)
		return false;
	if (c != 'b' && c != 'B')
		strbuf_add_char(w->out, c);
	return true;
}

/* Return a member of the class, or NUL if none is known. */
static char find_member(const char *class, size_t len, struct regex_scratch *scratch)
{
	static const char members[] = "xabcdefghijklmnopqrstuvwyz0123456789-._@:[]+";
	struct regexlist *list = regexlist_new(true);
	const char *c = members + sizeof(members) - 1;
	uint32_t value;

	if (list != NULL && regexlist_add(list, class, len, 0, NULL) == REGEX_ADDED &&
		regexlist_finish(list, NULL, NULL) == 0)
		for (c = members;
			*c != '\0' && regexlist_match(list, scratch, c, 1, &value) != REGEX_YES;)
			c++;
	regexlist_unref(&list);
	return *c;
}

/* Add a member of the class, which is found once for all examples, because that takes time. */
static bool add_member(struct writer *w)
{
	const char *stop = regex_class_end(w->p, w->end);
	const size_t place = (size_t)(w->p - w->text);
	const bool is_kept = place < sizeof(w->maker->members);
	char member = is_kept ? w->maker->members[place] : '\0';

	if (member == '\0')
		member = find_member(w->p, (size_t)(stop - w->p), w->maker->scratch);
	if (is_kept)
		w->maker->members[place] = member;
	if (member != '\0')
		strbuf_add_char(w->out, member);
	w->p = stop;
	return member != '\0';
}

/* Repeat the text behind `from` as often as the quantifier requires. */
static bool repeat(struct writer *w, size_t from)
{
	unsigned times = 0;
	size_t len;

	if (w->p == w->end || strchr("*+?{", *w->p) == NULL)
		return true;
	if (*w->p++ == '{') {
		for (; w->p < w->end && isdigit((unsigned char)*w->p) && times < EXAMPLE_MAX;
			w->p++)
			times = times * 10 + (unsigned)(*w->p - '0');
		while (w->p < w->end && *w->p != '}')
			w->p++;
		w->p += w->p < w->end;
	} else {
		times = 1;
	}
	w->p += w->p < w->end && *w->p == '?'; /* lazy */
	len = w->out->len - from;
	if (times == 0 || times * len > EXAMPLE_MAX || w->out->failed)
		return false;
	for (; times > 1; times--) {
		char unit[EXAMPLE_MAX];

		memcpy(unit, w->out->text + from, len);
		strbuf_add(w->out, unit, len);
	}
	return true;
}

/* Skip the other alternatives of the group that is open, or of the regex. */
static void skip_alternatives(struct writer *w)
{
	struct regex_atoms atoms = { w->p, w->end };
	const char *start = atoms.at;
	char literal;

	while (regex_atoms_next(&atoms, &literal) != ATOM_END && *start != ')')
		start = atoms.at;
	w->p = start;
}

static bool begin_group(struct writer *w)
{
	const size_t left = (size_t)(w->end - w->p);
	struct regex_atoms atoms = { w->p, w->end };
	const char *name_end;
	char literal;

	if (left > 2 && w->p[1] == '?' && w->p[2] != ':' &&
		(w->p[2] != '<' || (left > 3 && strchr("=!", w->p[3]) != NULL))) {
		(void)regex_atoms_next(&atoms, &literal); /* looks around, and matches nothing */
		w->p = atoms.at;
		return true;
	}
	if (w->depth == DEPTH_MAX)
		return false;
	w->groups[w->depth++] = w->out->len;
	if (left > 2 && w->p[1] == '?') {
		name_end = w->p[2] == ':' ? w->p + 2 : memchr(w->p, '>', left);
		if (name_end == NULL)
			return false;
		w->p = name_end;
	}
	w->p++;
	return true;
}

static bool is_optional(const struct writer *w)
{
	return w->p < w->end && (*w->p == '?' || *w->p == '*');
}

static void add_wildcard(struct writer *w)
{
	strbuf_add_str(w->out, w->wildcards++ == w->filler.place ? w->filler.text : "x");
}

/* Add what the next part of the regex matches. */
static bool add_next(struct writer *w)
{
	const size_t from = w->out->len;
	const char c = *w->p;

	switch (c) {
	case '(':
		return begin_group(w);
	case '|':
		skip_alternatives(w);
		return true;
	case ')':
		w->p++;
		return w->depth > 0 && repeat(w, w->groups[--w->depth]);
	case '^':
	case '$':
		w->p++;
		return true;
	case '\\':
		return (add_escape(w) || is_optional(w)) && repeat(w, from);
	case '[':
		return add_member(w) && repeat(w, from);
	default:
		w->p++;
		if (c == '.' && w->p < w->end && strchr("*+", *w->p) != NULL)
			add_wildcard(w);
		else
			strbuf_add_char(w->out, c == '.' ? 'x' : c);
		return repeat(w, from);
	}
}

bool regex_add_example(const char *text, size_t len, const struct regex_filler *filler,
	struct regex_maker *maker, struct strbuf *out)
{
	struct writer w = {
		.text = text,
		.p = text,
		.maker = maker,
		.end = text + len,
		.out = out,
		.filler = *filler,
	};

	while (w.p < w.end && out->len <= EXAMPLE_MAX) {
		if (!add_next(&w))
			return false;
	}
	return !out->failed && out->len > 0 && out->len <= EXAMPLE_MAX &&
		(filler->place == 0 || filler->place < w.wildcards);
}
