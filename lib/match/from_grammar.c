/*
 * Parses From fields by a grammar of the forms that all mail programs read alike. Stateless; any
 * thread may call it.
 */
#include "lib/match/from_grammar.h"

#include <string.h>

#include "lib/base/utf8.h"
#include "lib/match/from_parser.h"
#include "lib/match/from_text.h"

#define LINE_LONGEST 900  /* MTAs break lines of more than 990 or 998 bytes */
#define MAILBOX_USUAL 240 /* Sendmail cuts one at 256 bytes: first its name, then its address */

/* ---- names --------------------------------------------------------------------- */

/* Read "[words]". */
static bool read_square(struct from_parser *p)
{
	const char *start = p->t.text;

	from_advance(p);
	while (p->t.kind == FROM_WORD) {
		if (!from_read_word(p))
			return false;
	}
	if (!from_token_is(&p->t, "]") || p->t.spaced || p->lx.at - 1 == start + 1)
		return from_refuse(p, start, WRITE_NAME);
	p->name.atoms++;
	from_advance(p);
	return from_note(p, start, IRREGULAR_SQUARE_BRACKETS) &&
		(p->t.spaced || from_is_at_end(p, ",:;<") || from_refuse(p, start, WRITE_NAME));
}

static bool is_word(const struct from_token *t)
{
	return t->kind == FROM_WORD || t->kind == FROM_QUOTED || from_token_is(t, ".");
}

/* Read the words and comments before an address, its brackets, or the colon of a group. */
static bool read_name(struct from_parser *p)
{
	struct from_name *name = &p->name;

	for (;;) {
		if (p->t.kind == FROM_COMMENT) {
			if (name->has_comment && (name->ends || from_name_words(name) == 0))
				return from_refuse(p, from_token_start(&p->t), WRITE_COMMENT);
			name->has_comment = true;
			name->ends = from_name_words(name) > 0;
			if (!from_read_comment(p, !name->ends))
				return false;
		} else if (name->ends && !from_token_is(&p->t, "<:")) {
			return from_refuse(p, p->t.text, WRITE_COMMENT);
		} else if (is_word(&p->t)) {
			if (from_is_address(p))
				return true;
			if (name->has_comma && p->t.kind == FROM_QUOTED)
				return from_refuse(p, from_token_start(&p->t), WRITE_NAME);
			if (!from_read_word(p))
				return false;
		} else if (from_token_is(&p->t, "[")) {
			if (!read_square(p))
				return false;
		} else if (from_token_is(&p->t, ",") && name->atoms + name->encoded > 0 &&
			name->quoted == 0 && !name->ends_with_comma) {
			name->has_comma = name->ends_with_comma = true;
			from_shown_add(&name->shown, ",", 1);
			from_advance(p);
		} else {
			return true;
		}
	}
}

/* Return whether the name is in one of the two forms in which an @ may be shown: one quoted string,
 * or encoded-words alone, without a comma behind the @, at which a program that decodes first ends
 * an author. */
static bool may_show_at(const struct from_name *name)
{
	const char *end = name->shown.text + name->shown.len;
	const char *at = memchr(name->shown.text, '@', name->shown.len);

	if (name->quoted > 0)
		return from_name_words(name) == 1;
	return name->atoms == 0 && (at == NULL || memchr(at, ',', (size_t)(end - at)) == NULL);
}

/* Judge the name of the mailbox with this address or, if that is NULL, of a group. touches: no
 * space is between the name and the bracket. */
static bool judge_name(struct from_parser *p, const struct mail_address *address, bool touches)
{
	const struct from_name *name = &p->name;
	const struct from_shown *s = &name->shown;
	const size_t words = from_name_words(name);

	if (s->is_cut)
		return from_refuse(p, name->start, WRITE_LENGTH);
	if (name->ends_with_comma)
		return from_refuse(p, name->start, WRITE_LIST);
	if (s->foreign && !p->is_ascii)
		return from_refuse(p, name->start, WRITE_ENCODED_WORD);
	if (from_has_control(s->text, s->len))
		return from_refuse(p, name->start, WRITE_CONTROL);
	if ((name->has_comma && !from_note(p, name->start, IRREGULAR_COMMA_IN_NAME)) ||
		(s->open && !from_note(p, name->start, IRREGULAR_ENCODED_HALF)) ||
		(name->quoted > 0 && words > 1 &&
			!from_note(p, name->start, IRREGULAR_QUOTED_WORDS)) ||
		(touches && name->quoted != words &&
			!from_note(p, name->start, IRREGULAR_TOUCHED_BRACKET)))
		return false;
	p->field.has_comma |= name->has_comma;
	if (from_shown_is_telling(s))
		p->telling = name->start;
	if (!from_shown_has_at(s))
		return true;
	p->at = name->start;
	return (may_show_at(name) && !touches && from_shown_is_safe(s, address)) ||
		from_refuse(p, name->start, WRITE_QUOTED_NAME);
}

