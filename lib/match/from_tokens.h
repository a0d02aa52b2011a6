#ifndef POSTERN_FROM_TOKENS_H
#define POSTERN_FROM_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Splits the value of an address field into words and special characters (RFC 5322 section 3.2);
 * folds and comments are skipped. Part of from_header.c.
 *
 * Every byte is read a bounded number of times, whatever the nesting: once a quote or a comment
 * turns out not to be closed, its opening character is an ordinary one for the rest of the value.
 */

/* Sendmail (8.17) ends a mailbox within a word of more than 256 bytes. */
#define FROM_TOKEN_MAX 240

enum from_token_kind {
	FROM_END,
	FROM_WORD,
	FROM_QUOTED,
	FROM_LITERAL, /* of an address; only immediately after an @ */
	FROM_MARK     /* any other character: , ; : < > @ . and those without a meaning here */
};

/*
 * What the tokens show about the whole field. Readers that sloppy text misleads look for addresses
 * in what it hides, so a field with both may show another author.
 */
struct from_signs {
	bool odd;	 /* readers may differ about it */
	bool names;	 /* some read addresses in a name: those of from_names_parse() */
	bool sloppy;	 /* it has an error, or something rare, that alone misleads no reader */
	bool hides;	 /* a comment, quoted string or encoded-word contains an @ or a wide one */
	bool hides_name; /* ... but not only comments do; also true for a < in a quoted string */
	bool strange;	 /* a reader may show a comment as an address */
	bool comments;	 /* there is a comment outside of encoded-words */
	bool opens;	 /* an encoded-word decodes to a backslash, or half a pair of quotes or
			    parentheses */
	/* The ends of the first comments in which a quoted string or a square bracket begins and
	 * does not end, or NULL. Some readers look for its end behind the comment. */
	const char *open_quote, *open_bracket;
};

/* Borrowed from the value. */
struct from_token {
	enum from_token_kind kind;
	char mark;	    /* FROM_MARK: the character */
	const char *text;   /* its beginning; FROM_QUOTED: after the quote, FROM_LITERAL: the
			       bracket */
	size_t len;	    /* without the closing quote, with the closing bracket */
	bool spaced;	    /* white space precedes it */
	bool commented;	    /* a comment precedes it */
	bool behind_hidden; /* ... that contains an @ */
	bool encoded;	    /* FROM_MARK: within an encoded-word */
	bool strange;	    /* FROM_WORD: a reader may decode it to an address, or show it as one */
	bool delicate; /* FROM_QUOTED: contains a backslash or <, which Sendmail escapes wrongly if
			  it puts a longer name in quotes */
	bool divided;  /* FROM_QUOTED: contains a comma or semicolon */
};

/* An encoded-word or a square bracket. */
struct from_region {
	const char *end; /* NULL: none */
	bool closed;	 /* it has an end; otherwise end is that of the value */
};

/* The position in the value. A plain value: a copy reads the same tokens again. */
struct from_lexer {
	const char *at, *end;
	bool after_at, quotes_plain, comments_plain;
	struct from_region encoded, bracket; /* the ones read last */
	struct from_signs *signs;	     /* those of the tokens that were read are set */
};

/* Read the next token; FROM_END again and again at the end. */
struct from_token from_token_next(struct from_lexer *lexer);

/* Return whether the token is one of these marks. */
bool from_token_is(const struct from_token *token, const char *marks);

/* Return whether the token is a word or quoted string that a reader may decode to an address, or
 * show as one. */
bool from_token_is_strange(const struct from_token *token);

/* Return whether the token is any other word, without a comment before it. */
bool from_token_is_plain_word(const struct from_token *token);

/* Return whether the value contains a NUL, or a CR or LF that is not part of a fold. */
bool from_has_stray_control(const char *value, const char *end);

/* Note lines that an MTA breaks, and lines of white space between others: some readers take them
 * for the empty line after the header. */
void from_lines_note(const char *value, const char *end, struct from_signs *signs);

#endif
