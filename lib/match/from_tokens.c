/*
 * Splits an address field into words and special characters. The caller owns the lexer; stateless
 * otherwise.
 */
#include "lib/match/from_tokens.h"

#include <string.h>

#include "lib/match/encoded_word.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
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

/*
 * Return whether p is within an encoded-word or a bracket. Readers differ about a quote or comment
 * there: one that decodes "=?utf-8?q?(?= <a@b> =?utf-8?q?)?= <c@d>" first sees another structure,
 * and others read all of the encoded-word, or as far as the closing bracket, as one word.
 */
static bool is_opaque(const struct from_lexer *lx, const char *p)
{
	return lx->opaque_end != NULL && p < lx->opaque_end;
}

/* Return the position after the comment at p, including nested ones; NULL when it is not closed. */
static const char *comment_end(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
		else if (*p == '\\')
			p++;
	}
	return NULL;
}

/* Return the end of what begins at p, in a comment, and hides parentheses from some readers: a
 * quoted string, a bracket or an encoded-word. p if nothing does, NULL if it has no end. */
static const char *shield_end(const char *p, const char *end)
{
	const char closing = *p == '[' ? ']' : '"';

	if (end - p > 1 && p[0] == '=' && p[1] == '?')
		return encoded_word_end(p, end);
	if (*p != '"' && *p != '[')
		return p;
	for (p++; p < end; p++) {
		if (*p == closing)
			return p + 1;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

/*
 * Return whether readers differ about where a comment ends, so that some see an address in it or
 * miss one after it: those to which the first closing parenthesis ends it, nested or escaped, and
 * those that look for no parenthesis in quotes, brackets and encoded-words. text is what the
 * comment contains.
 */
static bool is_ambiguous_comment(const char *text, const char *end)
{
	const char *p = memchr(text, ')', (size_t)(end - text)), *behind;

	if (p != NULL &&
		(memchr(p, '@', (size_t)(end - p)) != NULL ||
			memchr(p, '<', (size_t)(end - p)) != NULL))
		return true;
	for (p = text; p < end; p++) {
		if (*p == '\\') {
			p++;
			continue;
		}
		if ((behind = shield_end(p, end)) == p)
			continue;
		if (behind == NULL || memchr(p, '(', (size_t)(behind - p)) != NULL ||
			memchr(p, ')', (size_t)(behind - p)) != NULL)
			return true;
		p = behind - 1;
	}
	return false;
}

/* Skip white space, folds and comments, and note in the token which of them there were. */
static void skip_space(struct from_lexer *lx, struct from_token *t)
{
	const char *start = lx->at, *behind;
	size_t fold;

	for (;; start = lx->at) {
		while (lx->at < lx->end && is_blank(*lx->at))
			lx->at++;
		while ((fold = fold_len(lx->at, lx->end)) > 0)
			lx->at += fold + 1;
		if (lx->at > start) {
			t->spaced = true;
			continue;
		}
		if (lx->at == lx->end || *lx->at != '(' || lx->comments_plain)
			return;
		if ((behind = comment_end(lx->at, lx->end)) == NULL) {
			lx->comments_plain = *lx->odd = true;
			return;
		}
		*lx->odd = *lx->odd || is_opaque(lx, lx->at) ||
			is_ambiguous_comment(lx->at + 1, behind - 1);
		t->commented = true;
		lx->at = behind;
	}
}

static bool take_quoted(struct from_lexer *lx, struct from_token *t)
{
	const char *p;

	for (p = lx->at + 1; !lx->quotes_plain && p < lx->end && *p != '"'; p++) {
		if (*p == '\\')
			p++;
	}
	if (lx->quotes_plain || p >= lx->end) {
		lx->quotes_plain = *lx->odd = true;
		return false;
	}
	*lx->odd = *lx->odd || is_opaque(lx, lx->at);
	t->kind = FROM_QUOTED;
	t->text = lx->at + 1;
	t->len = (size_t)(p - t->text);
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
		*lx->odd = true;
		return false;
	}
	t->kind = FROM_LITERAL;
	t->len = (size_t)(p + 1 - lx->at);
	lx->at = p + 1;
	return true;
}

/* Note the encoded-words that begin in a word. One that is malformed has no certain end. */
static void note_encoded(struct from_lexer *lx, const struct from_token *t)
{
	const char *p, *end = t->text + t->len, *behind;

	for (p = t->text; p + 1 < end; p++) {
		if (p[0] != '=' || p[1] != '?' || is_opaque(lx, p))
			continue;
		behind = encoded_word_end(p, lx->end);
		lx->opaque_end = behind != NULL ? behind : lx->end;
	}
}

/* Note that a bracket begins at p outside of an address. */
static void note_bracket(struct from_lexer *lx, const char *p)
{
	const char *closing;

	if (is_opaque(lx, p))
		return;
	closing = memchr(p, ']', (size_t)(lx->end - p));
	lx->opaque_end = closing != NULL ? closing : lx->end;
}

static void take_word(struct from_lexer *lx, struct from_token *t)
{
	t->kind = FROM_WORD;
	for (; lx->at < lx->end && is_word_char(*lx->at); lx->at++) {
		/* For some readers, a backslash quotes the next character here too. */
		if (*lx->at == '\\' && (lx->at + 1 == lx->end || !is_word_char(lx->at[1])))
			*lx->odd = true;
	}
	t->len = (size_t)(lx->at - t->text);
	note_encoded(lx, t);
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
	t.mark = *lx->at++;
	lx->after_at = t.mark == '@';
	return t;
}

bool from_token_is(const struct from_token *t, const char *marks)
{
	return t->kind == FROM_MARK && t->mark != '\0' && strchr(marks, t->mark) != NULL;
}
