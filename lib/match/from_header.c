/*
 * Finds the addresses of From and Sender fields, and whether mail programs may read them
 * differently. Stateless; any thread may call it.
 */
#include "lib/match/from_header.h"

#include <string.h>

#include "lib/match/encoded_word.h"
#include "lib/match/from_comments.h"
#include "lib/match/from_oddities.h"
#include "lib/match/from_text.h"
#include "lib/match/from_tokens.h"
#include "lib/match/from_words.h"

/* Sendmail (8.17) cuts a mailbox at 256 bytes: first its name, then its address. It ends one within
 * a name of more than 1,256. */
#define PIECE_CUT 240
#define PIECE_MAX 1000

/* A candidate for an address: adjacent words, dots and @. */
struct chain {
	char text[ADDRESS_MAX + 1];
	size_t len; /* above ADDRESS_MAX: too long, the rest is not kept */
	char last;  /* '.', '@', 'w' for a word, 'l' for a literal; 0: empty */
	bool has_at, quoted, odd;
	bool hides_special; /* within quotes, nothing, or more than words, dots and spaces */
	bool hides_at;	    /* ... an @ */
};

struct parser {
	from_each_fn *each;
	void *context;
	struct chain chain;
	size_t found;
	struct from_signs signs;
	bool junk;	 /* the brackets, or the words just read, are more than an address */
	bool plain;	 /* the words just read are plain ones: nobody takes them for an address */
	bool suspicious; /* one of them may be shown as an address, or they have a dot as in a
			    domain: "bank.e", unlike "Inc." */
	bool no_mail;	 /* an element of the list contains no address */
	bool uncommon;	 /* a name contains what few readers know (struct from_words) */
	bool dotted;	 /* a name has a dot */
	bool joined;	 /* ... and brackets directly behind it, or behind a later name */
	bool deep;	 /* the domain of an address in this piece has more than two labels */
	bool in_name;	 /* the pieces just read are the beginning of a name with commas */
	bool has_comma;	 /* such a name was complete */
	bool in_group;
	bool is_cut; /* Sendmail may cut a piece */
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

static bool has_three_labels(const char *domain)
{
	const char *dot = strchr(domain, '.');

	return dot != NULL && strchr(dot + 1, '.') != NULL;
}

/* Whether a dot is where RFC 5322 section 3.4.1 allows none. */
static bool has_stray_dot(const struct chain *c)
{
	return c->text[0] == '.' || c->last == '.' || memmem(c->text, c->len, "..", 2) != NULL ||
		memmem(c->text, c->len, ".@", 2) != NULL;
}

static void report_address(struct parser *p)
{
	const struct chain *c = &p->chain;
	struct mail_address address;

	if (p->stop)
		return;
	if (c->len > ADDRESS_MAX || address_parse(c->text, c->len, &address) < 0 ||
		!address.has_domain) {
		p->signs.odd = true;
		return;
	}
	p->signs.names |= has_stray_dot(c); /* some then find no address, and show the name */
	p->signs.odd |=
		c->odd || c->hides_special || address.is_odd || from_is_disguised(c->text, c->len);
	p->deep |= has_three_labels(address_domain(&address));
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
		p->signs.odd |= c->hides_at; /* "a@b", where an address belongs */
	}
	c->len = 0;
	c->last = 0;
	c->has_at = c->quoted = c->odd = c->hides_special = c->hides_at = false;
}

/* Note what separates the token from the address that it continues. Some readers take white space
 * beside a dot, or a comment, for the end of the address. */
static void note_gap(struct chain *c, const struct from_token *t)
{
	c->odd |= t->commented || (t->spaced && (c->last == '.' || from_token_is(t, ".")));
}