/* ---- the list ------------------------------------------------------------------ */

static void begin_name(struct from_parser *p)
{
	struct from_name *name = &p->name;

	from_shown_clear(&name->shown);
	name->start = from_token_start(&p->t);
	name->atoms = name->quoted = name->encoded = 0;
	name->has_comment = name->has_comma = name->ends_with_comma = name->ends = false;
	p->deep = false;
}

/* Read words behind the brackets, which become a part of the name. */
static bool read_words_behind(struct from_parser *p)
{
	while (p->t.kind == FROM_WORD && p->t.spaced) {
		if (!from_note(p, p->t.text, IRREGULAR_WORDS_BEHIND))
			return false;
		if (from_is_address(p))
			return from_refuse(p, p->t.text, WRITE_BEHIND);
		if (!from_read_word(p))
			return false;
	}
	return true;
}

static bool report(struct from_parser *p, const struct mail_address *address)
{
	p->field.count++;
	p->stop = !p->each(p->context, address);
	return true;
}

/* Read the address without brackets that is next. It may be the name before brackets with the same
 * address. */
static bool read_bare(struct from_parser *p)
{
	const char *start = from_token_start(&p->t);
	struct mail_address address, again;

	if (from_name_words(&p->name) > 0)
		return from_refuse(p, start, WRITE_NAME);
	if (!from_read_address(p, &address))
		return false;
	if (from_token_is(&p->t, "<")) {
		p->is_twice = true;
		return (from_read_brackets(p, &again) && address_equal(&address, &again) &&
			       report(p, &again)) ||
			from_refuse(p, start, WRITE_QUOTED_NAME);
	}
	return report(p, &address) && (p->t.kind != FROM_COMMENT || from_read_comment(p, false));
}

/* Read the brackets that are next, and what follows them. */
static bool read_bracketed(struct from_parser *p)
{
	const bool touches = !p->t.spaced && p->t.text > p->name.start;
	struct mail_address address;

	if (p->name.ends && !p->t.spaced)
		return from_refuse(p, p->name.start, WRITE_COMMENT);
	if (!from_read_brackets(p, &address))
		return false;
	if (p->t.kind == FROM_COMMENT ? !from_read_comment(p, false) : !read_words_behind(p))
		return false;
	return report(p, &address) && (p->stop || judge_name(p, &address, touches));
}

/* Return whether MTAs leave the mailbox that began at start unchanged. */
static bool is_short(struct from_parser *p, const char *start)
{
	const char *end = p->t.text;
	size_t len = (size_t)(end - start);

	for (const char *c = start; c < end; c++)
		len += *c == '"' || *c == '\\'; /* Sendmail may put a backslash there */
	if (len > FROM_MAILBOX_LONGEST || (len > MAILBOX_USUAL && p->deep))
		return from_refuse(p, start, WRITE_LENGTH);
	return len <= MAILBOX_USUAL || from_note(p, start, IRREGULAR_LONG_MAILBOX);
}

/* Read a mailbox, or the name of a group if may_be_group. Sets *is_group_r. */
static bool read_element(struct from_parser *p, bool may_be_group, bool *is_group_r)
{
	const char *start = from_token_start(&p->t);

	begin_name(p);
	*is_group_r = false;
	if (!read_name(p))
		return false;
	if (from_token_is(&p->t, ":") && may_be_group && from_token_start(&p->t) > start &&
		!p->name.has_comma && !p->name.has_comment) {
		*is_group_r = true;
		from_advance(p);
		return from_note(p, start, IRREGULAR_GROUP) && judge_name(p, NULL, false);
	}
	p->mailboxes++;
	if (is_word(&p->t)) {
		if (!read_bare(p))
			return false;
	} else if (from_token_is(&p->t, "<")) {
		if (!read_bracketed(p))
			return false;
	} else if (p->t.kind == FROM_END) {
		return from_refuse(p, p->t.text, WRITE_NONE);
	} else {
		return from_refuse(p, p->t.text,
			from_token_is(&p->t, ",;:") ? WRITE_LIST : WRITE_NAME);
	}
	return is_short(p, start);
}

