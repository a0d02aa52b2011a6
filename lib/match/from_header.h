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
 * string is a word, whatever it contains; a comment is ignored, even within a mailbox.
 * - Pieces that contain nothing are ignored. The name of a mailbox may contain commas between plain
 * words ("Foo, Inc <a@b>"), and plain words may follow the brackets. Plain words are ASCII, without
 * dots, quotes and encoded-words: no program takes them for an address.
 * - A word without @ is not an address ("<postmaster>"). Doubled brackets, a missing ">" at the
 * very end and one extra ">" are accepted.
 *
 * each() is called for every address in order, without comments, folds and route; if a part of the
 * local part is quoted, all of it is one quoted string. each() returns false to stop; the result
 * then covers what was read so far. The time is linear in len. Allocates nothing; thread-safe.
 */
enum from_result {
	FROM_ADDRESSES, /* each() was called at least once */
	FROM_NONE,	/* the value contains no address */
	/*
	 * Readers may differ about the value; each() has been called for every address that was
	 * found, but there may be others. The causes are:
	 * - NUL, or CR or LF without white space after it; an unclosed quote, comment or literal; a
	 *   backslash before a special character; a comment or quote within an encoded-word or
	 *   square brackets; a comment that contains an @ or < after a closing parenthesis, or an
	 *   unclosed quote, square bracket or encoded-word, or a parenthesis within one of these;
	 * - an @ outside of quotes and comments before angle brackets or in a group's name, or an
	 *   encoded-word in such a name that may decode to one;
	 * - a stray bracket or parenthesis before angle brackets, unless the words are plain;
	 * - an element of a list that has no address beside one that has: a comment, an
	 *   encoded-word, words, empty brackets;
	 * - words before or after an address without brackets, or anything but plain words after
	 *   brackets; brackets with several addresses, words beside the address, or a route of
	 * several domains; a quoted string with an @ in place of an address;
	 * - an address with two @, without a local part, with a backslash outside quotes, control
	 *   characters, an encoded-word, or a comment within a word; an address that is odd
	 *   (address.h) or longer than ADDRESS_MAX (then it is not reported).
	 */
	FROM_UNPARSABLE
};

typedef bool from_each_fn(void *context, const struct mail_address *address);

enum from_result from_header_parse(const char *value, size_t len, from_each_fn *each,
	void *context);

#endif
