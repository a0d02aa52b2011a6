#ifndef POSTERN_FROM_HEADER_H
#define POSTERN_FROM_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/address.h"

/*
 * The addresses of a From (or Sender) field's value (RFC 5322 section 3.6.2, with RFC 6854 groups), parsed raw: encoded-words are
 * not decoded. Tolerant, since spam isn't well-formed: odd display names, comments anywhere, group members, folds, doubled brackets; quotes are respected.
 *
 * Calls each() for every address in order; it returns false to stop.
 */
enum from_result {
	FROM_ADDRESSES, /* each() was called at least once */
	FROM_NONE,	/* no address in it */
	FROM_UNPARSABLE /* can't be trusted to mean one thing: NUL or bare CR, an unclosed quote, comment or
			   bracket, an address too long; each() may have been called for what was found */
};

typedef bool from_each_fn(void *context, const struct mail_address *address);

enum from_result from_header_parse(const char *value, size_t len, from_each_fn *each,
	void *context);

#endif
