#ifndef POSTERN_FROM_HEADER_H
#define POSTERN_FROM_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/address.h"

/*
 * Find the addresses in the value of a From field (RFC 5322 sections 3.4, 3.6.2 and 4.4; groups:
 * RFC 6854), however malformed it is, as spam often is. Use from_grammar_parse() to find out whose
 * message it is.
 *
 * - Of a field that from_grammar_parse() accepts, these are the addresses that it finds.
 * - Of another one, every address counts, also within a name, because programs differ about such
 *   fields. It is read twice, the second time as if it had no quotes. Comments, folds and routes
 *   are ignored. An encoded-word is decoded, unless decoders differ about it.
 * - A word without @ is not an address ("<postmaster>").
 *
 * each() is called for every address in order; if a part of the local part is quoted, all of it is
 * one quoted string. For an address that is too long (address_parse()), it is called with NULL.
 * each() returns false to stop. Returns whether each() was called. The time is linear in len.
 * Allocates nothing; thread-safe.
 */
typedef bool from_each_fn(void *context, const struct mail_address *address);

bool from_header_parse(const char *value, size_t len, from_each_fn *each, void *context);

#endif
