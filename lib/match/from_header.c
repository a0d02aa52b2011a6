/*
 * Finds the addresses of From and Sender fields, and whether mail programs may read them
 * differently. Stateless; any thread may call it.
 */
#include "lib/match/from_header.h"

#include <string.h>

#include "lib/match/from_tokens.h"

/* A candidate for an address: adjacent words, dots and @. */
struct chain {
	char text[ADDRESS_MAX + 1];
	size_t len; /* above ADDRESS_MAX: too long, the rest is not kept */
	char last;  /* '.', '@', 'w' for a word, 'l' for a literal; 0: empty */
	bool has_at, quoted, odd;
	bool hides_at; /* an @ within quotes */
};

struct parser {
	from_each_fn *each;
	void *context;
	struct chain chain;
	size_t found;
	bool odd;  /* readers may differ about it */
	bool junk; /* the angle brackets contain more than an address */
	bool stop;
};

static void append(struct chain *c, const char *text, size_t len, bool with_blanks)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\r' || text[i] == '\n' ||
			(!with_blanks && (text[i] == ' ' || text[i] == '\t')))
			continue;
		if (c->len < ADDRESS_MAX)
			c->text[c->len] = text[i] != '\0' ? text[i] : ' ';
		c->len++;
	}
}

/* Convert a complete local part that was partly quoted into one quoted string. */
static void put_in_quotes(struct chain *c)
{
	if (c->len + 2 <= ADDRESS_MAX) {
		memmove(c->text + 1, c->text, c->len);
		c->text[0] = c->text[c->len + 1] = '"';
	}
	c->len += 2;
}

/* Return whether the text contains something forbidden in an address: control characters, or an
 * encoded-word, which some readers decode. */
static bool is_disguised(const struct chain *c)
{
	const char *encoded = memmem(c->text, c->len, "=?", 2);
	size_t i;

	for (i = 0; i < c->len; i++) {
		if ((unsigned char)c->text[i] < 0x20 || c->text[i] == 0x7f)
			return true;
	}
	if (encoded == NULL)
		return false;
	encoded += 2;
	return memmem(encoded, c->len - (size_t)(encoded - c->text), "?=", 2) != NULL;
}

static void report_address(struct parser *p)
{
	const struct chain *c = &p->chain;
	struct mail_address address;

	if (p->stop)
		return;
	if (c->len > ADDRESS_MAX || address_parse(c->text, c->len, &address) < 0 ||
		!address.has_domain) {
		p->odd = true;
		return;
	}
	p->odd = p->odd || c->odd || address.is_odd || is_disguised(c);
	p->found++;
	p->stop = !p->each(p->context, &address);
}

static void end_chain(struct parser *p)
{
	struct chain *c = &p->chain;

	if (c->has_at && c->last != '@') {
		report_address(p);
	} else if (c->last != 0) {
		p->junk = true;
		p->odd = p->odd || c->hides_at; /* "a@b", where an address belongs */
	}
	c->len = 0;
	c->last = 0;
	c->has_at = c->quoted = c->odd = c->hides_at = false;
}

static void add_word(struct parser *p, const struct from_token *t)
{
	struct chain *c = &p->chain;
	bool behind_word = c->last == 'w' || c->last == 'l';

	if (behind_word && t->spaced) {
		p->odd = p->odd || c->has_at; /* some read "a@b c" as a@bc */
		end_chain(p);
	} else if (behind_word) {
		c->odd = true; /* "a"b, a(comment)b */
	}
	if (t->kind == FROM_QUOTED && c->has_at)
		c->odd = true;
	else if (t->kind == FROM_QUOTED)
		c->quoted = true;
	if (t->kind == FROM_QUOTED)
		c->hides_at = c->hides_at || memchr(t->text, '@', t->len) != NULL;
	else if (memchr(t->text, '\\', t->len) != NULL)
		c->odd = true;
	append(c, t->text, t->len, t->kind != FROM_LITERAL);
	c->last = t->kind == FROM_LITERAL ? 'l' : 'w';
}

static void add_at(struct parser *p)
{
	struct chain *c = &p->chain;

	if (c->last == 0)
		c->odd = true;
	if (c->has_at) {
		c->odd = true; /* some read "a@b@c" as a@b */
		if (c->last != '@')
			report_address(p);
	} else if (c->quoted) {
		put_in_quotes(c);
	}
	append(c, "@", 1, true);
	c->has_at = true;
	c->last = '@';
}

