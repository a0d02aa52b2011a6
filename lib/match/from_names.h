#ifndef POSTERN_FROM_NAMES_H
#define POSTERN_FROM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/from_header.h"

/*
 * Find all addresses that programs may show for a From or Sender field for which
 * from_header_parse() returned FROM_NAMES: programs that see no quotes, or decode encoded-words
 * before they look for commas and brackets, take a name such as "Doe, Jane <a@b>" for a part of the
 * list.
 *
 * each() is called for every address in order, also for those that from_header_parse() reports; it
 * returns false to stop. Returns false if it did, or if the field may show anything else: another
 * word with a dot as in a domain, a ! or % within it, or a character like these or an @; an
 * address beside a word, because some programs omit the white space between them, or directly
 * behind a comment, quoted string or encoded-word, because some see no separator in these; a
 * backslash in an address or before anything but a quote or another one; a square bracket, a
 * control character, or an encoded-word that is malformed, or is not decoded and has such a sign
 * (encoded_word.h). The time is linear in len. Allocates nothing; thread-safe.
 */
bool from_names_parse(const char *value, size_t len, from_each_fn *each, void *context);

#endif
