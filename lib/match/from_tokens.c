/*
 * Splits an address field into words and special characters. The caller owns the lexer; stateless
 * otherwise.
 */
#include "lib/match/from_tokens.h"

#include <string.h>

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
	return memchr("()<>[]:;@,.\" \t\r\n", c, sizeof("()<>[]:;@,.\" \t\r\n")) == NULL;
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
		*lx->odd = *lx->odd || lx->in_encoded;
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
	*lx->odd = *lx->odd || lx->in_encoded;
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

/*
 * A reader that decodes "=?utf-8?q?(?= <a@b> =?utf-8?q?)?= <c@d>" before parsing it sees a
 * different structure: remember whether a word leaves an encoded-word open.
 */
static void note_encoded(struct from_lexer *lx, const struct from_token *t)
{
	const char *p, *end = t->text + t->len;

	for (p = t->text; p + 1 < end; p++) {
		if (!lx->in_encoded && p[0] == '=' && p[1] == '?') {
			lx->in_encoded = true;
			p++;
		} else if (lx->in_encoded && p[0] == '?' && p[1] == '=') {
			lx->in_encoded = false;
			p++;
		}
	}
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
	t.mark = *lx->at++;
	lx->after_at = t.mark == '@';
	return t;
}

bool from_token_is(const struct from_token *t, const char *marks)
{
	return t->kind == FROM_MARK && t->mark != '\0' && strchr(marks, t->mark) != NULL;
}
