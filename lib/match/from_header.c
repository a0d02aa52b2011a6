/*
 * Finds the addresses of From and Sender fields, and whether mail programs may read them
 * differently. Stateless; any thread may call it.
 */
#include "lib/match/from_header.h"

#include <string.h>

#include "lib/match/encoded_word.h"
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
	bool odd;     /* readers may differ about it */
	bool junk;    /* the brackets, or the words just read, are more than an address */
	bool plain;   /* the words just read are plain ones: nobody takes them for an address */
	bool no_mail; /* an element of the list contains no address */
	bool in_name; /* the pieces just read are the beginning of a name with commas */
	bool in_group;
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

/* Whether the token is a word that no reader decodes or completes to an address. */
static bool is_plain_word(const struct from_token *t)
{
	size_t i;

	if (t->kind != FROM_WORD || t->commented || memmem(t->text, t->len, "=?", 2) != NULL)
		return false;
	for (i = 0; i < t->len; i++) {
		if ((unsigned char)t->text[i] >= 0x80)
			return false;
	}
	return true;
}

/* Report the addresses of text without angle brackets. Sets p->junk if there is anything else, and
 * p->plain if all of it is plain words. Returns the character that ended it: , ; : < or 0 for the
 * end. */
static char parse_words(struct parser *p, struct from_lexer *lx)
{
	struct from_token t;
	bool any = false, dot = false;

	p->junk = false;
	p->plain = true;
	for (;; any = true) {
		t = from_token_next(lx);
		if (t.commented) /* some take "(a@b)" for an address, or for its author's name */
			p->plain = false;
		if (dot && t.kind != FROM_END && !t.spaced && !from_token_is(&t, ","))
			p->plain = false; /* "bank.e", unlike "Inc.", may be a domain */
		dot = any && from_token_is(&t, ".");
		if (t.kind != FROM_END && !dot && !from_token_is(&t, ",;:<>"))
			p->plain = p->plain && is_plain_word(&t);
		if (add_token(p, &t))
			continue;
		if (p->chain.has_at && t.kind != FROM_END && !from_token_is(&t, ",;:<>"))
			p->odd = true;
		end_chain(p);
		if (t.kind == FROM_END)
			return 0;
		p->in_group = p->in_group && !from_token_is(&t, ";");
		if (from_token_is(&t, ",;:<"))
			return t.mark;
		p->junk = p->junk || !from_token_is(&t, ">");
	}
}

/* Skip an obsolete route, "@a,@b:" (RFC 5322 obs-route). Text that only begins like one is kept. */
static void skip_route(struct parser *p, struct from_lexer *lx)
{
	struct from_lexer ahead = *lx;
	bool in_domain = false, any = false, several = false;
	struct from_token t;

	for (;;) {
		t = from_token_next(&ahead);
		if (any && from_token_is(&t, ":"))
			break;
		several = several || from_token_is(&t, ",");
		if (from_token_is(&t, ","))
			in_domain = false;
		else if (from_token_is(&t, "@") && !in_domain)
			in_domain = any = true;
		else if (!in_domain ||
			(t.kind != FROM_WORD && t.kind != FROM_LITERAL && !from_token_is(&t, ".")))
			return;
	}
	p->odd = p->odd || several; /* some end the mailbox at the comma */
	*lx = ahead;
}

/* Whether an @ or < precedes the token, in a comment. */
static bool follows_address(const struct from_token *t, const char *start)
{
	size_t len = (size_t)(t->text - start);

	return t->commented && (memchr(start, '@', len) != NULL || memchr(start, '<', len) != NULL);
}

/* Report the addresses between the < before lx and its >, or the end of the field. */
static void parse_brackets(struct parser *p, struct from_lexer *lx)
{
	size_t before = p->found;
	struct from_token t;
	const char *start;

	p->junk = false;
	skip_route(p, lx);
	for (;;) {
		start = lx->at;
		t = from_token_next(lx);
		p->odd = p->odd || follows_address(&t, start); /* some look there for it */
		if (add_token(p, &t))
			continue;
		end_chain(p);
		if (t.kind == FROM_END || from_token_is(&t, ">"))
			break;
		if (!from_token_is(&t, "<") || p->found > before)
			p->junk = true; /* "<<a@b>>" is accepted */
	}
	if (p->found > before + 1 || (p->found > before && p->junk))
		p->odd = true;
}

/* Read the rest of a piece with angle brackets: those after lx, and what follows them. display is
 * what precedes them. Returns the character that ended it. */