static void add_word(struct parser *p, const struct from_token *t)
{
	struct chain *c = &p->chain;
	bool behind_word = c->last == 'w' || c->last == 'l';
	size_t i;

	if (behind_word && t->spaced) {
		p->signs.odd |= c->has_at; /* some read "a@b c" as a@bc */
		end_chain(p);
	} else if (behind_word) {
		c->odd = true; /* "a"b, a(comment)b */
	}
	if (c->last == 0)
		c->odd = t->behind_hidden; /* some read "(a@b) c@d" as a@b */
	else
		note_gap(c, t);
	if (t->kind == FROM_QUOTED) {
		c->odd |= c->last != 0; /* also "a"."b", which some read as b */
		c->quoted |= !c->has_at;
		c->hides_at |= memchr(t->text, '@', t->len) != NULL;
		c->hides_special |= t->len == 0;
		for (i = 0; i < t->len; i++)
			c->hides_special |= strchr("()<>[]:;@,\\\r\n", t->text[i]) != NULL;
	} else if (memchr(t->text, '\\', t->len) != NULL) {
		c->odd = true;
	}
	append(c, t->text, t->len, t->kind != FROM_LITERAL);
	c->last = t->kind == FROM_LITERAL ? 'l' : 'w';
}

static void add_at(struct parser *p, const struct from_token *t)
{
	struct chain *c = &p->chain;

	if (c->last == 0)
		c->odd = true;
	note_gap(c, t);
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

static void add_dot(struct chain *c, const struct from_token *t)
{
	c->odd |= c->last == 'l' || (c->quoted && !c->has_at);
	if (c->last != 0)
		note_gap(c, t);
	append(c, ".", 1, true);
	c->last = '.';
}

/* Add the token to the candidate if it can belong to an address. Returns whether it can. */
static bool add_token(struct parser *p, const struct from_token *t)
{
	if (from_token_is(t, "@")) {
		add_at(p, t);
	} else if (from_token_is(t, ".")) {
		add_dot(&p->chain, t);
	} else if (t->kind == FROM_WORD || t->kind == FROM_QUOTED || t->kind == FROM_LITERAL) {
		add_word(p, t);
	} else {
		return false;
	}
	return true;
}

static bool has_more(const struct from_lexer *lx)
{
	struct from_lexer ahead = *lx;

	return from_token_next(&ahead).kind != FROM_END;
}

/* Note the character that ends a piece, and return it. */
static char end_piece(struct parser *p, char mark)
{
	if (mark == ';') {
		p->signs.sloppy |= !p->in_group;
		p->in_group = false;
	}
	return mark;
}

/* Report the addresses of text without angle brackets. Sets p->junk if there is anything else, and
 * p->plain if all of it is plain words. Returns the character that ended it: , ; : < or 0 for the
 * end. */
static char parse_words(struct parser *p, struct from_lexer *lx)
{
	struct from_token t;
	bool any = false, dot = false;

	p->junk = p->suspicious = false;
	p->plain = true;
	for (;; any = true) {
		/* some take the comment in "a@b(x c@d)" for a part of the address */
		p->signs.sloppy |= any && lx->at < lx->end && *lx->at == '(';
		t = from_token_next(lx);
		if (t.commented) /* some take "(a@b)" for an address, or for its author's name */
			p->plain = false;
		p->suspicious |= from_token_is_strange(&t) ||
			(dot && t.kind != FROM_END && !t.spaced && !from_token_is(&t, ",:"));
		dot = any && from_token_is(&t, ".");
		if (t.kind != FROM_END && !dot && !from_token_is(&t, ",;:<>"))
			p->plain = p->plain && from_token_is_plain_word(&t);
		if (add_token(p, &t))
			continue;
		if (p->chain.has_at && t.kind != FROM_END && !from_token_is(&t, ",;:<>"))
			p->signs.odd = true;
		end_chain(p);
		p->plain = p->plain && !p->suspicious;
		if (t.kind == FROM_END)
			return 0;
		if (from_token_is(&t, ",;:<"))
			return end_piece(p, t.mark);
		p->junk = p->junk || !from_token_is(&t, ">");
		p->signs.sloppy = true;
	}
}

/* Skip an obsolete route, "@a,@b:" (RFC 5322 obs-route), which many readers show as a part of the
 * address, or instead of it. Text that only begins like one is kept. */
static void skip_route(struct parser *p, struct from_lexer *lx)
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
			(t.kind != FROM_WORD && t.kind != FROM_LITERAL &&
				!from_token_is(&t, ".")) ||
			memchr(t.text, '\\', t.len) != NULL)
			return;
	}
	p->signs.odd = true;
	*lx = ahead;
}

