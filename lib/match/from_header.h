#ifndef POSTERN_FROM_HEADER_H
#define POSTERN_FROM_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/address.h"

/*
 * Find the addresses in the value of a From or Sender field (RFC 5322 sections 3.4, 3.6.2 and 4.4;
 * groups: RFC 6854). Encoded-words are not decoded. The parser is tolerant, because spam is often
 * malformed, but it reports where readers differ, because a user who may use only certain addresses
 * could try a field that other readers misread.
 *
 * - Commas, semicolons and colons separate a field into pieces: mailboxes, group names, group
 * members.
 * - A mailbox is an address, or a display name and an address within angle brackets. A quoted
 * string is a word, whatever it contains; a comment is ignored, also around the address.
 * - Pieces that contain nothing are ignored. The name of a mailbox may contain commas between plain
 * words ("Foo, Inc <a@b>"), and plain words may follow the brackets. Plain words have no dots and
 * quotes, no ! or % within them, and are or decode to nothing that resembles an address: some
 * programs show them as an author of their own, but none with an address.
 * - A word without @ is not an address ("<postmaster>"). Doubled brackets, a missing ">" at the
 * very end and one extra ">" are accepted.
 *
 * Errors that alone mislead no reader make some readers show what a comment, quoted string or
 * encoded-word contains. A field is sloppy if it has commas in a name, a "<" or ">" too many, no
 * ">", a group, a semicolon outside of one, an empty piece before another one, words after the
 * brackets, white space or comments within them, a comment before a word, a stray bracket,
 * parenthesis or backslash, an empty quoted string, one with an odd number of escaped quotes or
 * with an escaped backslash before another one or before a quote, one with a backslash or < that
 * is not the whole name, an escaped quote behind a byte outside ASCII, one with an @ or < and the
 * beginning of an encoded-word, one or an encoded-word that directly follows something in a name,
 * a comment or quoted string within an encoded-word or square brackets, a comment beside another
 * one or with another one, or directly behind an address, a comma, semicolon, < or a lone quote or
 * square bracket in it, a line of white space between others, a tab that is not part of a fold, a
 * quoted local part within brackets, or a mailbox of more than 240 bytes.
 *
 * MTAs change long fields: Postfix and Sendmail break a line of more than 990 bytes anywhere, and
 * Sendmail cuts a mailbox of more than 256, or takes its name for a mailbox of its own.
 *
 * each() is called for every address in order, without comments, folds and route; if a part of the
 * local part is quoted, all of it is one quoted string. each() returns false to stop; the result
 * then covers what was read so far. The time is linear in len. Allocates nothing; thread-safe.
 */
enum from_result {
	FROM_ADDRESSES, /* each() was called at least once */
	FROM_NONE,	/* the value contains no address */
	/* Like FROM_ADDRESSES, but a name contains a comma. Readers show the words before it as a
	 * name, but Sendmail completes them to an address of its own domain: "Foo@mx.example". */
	FROM_COMMA,
	/* Like FROM_ADDRESSES, but some readers may show addresses in names, too:
	 * from_names_parse() reports them, or that there may be others. The causes are:
	 * - a sloppy field with an @ in a comment, quoted string or encoded-word; any field with an
	 *   @ in one of the last two and a name in which a quoted string is behind a dot, or has
	 *   an @ and is behind one of them, or one of them ends before a dot, or a word begins with
	 *   = and is not encoded, or begins with #, ` or a character outside ASCII;
	 * - a quoted string with a < that has a comma or semicolon, or is not the first word, or
	 *   one with a comma or semicolon behind something other than quoted strings;
	 * - a quoted string with an odd number of escaped quotes; an address with a dot at the
	 *   beginning or end, before the @ or beside another one; a comment behind the brackets
	 *   that has an @ or <, or a dot, ! or % as in an address, also encoded;
	 * - an @ outside of quotes and comments before angle brackets, or no ">". */
	FROM_NAMES,
	/*
	 * Readers may differ about the value; each() has been called for every address that was
	 * found, but there may be others. The causes are:
	 * - two kinds of oddities (from_oddities.h);
	 * - NUL, or CR or LF without white space after it; another control character, except for
	 *   escape sequences of ISO-2022-JP in quotes that end with ASCII; an unclosed quote,
	 *   comment or literal; a backslash before a special character;
	 * - a comment within the brackets that has an @ or <, or a dot, ! or % as in an address,
	 *   also encoded; any comment before doubled brackets;
	 * - a comment with an @ and other special characters; one with nested parentheses that has
	 *   an escaped quote, or a comma, semicolon or < and a dot, ! or % as in an address; one
	 *   with a < after a closing parenthesis; one with a parenthesis within or after a quote,
	 *   square bracket or encoded-word; one with a special character behind a backslash that
	 *   may be the second byte of a character;
	 * - a comment with a lone quote or square bracket if another one that may be its end
	 *   follows, or if a name, comment or quoted string may be shown as an address;
	 * - any comment beside an encoded-word that decodes to a backslash, or to a quote or
	 *   parenthesis without its other half;
	 * - a name directly before the brackets, if a dot is in it or in a name before it, and
	 *   a comma or semicolon is in it or the field is like those of FROM_NAMES;
	 * - a < or @ within an encoded-word or square brackets, even if the encoded-word begins in
	 *   a comment or in quotes; one without an end whose text begins with = and two hexadecimal
	 *   digits ends with the field;
	 * - a field like those of FROM_NAMES that has a comma in a name, or a mailbox of more than
	 *   240 bytes;
	 * - a quoted string with escaped quotes and a <, or an @ and a comma, semicolon or colon;
	 * - a line of more than 900 bytes, a word or quoted string of more than 240, a mailbox of
	 *   more than 1000, or of more than 240 if its domain has more than two labels;
	 * - an @ outside of quotes and comments in a group's name, or an encoded-word in it that
	 *   may decode to one, or a dot as in a domain (also encoded in quotes), or a ! or % within
	 *   a word, or a wide @ or dot in it, also in quotes;
	 * - a stray bracket or parenthesis before angle brackets, unless the words are plain;
	 * - an element of a list that has no address beside one that has: a comment, an
	 *   encoded-word, words, empty brackets;
	 * - words before or after an address without brackets, or a comment with an @ before it;
	 *   anything but plain words after brackets; brackets with several addresses, words beside
	 *   the address, or a route; a quoted string with an @ in place of an address;
	 * - an address with two @ or a wide one (U+FF20, U+FE6B), without a local part, with a
	 *   backslash outside quotes, control or invisible characters, an encoded-word, a comment,
	 *   white space beside a dot, or a quoted part of the local part; one whose quoted local
	 *   part has special characters other than dots and spaces, or a fold; an address that is
	 *   odd (address.h) or longer than ADDRESS_MAX (then it is not reported).
	 */
	FROM_UNPARSABLE
};

typedef bool from_each_fn(void *context, const struct mail_address *address);

enum from_result from_header_parse(const char *value, size_t len, from_each_fn *each,
	void *context);

#endif
