/*
 * Parses the parts of From fields: words, comments and addresses, in the forms that all mail
 * programs read alike. The caller owns the parser; stateless otherwise. t/unit/test_from_grammar.c
 * covers it.
 */
#include "lib/match/from_parser.h"

#include <string.h>

#include "lib/base/utf8.h"
#include "lib/match/from_address.h"
#include "lib/match/from_text.h"

static const char *const advices[] = {
	[WRITE_ADDRESS] = "write the address as local@domain, without comments or spaces",
	[WRITE_DOMAIN] = "write the domain in ordinary letters and with ordinary dots",
	[WRITE_NAME] = "write the name in quotes",
	[WRITE_QUOTED_NAME] =
		"an @ or < belongs in a quoted name with one comma at most, alone before a usual address",
	[WRITE_ENCODED_WORD] = "encode the name anew (RFC 2047)",
	[WRITE_COMMENT] = "write the comment as plain words, or in the quoted name",
	[WRITE_BEHIND] = "write only a comma or a comment of plain words behind an address",
	[WRITE_LIST] = "write each part of the list as \"Name\" <address>",
	[WRITE_ALONE] = "write it as \"Name\" <address>, with nothing else",
	[WRITE_NONE] = "write an address",
	[WRITE_CONTROL] = "remove control characters and empty lines",
	[WRITE_UNFOLDED] = "write the quoted name on one line",
	[WRITE_LENGTH] = "shorten the name or the line",
};

const char *from_token_start(const struct from_token *t)
{
	return t->text - (t->kind == FROM_QUOTED || t->kind == FROM_COMMENT);
}

void from_advance(struct from_parser *p)
{
	p->t = from_token_next(&p->lx);
}

bool from_refuse(struct from_parser *p, const char *at, enum from_advice advice)
{
	if (p->field.refusal == NULL) {
		p->field.refusal = advices[advice];
		p->field.at = at;
	}
	return false;
}

bool from_note(struct from_parser *p, const char *at, enum from_irregular irregular)
{
	if (p->irregular != REGULAR && p->irregular != irregular)
		return from_refuse(p, at, WRITE_ALONE);
	p->irregular = irregular;
	return true;
}

bool from_is_at_end(const struct from_parser *p, const char *marks)
{
	return p->t.kind == FROM_END || from_token_is(&p->t, marks);
}

/* ---- comments ------------------------------------------------------------------ */

bool from_read_comment(struct from_parser *p, bool is_first)
{
	static const char specials[] = "()<>[];@\"\\";
	const struct from_token t = p->t;
	struct from_shown s;

	from_shown_clear(&s);
	from_advance(p);
	if ((!t.spaced && !is_first) || !(p->t.spaced || from_is_at_end(p, ",:;")) ||
		from_has_any(t.text, t.len, specials) || !from_shown_text(&s, t.text, t.len) ||
		s.is_cut || s.open || (s.foreign && !p->is_ascii) ||
		from_has_any(s.text, s.len, specials) || from_has_control(s.text, s.len) ||
		from_has_wide_at(s.text, s.len) || from_shown_is_telling(&s))
		return from_refuse(p, t.text - 1, WRITE_COMMENT);
	return from_note(p, t.text - 1, IRREGULAR_COMMENT);
}

/* ---- addresses ----------------------------------------------------------------- */

/* Return the end of the characters at text that are neither white space nor special. */
static const char *run_end(const char *text, const char *end)
{
	while (text < end && *text != '\0' && strchr(" \t\r\n()<>[]:;@,\"\\", *text) == NULL)
		text++;
	return text;
}

bool from_is_address(const struct from_parser *p)
{
	const char *end = p->lx.end;
	const char *at = p->t.kind == FROM_QUOTED ? p->lx.at : run_end(p->t.text, end);

	return at < end && *at == '@';
}

/* Return the end of the domain at text. */
static const char *domain_end(const char *text, const char *end)
{
	const char *closing;

	if (text == end || *text != '[')
		return run_end(text, end);
	closing = memchr(text, ']', (size_t)(end - text));
	return closing != NULL ? closing + 1 : text;
}

static bool has_three_labels(const char *domain)
{
	const char *dot = strchr(domain, '.');

	return dot != NULL && strchr(dot + 1, '.') != NULL;
}

/* Note what is irregular in the address from start to end; `at` points to its @. */
static bool note_address(struct from_parser *p, const char *start, const char *at, const char *end)
{
	const size_t len = (size_t)(at - start);

	if (*start == '"' &&
		(len < 3 || from_has_any(start + 1, len - 2, "()<>[]:;@,\"\\\t\r\n") ||
			!from_note(p, start, IRREGULAR_QUOTED_LOCAL_PART)))
		return false;
	if (*start == '.' || memmem(at, (size_t)(end - at), "..", 2) != NULL)
		return false;
	return (at[-1] != '.' && end[-1] != '.' && memmem(start, len, "..", 2) == NULL) ||
		from_note(p, start, IRREGULAR_STRAY_DOT);
}