static bool read_field(struct from_parser *p)
{
	bool is_group = false, is_name;

	do {
		if (!read_element(p, p->mailboxes == 0 && !is_group, &is_name))
			return false;
		is_group |= is_name;
		if (is_name || p->stop)
			continue;
		if (p->t.kind == FROM_END)
			return true;
		if (from_token_is(&p->t, ";") && is_group) {
			from_advance(p);
			return p->t.kind == FROM_END || from_refuse(p, p->t.text, WRITE_BEHIND);
		}
		if (!from_token_is(&p->t, ","))
			return from_refuse(p, p->t.text, WRITE_BEHIND);
		from_advance(p);
		if (p->t.kind == FROM_END)
			return from_note(p, p->t.text, IRREGULAR_COMMA_AT_END);
	} while (!p->stop);
	return true;
}

/* ---- the field as a whole ------------------------------------------------------ */

/* Judge the bytes: controls, lines, and what other charsets than UTF-8 may contain. */
static bool judge_bytes(struct from_parser *p)
{
	const char *value = p->lx.at, *end = p->lx.end, *line = value, *c;
	bool is_blank = false, is_utf8;
	size_t fold;

	is_utf8 = utf8_valid_len(value, (size_t)(end - value)) == (size_t)(end - value);
	if (!is_utf8)
		(void)from_note(p, value, IRREGULAR_OTHER_CHARSET);
	if (from_has_control(value, (size_t)(end - value)))
		return from_refuse(p, value, WRITE_CONTROL);
	for (c = value; c < end; c++) {
		p->is_ascii = p->is_ascii && (unsigned char)*c < 0x80;
		if (*c == '\r' || *c == '\n') {
			if ((fold = from_fold_len(c, end)) == 0 || (is_blank && line > value))
				return from_refuse(p, c, WRITE_CONTROL);
			c += fold;
			line = c;
			is_blank = true;
		} else if (*c == '\t') {
			if (!from_note(p, c, IRREGULAR_TAB))
				return false;
		} else {
			is_blank = is_blank && *c == ' ';
		}
		if (c + 1 - line > LINE_LONGEST)
			return from_refuse(p, line, WRITE_LENGTH);
		if (!is_utf8 && c > value && (unsigned char)c[-1] >= 0x80 &&
			strchr("@[\\]", *c) != NULL)
			return from_refuse(p, c, WRITE_CONTROL); /* it may be half a character */
	}
	return true;
}

/*
 * Return whether the irregularity of the field may stand beside a folded quoted string. Python's
 * email ends that at the CR, and then takes the text between the others for quoted. What it makes
 * of the bytes of a name, in which nothing resembles an address, is a name.
 */
static bool may_be_folded(const struct from_parser *p)
{
	return p->irregular == REGULAR || p->irregular == IRREGULAR_BACKSLASH ||
		p->irregular == IRREGULAR_OTHER_CHARSET;
}

/* Judge what is allowed only once, or only alone. */
static bool judge_together(struct from_parser *p)
{
	const bool is_alone = p->irregular == REGULAR && p->mailboxes == 1;
	const char *shown = p->at != NULL ? p->at : p->telling;

	if (p->folded != NULL && (shown != NULL || !may_be_folded(p)))
		return from_refuse(p, shown != NULL ? shown : p->folded, WRITE_UNFOLDED);
	if (p->at != NULL && !is_alone)
		return from_refuse(p, p->at, WRITE_QUOTED_NAME);
	if (p->is_twice && !is_alone)
		return from_refuse(p, p->field.at, WRITE_QUOTED_NAME);
	if (p->telling != NULL && p->irregular != REGULAR)
		return from_refuse(p, p->telling, WRITE_ALONE);
	return true;
}

struct from_field from_grammar_parse(const char *value, size_t len, from_each_fn *each,
	void *context)
{
	struct from_parser p = { .lx = { .at = value },
		.each = each,
		.context = context,
		.field = { .at = value },
		.is_ascii = true };

	if (len > 0 && value[len - 1] == '\n')
		len -= len > 1 && value[len - 2] == '\r' ? 2 : 1;
	p.lx.end = value + len;
	if (judge_bytes(&p)) {
		from_advance(&p);
		if (read_field(&p) && !p.stop)
			(void)judge_together(&p);
	}
	return p.field;
}