/* Whether a comment of the token, which was read from start on, may be shown as an address. */
static bool has_telling_comment(const struct from_token *t, const char *start)
{
	return t->commented && from_comments_tell(start, t->text);
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
		p->signs.odd |= has_telling_comment(&t, start); /* some look there for it */
		p->signs.sloppy |= t.spaced || t.commented || t.kind == FROM_QUOTED;
		if (add_token(p, &t))
			continue;
		end_chain(p);
		if (t.kind == FROM_END || from_token_is(&t, ">"))
			break;
		if (!from_token_is(&t, "<") || p->found > before)
			p->junk = true; /* "<<a@b>>" is accepted */
		p->signs.sloppy = true;
	}
	p->signs.sloppy |= t.kind == FROM_END;
	p->signs.names |= t.kind == FROM_END; /* some then end the mailbox within its name */
	if (p->found > before + 1 || (p->found > before && p->junk))
		p->signs.odd = true;
}

/* Read the rest of a piece with angle brackets: those after lx, and what follows them. display is
 * what precedes them. Returns the character that ended it. */
static char parse_mailbox(struct parser *p, struct from_lexer *lx, struct from_lexer *display)
{
	size_t before = p->found;
	struct from_lexer ahead;
	struct from_token t;
	const char *start;
	char stop;

	parse_brackets(p, lx);
	if (p->found == before) {
		p->no_mail = true;
		(void)parse_words(p, display);
	}
	before = p->found;
	ahead = *lx;
	do {
		start = ahead.at;
		t = from_token_next(&ahead);
		/* some read it as another element of the list */
		p->signs.names |= has_telling_comment(&t, start);
	} while (from_token_is(&t, ">"));
	stop = parse_words(p, lx);
	p->signs.sloppy |= p->junk;
	if ((p->junk && !p->plain) || p->found > before || stop == ':' || stop == '<')
		p->signs.odd = true; /* some read another element of the list there */
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
		p->signs.odd |= p->junk; /* some read "a b@c" as a */
		p->no_mail = p->no_mail || p->in_name;
		p->in_name = false;
	} else if (is_empty) {
		p->signs.sloppy |= stop != 0 && has_more(lx);
	} else {
		p->in_name = p->plain && stop == ',';
		p->signs.sloppy = true;
		p->no_mail = p->no_mail || !p->in_name;
	}
	return stop;
}

/* Read the name of a group. Some readers show it like an address, above all where no group can
 * begin: in another one, or without a name. */
static void parse_group_name(struct parser *p, struct from_lexer *lx,
	const struct from_words *words)
{
	struct from_lexer start = *lx;
	struct encoded_signs encoded;

	(void)parse_words(p, lx);
	encoded = encoded_words_signs(start.at, (size_t)(lx->at - start.at));
	p->signs.odd |= words->has_at || p->suspicious || (words->any && !p->junk) ||
		((p->in_group || words->has_stray) && !words->plain) || encoded.at ||
		encoded.strange;
	p->no_mail = p->no_mail || p->in_name;
	p->in_name = false;
	p->in_group = true;
	p->signs.sloppy = true; /* readers know groups badly */
}

/* Whether the < before lx is followed by another one. */
static bool is_doubled(const struct from_lexer *lx)
{
	struct from_lexer ahead = *lx;
	struct from_token t = from_token_next(&ahead);

	return from_token_is(&t, "<");
}

/* Note whether some readers append the end of a name with a dot to the local part. They do so only
 * if no white space is between them, and if the name has a comma, or something else that they
 * cannot read. */
static void note_join(struct parser *p, const char *name, const struct from_token *bracket)
{
	if (!p->dotted || bracket->text == name || bracket->spaced || bracket->commented)
		return;
	p->joined = true;
	p->signs.odd |= from_has_any(name, bracket->text, ",;");
}

