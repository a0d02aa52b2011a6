#ifndef POSTERN_FROM_TOKENS_H
#define POSTERN_FROM_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The words and marks of an address field's value (RFC 5322 section 3.2), folds and comments
 * skipped. Part of from_header.c.
 *
 * Every byte is looked at a bounded number of times, whatever the nesting: what turns out never to
 * be closed (a quote, a comment) is from then on an ordinary mark.
 */
enum from_token_kind {
	FROM_END,
	FROM_WORD,
	FROM_QUOTED,
	FROM_LITERAL, /* of an address; only directly after an @ */
	FROM_MARK /* any other character: , ; : < > @ . and what has no meaning where it stands */
};

/* Borrowed from the value. */
struct from_token {
	enum from_token_kind kind;
	char mark;	  /* FROM_MARK: the character */
	const char *text; /* where it begins; FROM_QUOTED: behind the quote, FROM_LITERAL: at the
			     bracket */
	size_t len;	  /* without the closing quote, with the closing bracket */
	bool spaced;	  /* white space stands in front of it */
};

/* Where the reading is. A plain value: a copy reads the same again. */
struct from_lexer {
	const char *at, *end;
	bool after_at, quotes_plain, comments_plain;
	bool in_encoded; /* behind the beginning of an encoded-word, not yet at its end */
	bool *odd;	 /* set when what was read has another meaning to other readers */
};

struct from_token from_token_next(struct from_lexer *lexer);

/* Whether the token is one of these marks. */
bool from_token_is(const struct from_token *token, const char *marks);

/* Whether there is a NUL, or a CR or LF that is no fold. */
bool from_has_stray_control(const char *value, const char *end);

#endif
