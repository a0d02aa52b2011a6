#ifndef POSTERN_FROM_SHOWN_H
#define POSTERN_FROM_SHOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/address.h"

/* What a name or comment of a From field shows once it is decoded. Part of from_grammar.c. All
 * functions take linear time and are thread-safe. */

#define FROM_WORD_LONGEST 240	  /* Sendmail (8.17) ends a mailbox within one of more than 256 */
#define FROM_MAILBOX_LONGEST 1000 /* ... and within a name of more than 1,256 */

struct from_shown {
	char text[FROM_MAILBOX_LONGEST]; /* ends at len */
	size_t len;
	bool at, telling; /* an encoded-word has an @, or resembles an address (encoded_word.h) */
	bool open;	  /* one has a backslash, or a quotation mark or parenthesis without its
			     other half */
	bool foreign;	  /* the charset of one is neither UTF-8 nor ASCII */
	bool is_cut;	  /* it is longer than text */
};

/* Begin with an empty text. */
void from_shown_clear(struct from_shown *shown);

void from_shown_add(struct from_shown *shown, const char *text, size_t len);

/* Add the encoded-word at text. Returns its end, or NULL if there is none, if it is not known what
 * it shows (encoded_word_decode()), or if some programs do not see it: it is too long, or has
 * special characters or another encoded-word in it. */
const char *from_shown_encoded(struct from_shown *shown, const char *text, const char *end);

/* Add the text of a quoted string or comment. Returns false if it has an encoded-word that some
 * programs do not see, or that touches another word. */
bool from_shown_text(struct from_shown *shown, const char *text, size_t len);

/* Return whether an @, < or > is shown, or what is like an @. */
bool from_shown_has_at(const struct from_shown *shown);

/* Return whether something is shown that resembles an address (from_has_telling_word()). */
bool from_shown_is_telling(const struct from_shown *shown);

/*
 * Return whether a name at the address may show an @, < or >, although some programs decode names,
 * or see no quotes, before they look for authors. The address is then a usual one
 * (from_address.h), and the name has no square bracket, semicolon, colon, quotation mark or
 * backslash, at most one comma, and parentheses that form pairs; with a <, none of these marks, and
 * the bracket is closed at the end. Or else the name is the address itself, also in single quotes,
 * or ends with it in brackets, behind words that show nothing of the kind.
 */
bool from_shown_is_safe(const struct from_shown *shown, const struct mail_address *address);

#endif
