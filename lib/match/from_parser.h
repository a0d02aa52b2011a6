#ifndef POSTERN_FROM_PARSER_H
#define POSTERN_FROM_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/from_grammar.h"
#include "lib/match/from_shown.h"
#include "lib/match/from_tokens.h"

/*
 * The parts of the grammar of From fields: words, comments, addresses. Part of from_grammar.c.
 * Functions that read something begin at the next token, and return false if they refuse the field.
 */

/* How to write what is refused. */
enum from_advice {
	WRITE_ADDRESS,
	WRITE_DOMAIN,
	WRITE_NAME,
	WRITE_QUOTED_NAME,
	WRITE_ENCODED_WORD,
	WRITE_COMMENT,
	WRITE_BEHIND,
	WRITE_LIST,
	WRITE_ALONE,
	WRITE_NONE,
	WRITE_CONTROL,
	WRITE_UNFOLDED,
	WRITE_LENGTH
};

/* What programs read in different ways. One of these misleads nobody if no name resembles an
 * address. */
enum from_irregular {
	REGULAR,
	IRREGULAR_GROUP,
	IRREGULAR_COMMA_IN_NAME,
	IRREGULAR_COMMA_AT_END,
	IRREGULAR_COMMENT,
	IRREGULAR_SQUARE_BRACKETS,
	IRREGULAR_DOUBLED_BRACKETS,
	IRREGULAR_UNCLOSED_BRACKET,
	IRREGULAR_TOUCHED_BRACKET,
	IRREGULAR_WORDS_BEHIND,
	IRREGULAR_STRAY_DOT,
	IRREGULAR_QUOTED_LOCAL_PART,
	IRREGULAR_QUOTED_WORDS, /* ... and other words */
	IRREGULAR_BACKSLASH,
	IRREGULAR_EMPTY_QUOTES,
	IRREGULAR_ENCODED_HALF, /* of a pair of quotes or parentheses, or a backslash */
	IRREGULAR_TAB,		/* some split names at spaces only */
	IRREGULAR_OTHER_CHARSET,
	IRREGULAR_LONG_MAILBOX
};

/* The name of a mailbox. */
struct from_name {
	struct from_shown shown;
	const char *start;
	size_t atoms, quoted, encoded;
	bool has_comment;
	bool has_comma;
	bool ends_with_comma;
	bool ends; /* a comment ends it */
};

/* The state of from_grammar_parse(). */
struct from_parser {
	struct from_lexer lx;
	struct from_token t; /* the next one */
	from_each_fn *each;
	void *context;
	struct from_field field;
	struct from_name name; /* of the present mailbox */
	size_t mailboxes;
	const char *at;	     /* where a name shows an @; NULL: nowhere */
	const char *telling; /* where a name resembles an address; NULL: nowhere */
	const char *folded;  /* a quoted string with a line break; NULL: none */
	enum from_irregular irregular;
	bool is_ascii; /* the field */
	bool is_twice; /* an address has itself as its name */
	bool deep;     /* the domain of the present address has more than two labels */
	bool stop;
};

/* Return where the token begins. */
const char *from_token_start(const struct from_token *token);

/* Read the next token. */
void from_advance(struct from_parser *parser);

/* Return whether the next token is one of the marks, or the end. */
bool from_is_at_end(const struct from_parser *parser, const char *marks);

/* Refuse the field, unless it is refused already. Returns false. */
bool from_refuse(struct from_parser *parser, const char *at, enum from_advice advice);

/* Note an irregularity. A field may have one kind of them, even repeatedly; it is refused if it has
 * two kinds. */
bool from_note(struct from_parser *parser, const char *at, enum from_irregular irregular);

/* Read a comment. It touches nothing else; is_first: nothing but a comma or colon precedes it. */
bool from_read_comment(struct from_parser *parser, bool is_first);

/* Return whether an address begins at the next token, as no name does. */
bool from_is_address(const struct from_parser *parser);

/* Read an address, not including the brackets around it. */
bool from_read_address(struct from_parser *parser, struct mail_address *address_r);

/* Read brackets with an address. */
bool from_read_brackets(struct from_parser *parser, struct mail_address *address_r);

/* Read a word that is not an address, and add it to the name. */
bool from_read_word(struct from_parser *parser);

/* Return the number of words in the name. */
size_t from_name_words(const struct from_name *name);

#endif
