/*
 * Splits SQL text into tokens, so that names and literals in it can be found. It owns nothing; any
 * thread may call it.
 */
#include "milter/pg/sql_tokens.h"

#include <string.h>

#include "lib/base/ascii.h"

#define OPERATOR_CHARS "+-*/<>=~!@#%^&|`?"

static bool is_space(char c)
{
	return c != '\0' && strchr(" \t\n\r\f\v", c) != NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool begins_name(char c)
{
	return ascii_lower(c) != c || (c >= 'a' && c <= 'z') || c == '_' || (unsigned char)c >= 128;
}

static bool continues_name(char c)
{
	return begins_name(c) || is_digit(c) || c == '$';
}

static bool begins_comment(const char *at)
{
	return (at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*');
}

/* Return the end of the comment at `at`; block comments may be nested. */
static const char *skip_comment(const char *at)
{
	unsigned depth = 0;

	if (at[0] == '-')
		return at + strcspn(at, "\r\n");
	do {
		if (at[0] == '/' && at[1] == '*') {
			depth++;
			at += 2;
		} else if (at[0] == '*' && at[1] == '/') {
			depth--;
			at += 2;
		} else if (*at != '\0') {
			at++;
		}
	} while (depth > 0 && *at != '\0');
	return at;
}

static const char *skip_space(const char *at)
{
	for (;;) {
		if (is_space(*at))
			at++;
		else if (begins_comment(at))
			at = skip_comment(at);
		else
			return at;
	}
}

/* Return the end of a text whose first character is its quote, which is doubled within. */
static const char *skip_quoted(const char *at, bool has_escapes)
{
	const char quote = *at++;

	for (; *at != '\0'; at++) {
		if (has_escapes && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == quote && at[1] == quote)
			at++;
		else if (*at == quote)
			return at + 1;
	}
	return at;
}

/* Return the end of the $tag$...$tag$ at `at`, or NULL if there is none. */
static const char *skip_dollar_quoted(const char *at)
{
	const char *from = at + 1, *end;
	size_t tag;

	if (begins_name(*from))
		while (continues_name(*from) && *from != '$')
			from++;
	if (*from != '$')
		return NULL;
	tag = (size_t)(from + 1 - at);
	for (end = from + 1; *end != '\0'; end++)
		if (strncmp(end, at, tag) == 0)
			return end + tag;
	return end;
}

static const char *skip_number(const char *at)
{
	while (continues_name(*at) || *at == '.' ||
		((*at == '+' || *at == '-') && ascii_lower(at[-1]) == 'e'))
		at++;
	return at;
}

/* An operator ends where a comment begins. */
static const char *skip_operator(const char *at)
{
	while (*at != '\0' && strchr(OPERATOR_CHARS, *at) != NULL && !begins_comment(at))
		at++;
	return at;
}

/* Return the end of the name at `at`, or of the literal that it begins, as in E'\n' and U&'...'. */
static const char *skip_name(const char *at, enum sql_token_kind *kind_r)
{
	const char *end = at;

	while (continues_name(*end))
		end++;
	*kind_r = SQL_NAME;
	if (end != at + 1)
		return end;
	if (end[0] == '\'' && strchr("eEbBxXnN", *at) != NULL) {
		*kind_r = SQL_STRING;
		return skip_quoted(end, ascii_lower(*at) == 'e');
	}
	if (ascii_lower(*at) == 'u' && end[0] == '&' && (end[1] == '\'' || end[1] == '"')) {
		*kind_r = end[1] == '"' ? SQL_QUOTED : SQL_STRING;
		return skip_quoted(end + 1, false);
	}
	return end;
}

static const char *skip_token(const char *at, enum sql_token_kind *kind_r)
{
	const char *end;

	*kind_r = SQL_OTHER;
	if (*at == '\'' || *at == '"') {
		*kind_r = *at == '"' ? SQL_QUOTED : SQL_STRING;
		return skip_quoted(at, false);
	}
	if (*at == '$' && (end = skip_dollar_quoted(at)) != NULL) {
		*kind_r = SQL_STRING;
		return end;
	}
	if (begins_name(*at))
		return skip_name(at, kind_r);
	if (is_digit(*at) || (at[0] == '.' && is_digit(at[1])) || (at[0] == '$' && is_digit(at[1])))
		return skip_number(at + 1);
	if (at[0] == ':' && at[1] == ':') {
		*kind_r = SQL_CAST;
		return at + 2;
	}
	if ((end = skip_operator(at)) != at) {
		*kind_r = SQL_OPERATOR;
		return end;
	}
	return at + 1;
}

struct sql_token sql_token_next(const char **at)
{
	struct sql_token token = { .kind = SQL_END };
	const char *end;

	token.text = skip_space(*at);
	token.after_space = token.text != *at;
	end = token.text;
	if (*token.text != '\0')
		end = skip_token(token.text, &token.kind);
	token.len = (size_t)(end - token.text);
	*at = end;
	return token;
}

bool sql_token_is(const struct sql_token *token, char c)
{
	return token->kind != SQL_END && token->len == 1 && token->text[0] == c;
}

int sql_token_name(const struct sql_token *token, char name_r[SQL_NAME_SIZE])
{
	const char *from = token->text, *end = token->text + token->len;
	size_t len = 0;

	if (token->kind == SQL_NAME) {
		if (token->len >= SQL_NAME_SIZE)
			return -1;
		ascii_lower_bytes(from, token->len, name_r);
		name_r[token->len] = '\0';
		return 0;
	}
	from = memchr(from, '"', token->len); /* a name written as U&"..." keeps its escapes */
	if (from == NULL)
		return -1;
	for (from++; from < end && !(*from == '"' && (from + 1 == end || from[1] != '"')); from++) {
		if (len + 1 >= SQL_NAME_SIZE)
			return -1;
		name_r[len++] = *from;
		from += *from == '"';
	}
	name_r[len] = '\0';
	return 0;
}
