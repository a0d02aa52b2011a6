/*
 * Splits an address field into words and special characters. The caller owns the lexer; stateless
 * otherwise.
 */
#include "lib/match/from_tokens.h"

#include <ctype.h>
#include <string.h>

#include "lib/match/encoded_word.h"
#include "lib/match/from_comments.h"
#include "lib/match/from_text.h"

#define ESCAPE 0x1b
#define LINE_LONGEST                                                                 \
	900 /* MTAs insert a line end and a space into lines of more than 990 or 998 \
	     */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* Return the length of the line end at p if it is a fold (white space follows), else 0. */
static size_t fold_len(const char *p, const char *end)
{
	size_t len = p < end && *p == '\r' ? 1 : 0;

	if ((size_t)(end - p) < len + 2 || p[len] != '\n' || !is_blank(p[len + 1]))
		return 0;
	return len + 1;
}

bool from_has_stray_control(const char *p, const char *end)
{
	size_t fold;

	for (; p < end; p++) {
		if (*p != '\0' && *p != '\r' && *p != '\n')
			continue;
		if ((fold = fold_len(p, end)) == 0)
			return true;
		p += fold;
	}
	return false;
}

static bool is_word_char(char c)
{
	static const bool ends_word[256] = { ['\0'] = true,
		['\t'] = true,
		['\n'] = true,
		['\r'] = true,
		[' '] = true,
		['"'] = true,
		['('] = true,
		[')'] = true,
		[','] = true,
		['.'] = true,
		[':'] = true,
		[';'] = true,
		['<'] = true,
		['>'] = true,
		['@'] = true,
		['['] = true,
		[']'] = true };

	return !ends_word[(unsigned char)c];
}

static bool is_within(const struct from_region *region, const char *p)
{
	return region->end != NULL && p < region->end;
}

/* Return whether p is within an encoded-word or a square bracket, which some readers take for one
 * word, and which those that decode first see with another structure. */
static bool is_opaque(const struct from_lexer *lx, const char *p)
{
	return is_within(&lx->encoded, p) || is_within(&lx->bracket, p);
}

static void set_region(struct from_region *region, const char *closing, const char *end)
{
	region->closed = closing != NULL;
	region->end = closing != NULL ? closing : end;
}

/* Return the end of the last "?=" at or after p, or NULL. To some, one before two hexadecimal
 * digits is none, and without another one the word ends with the value. */
static const char *last_encoded_end(const char *p, const char *end)
{
	const char *last = NULL;

	while ((p = memmem(p, (size_t)(end - p), "?=", 2)) != NULL)
		last = p += 2;
	if (last != NULL && end - last > 1 && isxdigit((unsigned char)last[0]) &&
		isxdigit((unsigned char)last[1]))
		return end;
	return last;
}

static bool is_white(const char *text, const char *end)
{
	while (text < end && (is_blank(*text) || *text == '\r' || *text == '\n'))
		text++;
	return text == end;
}

/* Return whether a word follows at p, which readers may append to an encoded-word, also behind
 * white space. */
static bool is_continued(const char *p, const char *end)
{
	while (p < end && (is_blank(*p) || *p == '\r' || *p == '\n'))
		p++;
	return p < end && (is_word_char(*p) || *p == '"');
}

/*
 * Note the encoded-words that begin in a text, even in a comment or quotes: a reader that decodes
 * first sees no end of these in an encoded-word. The end of a malformed one is uncertain. Returns
 * whether one may be shown as an address.
 */
static bool note_encoded(struct from_lexer *lx, const char *text, const char *end)
{
	bool strange = false;
	const char *p, *behind, *before;
	struct encoded_signs signs;

	for (p = text; (p = memchr(p, '=', (size_t)(end - p))) != NULL; p++) {
		if (p + 1 == end || p[1] != '?' || is_within(&lx->encoded, p))
			continue;
		before = lx->encoded.end;
		if ((behind = encoded_word_end(p, lx->end)) == NULL)
			behind = last_encoded_end(p + 2, lx->end);
		set_region(&lx->encoded, behind, lx->end);
		signs = encoded_words_signs(p, (size_t)(lx->encoded.end - p));
		lx->signs->hides |= signs.at && lx->encoded.closed;
		lx->signs->hides_name |= signs.at && lx->encoded.closed;
		lx->signs->opens |= signs.open && lx->encoded.closed;
		strange |= signs.at || signs.strange ||
			(signs.edge &&
				(p > text || (before != NULL && is_white(before, p)) ||
					is_continued(lx->encoded.end, lx->end)));
	}
	return strange;
}

