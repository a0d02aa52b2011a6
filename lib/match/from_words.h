#ifndef POSTERN_FROM_WORDS_H
#define POSTERN_FROM_WORDS_H

#include <stdbool.h>

#include "lib/match/from_tokens.h"

/*
 * The display names of an address field (RFC 5322 section 3.4): the words before angle brackets, a
 * comma, semicolon or colon. Part of from_header.c.
 */

/* What precedes the character that ends a piece, or its brackets. */
struct from_words {
	bool any; /* there is something, if only a comment */
	bool has_word, has_at;
	bool may_hide;	  /* there is a quoted string or an encoded-word */
	bool has_comment; /* one precedes a word */
	bool dotted;	  /* there is a dot */
	bool is_uncommon; /* a dot before a quoted string, or at the end of one or of an
			     encoded-word; one with an @ behind either; or a word that
			     begins with # or `, with = and is not encoded, or with another
			     character than those of ASCII */
	bool plain;	  /* only plain words, and characters without a meaning */
	bool has_stray;	  /* there is such a character, other than an @, or a backslash: some end
			     the mailbox there, or take the rest for one */
	bool is_sloppy; /* there is such a character, other than an @; or a comment precedes a word;
			   or a quoted string or encoded-word directly follows something; or a
			   quoted string is delicate and not alone */
	bool is_list;	/* a quoted string with a < is not the first thing, or one with a comma or
			   semicolon is behind something other than quoted strings: some read it as
			   a part of the list */
};

/* Read as far as the , ; : < or end after a piece's words. Returns that token. Sets the signs of
 * the field that the tokens show (from_tokens.h). */
struct from_token from_words_scan(struct from_lexer *lexer, struct from_words *words_r);

/* Return whether a reader may show a word as an address, beside the addresses themselves: one in a
 * name, or in an element of the list that has no address. */
bool from_words_are_strange(struct from_lexer lexer);

#endif
