/*
 * Finds the addresses of From fields, however malformed they are. Stateless; any thread may call
 * it.
 */
#include "lib/match/from_header.h"

#include <string.h>

#include "lib/match/encoded_word.h"
#include "lib/match/from_grammar.h"
#include "lib/match/from_tokens.h"

/* A candidate for an address: adjacent words, dots and @. */
struct chain {
	char text[ADDRESS_MAX + 1];
	size_t len; /* above ADDRESS_MAX: too long, the rest is not kept */
	char last;  /* '.', '@', 'w' for a word; 0: empty */
	bool has_at, quoted;
};

struct parser {
	struct from_lexer lx;
	from_each_fn *each;
	void *context;
	struct chain chain;
	size_t found;
	bool stop;
};

/* Read the next token that is not a comment. */
static struct from_token next_token(struct from_lexer *lx)
{
	struct from_token t = from_token_next(lx);
	bool spaced = t.spaced;

	while (t.kind == FROM_COMMENT) {
		t = from_token_next(lx);
		spaced |= t.spaced;
	}
	t.spaced = spaced;
	return t;
}

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

static void report_address(struct parser *p)
{
	const struct chain *c = &p->chain;
	struct mail_address address;
	bool is_read;

	if (p->stop)
		return;
	is_read = c->len <= ADDRESS_MAX && address_parse(c->text, c->len, &address) == 0;
	if (is_read && !address.has_domain)
		return;
	p->found++;
	p->stop = !p->each(p->context, is_read ? &address : NULL);
}

static void end_chain(struct parser *p)
{
	struct chain *c = &p->chain;

	if (c->has_at && c->last != '@')
		report_address(p);
	c->len = 0;
	c->last = 0;
	c->has_at = c->quoted = false;
}

static void add_word(struct parser *p, const struct from_token *t)
{
	struct chain *c = &p->chain;

	if (c->last == 'w' && t->spaced)
		end_chain(p);
	c->quoted |= t->kind == FROM_QUOTED && !c->has_at;
	append(c, t->text, t->len, t->kind != FROM_LITERAL);
	c->last = 'w';
}

static void add_mark(struct parser *p, char mark)
{
	struct chain *c = &p->chain;

	if (mark == '@' && c->has_at && c->last != '@')
		report_address(p); /* some read "a@b@c" as a@b */
	else if (mark == '@' && !c->has_at && c->quoted)
		put_in_quotes(c);
	append(c, &mark, 1, true);
	c->has_at |= mark == '@';
	c->last = mark;
}

/* Add a character that an encoded-word shows. */
static void add_shown(void *context, char c)
{
	struct parser *p = context;

	if (c == '@' || c == '.') {
		add_mark(p, c);
	} else if ((unsigned char)c <= ' ' || strchr("()<>[]:;,\"\\", c) != NULL) {
		end_chain(p);
	} else {
		append(&p->chain, &c, 1, true);
		p->chain.last = 'w';
	}
}

/* Add the encoded-word that begins with the token as some programs read it, which decode a field
 * before they look for addresses. Returns whether there is one that all decode alike. */
static bool add_encoded(struct parser *p, const struct from_token *t)
{
	const char *end;

	if (t->kind != FROM_WORD || t->len < 2 || memcmp(t->text, "=?", 2) != 0)
		return false;
	if (p->chain.last == 'w' && t->spaced)
		end_chain(p);
	end = encoded_word_decode(t->text, p->lx.end, add_shown, p);
	if (end == NULL)
		end_chain(p);
	else
		p->lx.at = end;
	return end != NULL;
}

/* Add the token to the candidate if it can belong to an address. Returns whether it can. */
static bool add_token(struct parser *p, const struct from_token *t)
{
	if (from_token_is(t, "@."))
		add_mark(p, t->mark);
	else if (t->kind == FROM_WORD || t->kind == FROM_QUOTED || t->kind == FROM_LITERAL)
		add_word(p, t);
	else
		return false;
	return true;
}

/* Skip an obsolete route, "@a,@b:" (RFC 5322 obs-route). Text that only begins like one is kept. */
static void skip_route(struct from_lexer *lx)
{
	struct from_lexer ahead = *lx;
	bool in_domain = false, any = false;
	struct from_token t;

	for (;;) {
		t = next_token(&ahead);
		if (any && from_token_is(&t, ":"))
			break;
		if (from_token_is(&t, ","))
			in_domain = false;
		else if (from_token_is(&t, "@") && !in_domain)
			in_domain = any = true;
		else if (!in_domain ||
			(t.kind != FROM_WORD && t.kind != FROM_LITERAL &&
				!from_token_is(&t, ".")) ||
			memchr(t.text, '\\', t.len) != NULL)
			return;
	}
	*lx = ahead;
}

/* Report every address of the value. */
static void read_addresses(struct parser *p)
{
	struct from_token t;

	do {
		t = next_token(&p->lx);
		if (add_encoded(p, &t) || add_token(p, &t))
			continue;
		end_chain(p);
		if (from_token_is(&t, "<"))
			skip_route(&p->lx);
	} while (t.kind != FROM_END && !p->stop);
}

static bool ignore_address(void *context, const struct mail_address *address)
{
	(void)context;
	(void)address;
	return true;
}

bool from_header_parse(const char *value, size_t len, from_each_fn *each, void *context)
{
	struct parser p = { .each = each, .context = context };
	const struct from_lexer start = { .at = value, .end = value + len };

	if (from_grammar_parse(value, len, ignore_address, NULL).refusal == NULL)
		return from_grammar_parse(value, len, each, context).count > 0;
	p.lx = start;
	read_addresses(&p);
	if (!p.stop && memchr(value, '"', len) != NULL) {
		p.lx = start;
		p.lx.quotes_plain = true;
		read_addresses(&p);
	}
	return p.found > 0;
}
