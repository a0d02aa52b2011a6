/*
 * Splits an address field into words, comments and special characters. The caller owns the lexer;
 * stateless otherwise.
 */
#include "lib/match/from_tokens.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t from_fold_len(const char *p, const char *end)
{
	size_t len = p < end && *p == '\r' ? 1 : 0;

	if ((size_t)(end - p) < len + 2 || p[len] != '\n' || !is_blank(p[len + 1]))
		return 0;
	return len + 1;
}

static bool is_word_char(char c)
{
	return c != '\0' && strchr("\t\n\r \"(),.:;<>@[]", c) == NULL;
}

/* Return whether there is white space at the position, and skip it. */
static bool skip_space(struct from_lexer *lx)
{
	const char *start = lx->at;
	size_t fold;

	while (lx->at < lx->end) {
		if ((fold = from_fold_len(lx->at, lx->end)) == 0 && !is_blank(*lx->at))
			break;
		lx->at += fold + 1;
	}
	return lx->at > start;
}

/* Return the position after the comment at p, including nested ones; NULL if it is not closed. */
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

/* Return the position after the quoted string at p; NULL if it is not closed. */
static const char *quoted_end(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

/* Return the position after a literal such as "[192.0.2.1]" at p, or NULL if there is no
 * literal. Brackets around a character that has a meaning outside of them are not a literal. */
static const char *literal_end(const char *p, const char *end)
{
	size_t fold;

	for (p++; p < end && *p != ']'; p++) {
		if ((fold = from_fold_len(p, end)) > 0)
			p += fold;
		else if (!is_word_char(*p) && !is_blank(*p) && *p != ':' && *p != '.')
			return NULL;
	}
	return p < end ? p + 1 : NULL;
}

static bool take_enclosed(struct from_lexer *lx, struct from_token *t, enum from_token_kind kind,
	const char *behind)
{
	if (behind == NULL)
		return false;
	t->kind = kind;
	t->text = lx->at + 1;
	t->len = (size_t)(behind - lx->at) - 2;
	lx->at = behind;
	return true;
}

/* Take a quoted string or comment, unless the opening character is an ordinary one. */
static bool take_nested(struct from_lexer *lx, struct from_token *t)
{
	if (*lx->at == '"' && !lx->quotes_plain) {
		lx->quotes_plain = !take_enclosed(lx, t, FROM_QUOTED, quoted_end(lx->at, lx->end));
		return !lx->quotes_plain;
	}
	if (*lx->at == '(' && !lx->comments_plain) {
		lx->comments_plain =
			!take_enclosed(lx, t, FROM_COMMENT, comment_end(lx->at, lx->end));
		return !lx->comments_plain;
	}
	return false;
}

struct from_token from_token_next(struct from_lexer *lx)
{
	struct from_token t = { .kind = FROM_MARK };
	const char *behind;

	t.spaced = skip_space(lx);
	t.text = lx->at;
	if (lx->at == lx->end) {
		t.kind = FROM_END;
		return t;
	}
	if (take_nested(lx, &t)) {
		lx->after_at = lx->after_at && t.kind == FROM_COMMENT;
		return t;
	}
	if (*lx->at == '[' && lx->after_at && (behind = literal_end(lx->at, lx->end)) != NULL) {
		t.kind = FROM_LITERAL;
		lx->at = behind;
	} else if (is_word_char(*lx->at)) {
		t.kind = FROM_WORD;
		while (lx->at < lx->end && is_word_char(*lx->at))
			lx->at++;
	} else {
		t.mark = *lx->at++;
	}
	t.len = (size_t)(lx->at - t.text);
	lx->after_at = t.kind == FROM_MARK && t.mark == '@';
	return t;
}

bool from_token_is(const struct from_token *t, const char *marks)
{
	return t->kind == FROM_MARK && t->mark != '\0' && strchr(marks, t->mark) != NULL;
}