static char parse_mailbox(struct parser *p, struct from_lexer *lx, struct from_lexer *display)
{
	size_t before = p->found;
	char stop;

	parse_brackets(p, lx);
	if (p->found == before) {
		p->no_mail = true;
		(void)parse_words(p, display);
	}
	before = p->found;
	stop = parse_words(p, lx);
	if ((p->junk && !p->plain) || p->found > before || stop == ':' || stop == '<')
		p->odd = true; /* some read another element of the list there */
	while (stop == '<') {
		parse_brackets(p, lx);
		stop = parse_words(p, lx);
	}
	return stop;
}

/* Read a piece without angle brackets. Returns the character that ended it. */
static char parse_bare(struct parser *p, struct from_lexer *lx, bool is_empty)
{
	size_t before = p->found;
	char stop = parse_words(p, lx);

	if (p->found > before) {
		p->odd = p->odd || p->junk; /* some read "a b@c" as a */
		p->no_mail = p->no_mail || p->in_name;
		p->in_name = false;
	} else if (!is_empty) {
		p->in_name = p->plain && stop == ',';
		p->no_mail = p->no_mail || !p->in_name;
	}
	return stop;
}

/* What precedes the character that ends a piece, or its brackets. */
struct words {
	bool any; /* there is something, if only a comment */
	bool has_word, has_at;
	bool plain;	/* only plain words, and characters without a meaning */
	bool has_stray; /* some end the mailbox at such a character, or take the rest for one */
};

/* Read as far as the , ; : < or end after a piece's words. Returns that token. */
static struct from_token scan_words(struct from_lexer *lx, struct words *words_r)
{
	struct words w = { .plain = true };
	bool begun = false;
	struct from_token t;

	for (;;) {
		t = from_token_next(lx);
		w.any = w.any || t.commented;
		if (t.kind == FROM_END || from_token_is(&t, ",;:<"))
			break;
		w.any = true;
		w.has_word = w.has_word || t.kind == FROM_WORD;
		w.has_at = w.has_at || from_token_is(&t, "@");
		if (t.kind == FROM_MARK && (!begun || !from_token_is(&t, ".")))
			w.has_stray = true;
		else
			w.plain = w.plain && is_plain_word(&t);
		if (t.kind == FROM_WORD && memchr(t.text, '\\', t.len) != NULL)
			w.has_stray = true;
		begun = true;
	}
	*words_r = w;
	return t;
}

/* Read the name of a group. Some readers show it like an address, above all where no group can
 * begin: in another one, or without a name. */
static void parse_group_name(struct parser *p, struct from_lexer *lx, const struct words *words)
{
	struct from_lexer start = *lx;

	(void)parse_words(p, lx);
	p->odd = p->odd || words->has_at || (words->any && !p->junk) ||
		((p->in_group || words->has_stray) && !words->plain) ||
		encoded_words_may_hide_at(start.at, (size_t)(lx->at - start.at));
	p->no_mail = p->no_mail || p->in_name;
	p->in_name = false;
	p->in_group = true;
}

/* Whether the < before lx is followed by another one. */
static bool is_doubled(const struct from_lexer *lx)
{
	struct from_lexer ahead = *lx;
	struct from_token t = from_token_next(&ahead);

	return from_token_is(&t, "<");
}

/* Read one piece of the field, up to a comma, semicolon or colon. false when it was the last. */
static bool parse_piece(struct parser *p, struct from_lexer *lx)
{
	struct from_lexer start = *lx;
	struct words words;
	struct from_token t = scan_words(lx, &words);

	if (from_token_is(&t, "<")) {
		start.end = t.text;
		/* some read "a@b <c@d>" as a@b, and what precedes << as an address */
		p->odd = p->odd || words.has_at ||
			((words.has_stray || is_doubled(lx)) && !words.plain);
		p->no_mail = p->no_mail || (p->in_name && !words.has_word);
		p->in_name = false; /* "Foo, Inc <a@b>": the name has a comma */
		return parse_mailbox(p, lx, &start) != 0;
	}
	*lx = start;
	if (!from_token_is(&t, ":"))
		return parse_bare(p, lx, !words.any) != 0;
	parse_group_name(p, lx, &words);
	return true;
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
	if (p.odd || ((p.no_mail || p.in_name) && p.found > 0))
		return FROM_UNPARSABLE;
	return p.found > 0 ? FROM_ADDRESSES : FROM_NONE;
}