static void note_comment(struct from_lexer *lx, const char *text, const char *end,
	struct from_token *t)
{
	const struct from_comment c = from_comment_read(text, end);
	struct from_signs *signs = lx->signs;

	signs->odd |= c.odd;
	signs->sloppy |= c.sloppy || is_opaque(lx, text);
	signs->sloppy |= t->commented; /* some do not expect a second comment */
	signs->hides |= c.hides;
	signs->comments |= !is_within(&lx->encoded, text);
	signs->strange |= c.strange;
	signs->strange |= note_encoded(lx, text, end);
	if (c.open == '"' && signs->open_quote == NULL)
		signs->open_quote = end;
	if (c.open == '[' && signs->open_bracket == NULL)
		signs->open_bracket = end;
	t->commented = true;
	t->behind_hidden |= c.hides;
}

/* Skip white space, folds and comments, and note in the token which of them there were. */
static void skip_space(struct from_lexer *lx, struct from_token *t)
{
	const char *start = lx->at, *behind;
	size_t fold;

	for (;; start = lx->at) {
		for (; lx->at < lx->end && is_blank(*lx->at); lx->at++)
			lx->signs->sloppy |= *lx->at == '\t'; /* some split names at spaces only */
		while ((fold = fold_len(lx->at, lx->end)) > 0)
			lx->at += fold + 1;
		if (lx->at > start) {
			t->spaced = true;
			continue;
		}
		if (lx->at == lx->end || *lx->at != '(' || lx->comments_plain)
			return;
		if ((behind = from_comment_end(lx->at, lx->end)) == NULL) {
			lx->comments_plain = lx->signs->odd = true;
			return;
		}
		note_comment(lx, lx->at + 1, behind - 1, t);
		lx->at = behind;
	}
}

/* Return whether a quoted string has control characters, which some readers remove first, other
 * than the escape sequences of ISO-2022-JP, with ASCII at its end. */
static bool has_ambiguous_control(const char *text, const char *end)
{
	const char *p, *last = NULL;

	for (p = text; p < end; p++) {
		if (!is_control(*p) || is_blank(*p) || *p == '\r' || *p == '\n')
			continue;
		if (*p != ESCAPE)
			return true;
		last = p;
	}
	return last != NULL && (end - last < 3 || last[1] != '(' || strchr("BJ", last[2]) == NULL);
}

/* Note what a quoted string contains. Some readers take no backslash for an escape, others take the
 * second of two for one, or know no empty string, or see the second byte of a character in it. */
static void note_quoted(struct from_lexer *lx, const char *text, const char *end)
{
	struct from_signs *signs = lx->signs;
	const size_t len = (size_t)(end - text);
	const bool at = memchr(text, '@', len) != NULL, bracket = memchr(text, '<', len) != NULL;
	const bool hides = at || bracket || from_has_wide_at(text, len);
	size_t quotes = 0;
	const char *p;

	for (p = text; p < end; p++) {
		if (*p != '\\')
			continue;
		p++; /* before end, where the closing quote is */
		quotes += *p == '"';
		/* some decode the field first: the backslash may be the second byte of a character
		 */
		signs->sloppy |= *p == '"' && p - 1 > text && (unsigned char)p[-2] >= 0x80;
		signs->sloppy |= *p == '\\' && (p[1] == '"' || p[1] == '\\');
	}
	signs->odd |= quotes > 0 && (bracket || (at && from_has_any(text, end, ",;:")));
	signs->names |= bracket && from_has_any(text, end, ",;"); /* some end the quotes at the < */
	/* some see no quotes around the rest, or no brackets */
	signs->names |= quotes % 2 == 1 || (quotes > 0 && from_has_any(text, end, "()"));
	signs->odd |= len > FROM_TOKEN_MAX;
	signs->sloppy |= text == end;
	/* some then see no quotes, unless they can decode it */
	signs->sloppy |= hides && memmem(text, len, "=?", 2) != NULL;
	signs->sloppy |= quotes % 2 == 1 || is_opaque(lx, text);
	signs->odd |= has_ambiguous_control(text, end);
	signs->hides |= hides;
	signs->hides_name |= hides;
	(void)note_encoded(lx, text, end);
}

