#ifndef POSTERN_FROM_GRAMMAR_H
#define POSTERN_FROM_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/from_header.h"

/*
 * The From and Sender fields that a login may use: those in which all mail programs see the same
 * authors. Anything else is refused.
 *
 *   field   = list / phrase ":" list [";"]
 *   list    = mailbox *("," mailbox) [","]
 *   mailbox = [comment] address [comment]
 *           / [comment] [names [comment]] brackets [comment / words]
 *           / address brackets     ; the same address, and nothing else in the field
 *   brackets = "<" address ">" / "<<" address ">>" / "<" address ; at the end of the field
 *   names   = phrase / words *("," words)
 *   phrase  = 1*(atom / quoted / encoded / "[" words "]")
 *   words   = 1*(atom / encoded)
 *
 * White space, which may be folded, separates words and comments from each other and from the
 * address. It may also surround commas and colons. It is optional before the brackets, and not
 * allowed within brackets and addresses.
 *
 * - An atom has no special character (RFC 5322 section 3.2.3), except for single dots behind its
 *   first character, and not both = and ?, as encoded-words have.
 * - In a quoted string, a backslash precedes only quotation marks and backslashes.
 * - An encoded-word (RFC 2047) has no special character before it is decoded, and all decoders
 *   agree about it (encoded_word_decode()). A quoted string or comment may contain encoded-words.
 *   Beside one of a charset other than UTF-8, the field is ASCII.
 * - A comment has no special characters but dots, commas and colons, and nothing that resembles an
 *   address.
 * - An address is a dot-atom, or a quoted string of words, dots and spaces; an @; and a domain or
 *   an address literal. It is not odd (address.h), is UTF-8, and has no invisible characters, and
 *   the domain is plain (from_address.h).
 *
 * A field may have one of the following irregularities (enum from_irregular), even repeatedly, but
 * not two of them, because programs read each in several ways: a group; a comma between the words
 * of a name, or at the end; a comment; square brackets; doubled angle brackets, or one without an
 * end, or one that touches a word; words behind one; a dot at the end of an address or of its local
 * part, or beside another one in it; a quoted local part; a quoted string beside other words of a
 * name; a backslash; an empty quoted string; an encoded quotation mark or parenthesis without its
 * other half, or an encoded backslash; a tab that does not begin a folded line; bytes that are not
 * UTF-8; a mailbox of more than 240 bytes. A quoted string that is folded is another one, but may
 * stand beside a backslash or bytes that are not UTF-8.
 *
 * A field in which a name resembles an address, because it has a word with a dot, ! or % within
 * (from_text.h), may have no irregularity, nor may a field in which a name shows an @, < or >. A
 * name that shows one is a quoted string, or encoded-words alone without a comma behind the @, has
 * a space behind it, follows the rules of from_shown_is_safe(), and belongs to the only mailbox of
 * the field.
 *
 * MTAs change long fields: Postfix and Sendmail break a line of more than 990 bytes anywhere, and
 * Sendmail cuts a mailbox of more than 256. Lines of more than 900 bytes, words and addresses of
 * more than 240, and mailboxes of more than 1,000 are refused, and mailboxes of more than 240 if
 * the domain has more than two labels.
 */
struct from_field {
	const char *refusal; /* what is wrong, and how to write it; static; NULL: nothing */
	const char *at;	     /* ... and where it begins, in the value */
	size_t count;	     /* of the addresses for which each() was called */
	bool has_comma; /* a name contains a comma outside of quotes: Sendmail completes the words
			   before it to an address of its own domain: "Foo@mx.example" */
};

/*
 * Parse the value. each() is called for every address in order, also before an error is found; it
 * returns false to stop, and then what follows is not judged. The time is linear in len. Allocates
 * nothing; thread-safe.
 */
struct from_field from_grammar_parse(const char *value, size_t len, from_each_fn *each,
	void *context);

#endif
