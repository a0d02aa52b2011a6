#ifndef POSTERN_FROM_TOKENS_H
#define POSTERN_FROM_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Splits the value of an address field into words, comments and special characters (RFC 5322
 * section 3.2), for from_header.c and from_grammar.c. Folds and other white space separate tokens.
 *
 * Every byte is read a bounded number of times, whatever the nesting: once a quote or a comment
 * turns out not to be closed, its opening character is an ordinary one for the rest of the value.
 */

enum from_token_kind {
	FROM_END,
	FROM_WORD,
	FROM_QUOTED,
	FROM_COMMENT,
	FROM_LITERAL, /* of an address; only after an @ */
	FROM_MARK     /* any other character: , ; : < > @ . and those without a meaning here */
};

/* Borrowed from the value. */
struct from_token {
	enum from_token_kind kind;
	char mark;	  /* FROM_MARK: the character */
	const char *text; /* of a quoted string or comment: behind its first character */
	size_t len;	  /* of a quoted string or comment: without its last character */
	bool spaced;	  /* white space precedes it */
};

/* The position in the value. A plain value: a copy reads the same tokens again. */
struct from_lexer {
	const char *at, *end;
	bool after_at, quotes_plain, comments_plain;
};

/* Read the next token; FROM_END again and again at the end. */
struct from_token from_token_next(struct from_lexer *lexer);

/* Return whether the token is one of these marks. */
bool from_token_is(const struct from_token *token, const char *marks);

/* Return the length of the line end at p if it is a fold (white space follows), else 0. */
size_t from_fold_len(const char *p, const char *end);

#endif
