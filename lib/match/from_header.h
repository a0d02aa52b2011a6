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
 *   members.
 * - In a piece with angle brackets, the address is within the brackets. Text before the first
 *   bracket is a display name, even when it looks like an address ("a@b <c@d>" is c@d), unless no
 *   brackets at the beginning of the piece contain an address. An address after the brackets
 *   counts.
 * - In a piece without angle brackets, each address counts; words before one do not ("Foo a@b").
 * - A quoted string is a word, whatever it contains; a comment is ignored. A word without @ is not
 *   an address ("<postmaster>"). Doubled brackets, a missing ">" at the very end and one extra ">"
 *   are accepted.
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
	 * found, but there may be others. Causes: NUL, or CR or LF without white space after it;
	 * an unclosed quote, comment or literal; a backslash before a special character; a comment
	 * or quote within an encoded-word; brackets with several addresses, or with words beside
	 * the address; an address in a display name whose brackets contain none; a quoted string
	 * with an @ in place of an address; an address with two @, without a local part, with a
	 * backslash outside quotes, control characters, an encoded-word, a comment within a word,
	 * or followed by white space and a word ("a@b c", without brackets); an address that is
	 * odd (address.h) or longer than ADDRESS_MAX (then it is not reported).
	 */
	FROM_UNPARSABLE
};

typedef bool from_each_fn(void *context, const struct mail_address *address);

enum from_result from_header_parse(const char *value, size_t len, from_each_fn *each,
	void *context);

#endif
