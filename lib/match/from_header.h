#ifndef POSTERN_FROM_HEADER_H
#define POSTERN_FROM_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/address.h"

/*
 * The addresses of a From (or Sender) field's value (RFC 5322 sections 3.4, 3.6.2 and 4.4; groups:
 * RFC 6854), parsed raw: encoded-words are not decoded. Tolerant, since spam isn't well-formed; but
 * where readers differ, it says so, since who is held to an address may try what fools others.
 *
 * - Commas, semicolons and colons part a field into pieces: mailboxes, group names, group members.
 * - In a piece with angle brackets the address is in the brackets. What stands before the first
 *   one is a display name, even when it looks like an address ("a@b <c@d>" is c@d), unless no
 *   brackets in the piece's beginning hold an address. One behind the brackets counts.
 * - In a piece without angle brackets each address counts; words before one don't ("Foo a@b").
 * - A quoted string is a word, whatever it holds; a comment is nothing. A word without @ is no
 *   address ("<postmaster>"). Doubled brackets, a missing ">" at the very end and one too many are
 *   forgiven.
 *
 * each() is called for every address in order, without comments, folds and route, as one
 * quoted string where a part of the local part is quoted; it returns false to stop, and the result
 * is then that of what was read so far. Takes time linear in len, allocates nothing; thread-safe.
 */
enum from_result {
	FROM_ADDRESSES, /* each() was called at least once */
	FROM_NONE,	/* no address in it */
	/*
	 * Doesn't mean one thing to all readers; each() has been called for every address that
	 * was found, but there may be others. That is: NUL, or CR or LF without white
	 * space behind; an unclosed quote, comment or literal; a backslash before a character that
	 * has a meaning; a comment or quote within an encoded-word; brackets with several
	 * addresses, or words beside the address; an address in a display name whose brackets hold
	 * none; a quoted string with an @ where an address belongs; an address with two @, no local
	 * part, a backslash outside quotes, control characters, an encoded-word, a comment within a
	 * word, or a word after white space behind it ("a@b c", without brackets), one that is odd
	 * (address.h) or longer than
	 * ADDRESS_MAX (then not reported).
	 */
	FROM_UNPARSABLE
};

typedef bool from_each_fn(void *context, const struct mail_address *address);

enum from_result from_header_parse(const char *value, size_t len, from_each_fn *each,
	void *context);

#endif