/* Add the token to the candidate if it can belong to an address. Returns whether it can. */
static bool add_token(struct parser *p, const struct from_token *t)
{
	if (from_token_is(t, "@")) {
		add_at(p);
	} else if (from_token_is(t, ".")) {
		p->chain.odd = p->chain.odd || p->chain.last == 'l';
		append(&p->chain, ".", 1, true);
		p->chain.last = '.';
	} else if (t->kind == FROM_WORD || t->kind == FROM_QUOTED || t->kind == FROM_LITERAL) {
		add_word(p, t);
	} else {
		return false;
	}
	return true;
}

/* Report the addresses of text without angle brackets. Returns the character that ended it: , ; : <
 * or 0 for the end. */
static char parse_words(struct parser *p, struct from_lexer *lx)
{
	struct from_token t;

	for (;;) {
		t = from_token_next(lx);
		if (add_token(p, &t))
			continue;
		if (p->chain.has_at && t.kind != FROM_END && !from_token_is(&t, ",;:<>"))
			p->odd = true;
		end_chain(p);
		if (t.kind == FROM_END)
			return 0;
		if (from_token_is(&t, ",;:<"))
			return t.mark;
	}
}

/* Skip an obsolete route, "@a,@b:" (RFC 5322 obs-route). Text that only begins like one is kept. */
static void skip_route(struct from_lexer *lx)
{
	struct from_lexer ahead = *lx;
	bool in_domain = false, any = false;
	struct from_token t;

	for (;;) {
		t = from_token_next(&ahead);
		if (any && from_token_is(&t, ":"))
			break;
		if (from_token_is(&t, ","))
			in_domain = false;
		else if (from_token_is(&t, "@") && !in_domain)
			in_domain = any = true;
		else if (!in_domain ||
			(t.kind != FROM_WORD && t.kind != FROM_LITERAL && !from_token_is(&t, ".")))
			return;
	}
	*lx = ahead;
}

/* Report the addresses between the < before lx and its >, or the end of the field. */
static void parse_brackets(struct parser *p, struct from_lexer *lx)
{
	size_t before = p->found;
	struct from_token t;

	p->junk = false;
	skip_route(lx);
	for (;;) {
		t = from_token_next(lx);
		if (add_token(p, &t))
			continue;
		end_chain(p);
		if (t.kind == FROM_END || from_token_is(&t, ">"))
			break;
		p->junk = true;
		if (from_token_is(&t, "<") && p->found == before) {
			p->junk = false; /* "<<a@b>>"; "I <3 you <a@b>" */
			skip_route(lx);
		}
	}
	if (p->found > before + 1 || (p->found > before && p->junk))
		p->odd = true;
}

/* Read one piece of the field, up to a comma, semicolon or colon. false when it was the last. */
static bool parse_piece(struct parser *p, struct from_lexer *lx)
{
	struct from_lexer display = *lx;
	size_t before = p->found;
	struct from_token t;
	char stop = '<';

	do
		t = from_token_next(lx);
	while (t.kind != FROM_END && !from_token_is(&t, ",;:<"));
	if (!from_token_is(&t, "<")) {
		*lx = display;
		return parse_words(p, lx) != 0;
	}
	parse_brackets(p, lx);
	if (p->found == before) {
		display.end = t.text;
		(void)parse_words(p, &display);
		p->odd = p->odd || p->found > before;
	}
	while ((stop = parse_words(p, lx)) == '<')
		parse_brackets(p, lx);
	return stop != 0;
}

enum from_result from_header_parse(const char *value, size_t len, from_each_fn *each, void *context)
{
	struct parser p = { .each = each, .context = context };
	struct from_lexer lx = { .at = value, .odd = &p.odd };

	if (len > 0 && value[len - 1] == '\n')
		len -= len > 1 && value[len - 2] == '\r' ? 2 : 1;
	lx.end = value + len;
	p.odd = from_has_stray_control(value, lx.end);
	while (!p.stop && parse_piece(&p, &lx))
		;
	if (p.odd)
		return FROM_UNPARSABLE;
	return p.found > 0 ? FROM_ADDRESSES : FROM_NONE;
}