static bool take_quoted(struct from_lexer *lx, struct from_token *t)
{
	const char *p;

	for (p = lx->at + 1; !lx->quotes_plain && p < lx->end && *p != '"'; p++) {
		if (*p == '\\')
			p++;
	}
	if (lx->quotes_plain || p >= lx->end) {
		lx->quotes_plain = lx->signs->odd = true;
		return false;
	}
	note_quoted(lx, lx->at + 1, p);
	t->kind = FROM_QUOTED;
	t->text = lx->at + 1;
	t->len = (size_t)(p - t->text);
	t->delicate = from_has_any(t->text, p, "\\<");
	t->divided = from_has_any(t->text, p, ",;");
	lx->at = p + 1;
	return true;
}

/* Return whether a literal such as "[192.0.2.1]" begins here. One that contains a character with a
 * meaning outside of it is not a literal. */
static bool take_literal(struct from_lexer *lx, struct from_token *t)
{
	const char *p = lx->at + 1;
	size_t fold;

	for (; p < lx->end; p++) {
		if ((fold = fold_len(p, lx->end)) > 0)
			p += fold;
		else if (!is_word_char(*p) && !is_blank(*p) && *p != ':' && *p != '.')
			break;
	}
	if (p == lx->end || *p != ']') {
		lx->signs->odd = true;
		return false;
	}
	t->kind = FROM_LITERAL;
	t->len = (size_t)(p + 1 - lx->at);
	lx->at = p + 1;
	return true;
}

/* Note that a bracket begins at p outside of an address. */
static void note_bracket(struct from_lexer *lx, const char *p)
{
	if (!is_opaque(lx, p))
		set_region(&lx->bracket, memchr(p, ']', (size_t)(lx->end - p)), lx->end);
}

static void take_word(struct from_lexer *lx, struct from_token *t)
{
	struct from_signs *signs = lx->signs;
	bool is_wide = false; /* not all of it is ASCII */

	t->kind = FROM_WORD;
	for (; lx->at < lx->end && is_word_char(*lx->at); lx->at++) {
		/* For some readers, a backslash quotes the next character here too. */
		if (*lx->at == '\\' && (lx->at + 1 == lx->end || !is_word_char(lx->at[1])))
			signs->odd = true;
		signs->sloppy |= *lx->at == '\\';
		signs->odd |= is_control(*lx->at); /* some end the mailbox there */
		is_wide |= (unsigned char)*lx->at >= 0x80;
	}
	t->len = (size_t)(lx->at - t->text);
	signs->odd |= t->len > FROM_TOKEN_MAX;
	t->strange = is_wide && from_has_lookalike(t->text, t->len);
	if (is_wide && from_has_wide_at(t->text, t->len))
		signs->hides = signs->hides_name = true;
	t->strange |= note_encoded(lx, t->text, lx->at);
}

struct from_token from_token_next(struct from_lexer *lx)
{
	struct from_token t = { .kind = FROM_MARK };
	bool after_at = lx->after_at;

	skip_space(lx, &t);
	t.text = lx->at;
	lx->after_at = false;
	if (lx->at == lx->end) {
		t.kind = FROM_END;
		return t;
	}
	if (is_word_char(*lx->at)) {
		take_word(lx, &t);
		return t;
	}
	if (*lx->at == '"' && take_quoted(lx, &t))
		return t;
	if (*lx->at == '[' && after_at && take_literal(lx, &t))
		return t;
	if (*lx->at == '[')
		note_bracket(lx, lx->at);
	if (*lx->at == '<' || *lx->at == '@')
		lx->signs->odd |= (is_within(&lx->encoded, lx->at) && lx->encoded.closed) ||
			(is_within(&lx->bracket, lx->at) && lx->bracket.closed);
	t.encoded = is_within(&lx->encoded, lx->at);
	t.mark = *lx->at++;
	lx->after_at = t.mark == '@';
	return t;
}

bool from_token_is(const struct from_token *t, const char *marks)
{
	return t->kind == FROM_MARK && t->mark != '\0' && strchr(marks, t->mark) != NULL;
}

bool from_token_is_strange(const struct from_token *t)
{
	if (t->kind == FROM_QUOTED)
		return plain_text_signs(t->text, t->len).strange;
	return t->kind == FROM_WORD && (t->strange || from_is_routed_word(t->text, t->len));
}

bool from_token_is_plain_word(const struct from_token *t)
{
	return t->kind == FROM_WORD && !t->commented && !from_token_is_strange(t);
}

void from_lines_note(const char *value, const char *end, struct from_signs *signs)
{
	const char *line, *line_end;

	for (line = value; line < end; line = line_end + 1) {
		if ((line_end = memchr(line, '\n', (size_t)(end - line))) == NULL)
			line_end = end;
		signs->odd |= line_end - line > LINE_LONGEST;
		signs->sloppy |= line > value && line_end < end && is_white(line, line_end);
	}
}