bool from_read_address(struct from_parser *p, struct mail_address *address_r)
{
	const char *start = from_token_start(&p->t), *at, *end;
	size_t len;

	if (!from_is_address(p))
		return from_refuse(p, start, WRITE_ADDRESS);
	at = p->t.kind == FROM_QUOTED ? p->lx.at : run_end(start, p->lx.end);
	end = domain_end(at + 1, p->lx.end);
	len = (size_t)(end - start);
	if (at == start || len > FROM_WORD_LONGEST || utf8_valid_len(start, len) < len ||
		from_is_disguised(start, len) || address_parse(start, len, address_r) < 0 ||
		!address_r->has_domain || address_r->is_odd || !note_address(p, start, at, end))
		return from_refuse(p, start, WRITE_ADDRESS);
	if (!from_domain_is_plain(address_r))
		return from_refuse(p, start, WRITE_DOMAIN);
	p->lx.at = end;
	from_advance(p);
	p->deep = has_three_labels(address_domain(address_r));
	return p->t.spaced || from_is_at_end(p, ",;>") || from_refuse(p, start, WRITE_ADDRESS);
}

bool from_read_brackets(struct from_parser *p, struct mail_address *address_r)
{
	const char *start = p->t.text;
	const bool is_doubled = p->lx.at < p->lx.end && *p->lx.at == '<';
	int depth;

	for (depth = is_doubled ? 2 : 1; depth > 0; depth--)
		from_advance(p);
	if (p->t.spaced || (is_doubled && !from_note(p, start, IRREGULAR_DOUBLED_BRACKETS)) ||
		!from_read_address(p, address_r))
		return from_refuse(p, start, WRITE_ADDRESS);
	if (!is_doubled && p->t.kind == FROM_END)
		return from_note(p, start, IRREGULAR_UNCLOSED_BRACKET);
	for (depth = is_doubled ? 2 : 1; depth > 0; depth--) {
		if (!from_token_is(&p->t, ">") || p->t.spaced)
			return from_refuse(p, start, WRITE_ADDRESS);
		from_advance(p);
	}
	return true;
}

/* ---- names --------------------------------------------------------------------- */

size_t from_name_words(const struct from_name *name)
{
	return name->atoms + name->quoted + name->encoded;
}

/* Return whether each backslash in a quoted string escapes a quotation mark or a backslash. After
 * an escaped backslash, neither of these may follow, nor the end: some programs take the second
 * backslash for one that escapes it. */
static bool is_well_escaped(const struct from_token *t)
{
	const char *end = t->text + t->len, *c;

	for (c = t->text; (c = memchr(c, '\\', (size_t)(end - c))) != NULL; c += 2) {
		if (c[1] != '"' && (c[1] != '\\' || c + 2 == end || strchr("\"\\", c[2]) != NULL))
			return false;
	}
	return true;
}

static bool read_quoted(struct from_parser *p)
{
	const struct from_token t = p->t;
	const char *start = t.text - 1;

	p->name.quoted++;
	from_advance(p);
	if (t.len > FROM_WORD_LONGEST)
		return from_refuse(p, start, WRITE_LENGTH);
	if (!is_well_escaped(&t))
		return from_refuse(p, start, WRITE_NAME);
	if (!from_shown_text(&p->name.shown, t.text, t.len))
		return from_refuse(p, start, WRITE_ENCODED_WORD);
	if (t.len == 0)
		return from_note(p, start, IRREGULAR_EMPTY_QUOTES);
	if (p->folded == NULL && memchr(t.text, '\n', t.len) != NULL)
		p->folded = start;
	return memchr(t.text, '\\', t.len) == NULL || from_note(p, start, IRREGULAR_BACKSLASH);
}

/* Read an atom or an encoded-word. */
static bool read_unquoted(struct from_parser *p)
{
	const char *start = p->t.text, *end = run_end(start, p->lx.end);
	const size_t len = (size_t)(end - start);

	if (len > FROM_WORD_LONGEST)
		return from_refuse(p, start, WRITE_LENGTH);
	if (len > 1 && memcmp(start, "=?", 2) == 0) {
		if ((end = from_shown_encoded(&p->name.shown, start, p->lx.end)) == NULL)
			return from_refuse(p, start, WRITE_ENCODED_WORD);
		p->name.encoded++;
	} else {
		if (*start == '.' || memmem(start, len, "..", 2) != NULL)
			return from_refuse(p, start, WRITE_NAME);
		if (memchr(start, '=', len) != NULL && memchr(start, '?', len) != NULL)
			return from_refuse(p, start, WRITE_ENCODED_WORD);
		from_shown_add(&p->name.shown, start, len);
		p->name.atoms++;
	}
	p->lx.at = end;
	from_advance(p);
	return true;
}

bool from_read_word(struct from_parser *p)
{
	const char *start = from_token_start(&p->t);

	if (p->name.shown.len > 0 && p->t.spaced)
		from_shown_add(&p->name.shown, " ", 1);
	p->name.ends_with_comma = false;
	if (p->t.kind == FROM_QUOTED ? !read_quoted(p) : !read_unquoted(p))
		return false;
	return p->t.spaced || from_is_at_end(p, ",:;<]") || from_refuse(p, start, WRITE_NAME);
}