/* Read one piece of the field, up to a comma, semicolon or colon. false when it was the last. */
static bool read_piece(struct parser *p, struct from_lexer *lx)
{
	struct from_lexer start = *lx;
	struct from_words words;
	struct from_token t = from_words_scan(lx, &words);

	/* some look there for addresses; some read "a@b <c@d>" as a@b */
	p->signs.names |= words.is_list || (words.has_at && from_token_is(&t, "<"));
	p->signs.sloppy |= words.is_sloppy;
	p->dotted |= words.dotted && !words.has_at && from_token_is(&t, "<:");
	if (from_token_is(&t, "<")) {
		note_join(p, start.at, &t);
		start.end = t.text;
		p->uncommon |= words.is_uncommon;
		/* some read what precedes << as an address */
		p->signs.odd |= (words.has_stray && !words.plain) ||
			(is_doubled(lx) && (!words.plain || words.has_comment || t.commented));
		p->no_mail = p->no_mail || (p->in_name && !words.has_word);
		p->has_comma |= p->in_name; /* "Foo, Inc <a@b>" */
		p->in_name = false;
		return parse_mailbox(p, lx, &start) != 0;
	}
	*lx = start;
	if (!from_token_is(&t, ":"))
		return parse_bare(p, lx, !words.any) != 0;
	parse_group_name(p, lx, &words);
	return true;
}

/* Read one piece, and note whether an MTA may cut it. */
static bool parse_piece(struct parser *p, struct from_lexer *lx)
{
	const char *start = lx->at, *at;
	size_t len;
	bool more;

	p->deep = false;
	more = read_piece(p, lx);
	len = (size_t)(lx->at - start);
	for (at = start; at < lx->at; at++)
		len += *at == '"' || *at == '\\'; /* Sendmail may put a backslash there */
	p->is_cut |= len > PIECE_CUT;
	p->signs.sloppy |= p->is_cut;
	p->signs.odd |= len > PIECE_MAX || (len > PIECE_CUT && p->deep);
	return more;
}

/* Return whether some readers see another author because they find no end of a comment, quoted
 * string or encoded-word where others do, or join a name to the address. */
static bool runs_on(const struct parser *p, const char *value, const char *end)
{
	const struct from_signs *s = &p->signs;
	const char *quote = s->open_quote, *bracket = s->open_bracket;

	if ((quote != NULL && memchr(quote, '"', (size_t)(end - quote)) != NULL) ||
		(bracket != NULL && memchr(bracket, ']', (size_t)(end - bracket)) != NULL))
		return true;
	if ((quote != NULL || bracket != NULL) &&
		(s->strange ||
			from_words_are_strange((struct from_lexer){ .at = value, .end = end })))
		return true;
	return (s->opens && s->comments) || (p->joined && s->names);
}

enum from_result from_header_parse(const char *value, size_t len, from_each_fn *each, void *context)
{
	struct parser p = { .each = each, .context = context };
	struct from_lexer lx = { .at = value, .signs = &p.signs };

	if (len > 0 && value[len - 1] == '\n')
		len -= len > 1 && value[len - 2] == '\r' ? 2 : 1;
	lx.end = value + len;
	p.signs.odd = from_has_stray_control(value, lx.end);
	from_lines_note(value, lx.end, &p.signs);
	while (!p.stop && parse_piece(&p, &lx))
		;
	p.signs.names |= (p.signs.sloppy && p.signs.hides) || (p.uncommon && p.signs.hides_name);
	/* What is cut, or completed at a comma, may be another address. */
	p.no_mail |= p.in_name || (p.signs.names && (p.is_cut || p.has_comma));
	p.signs.odd |= runs_on(&p, value, lx.end) || (p.found > 0 && from_oddities(value, len) > 1);
	if (p.signs.odd || (p.no_mail && p.found > 0))
		return FROM_UNPARSABLE;
	if (p.found == 0)
		return FROM_NONE;
	if (p.signs.names)
		return FROM_NAMES;
	return p.has_comma ? FROM_COMMA : FROM_ADDRESSES;
}
