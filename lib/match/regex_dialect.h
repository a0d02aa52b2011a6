#ifndef POSTERN_REGEX_DIALECT_H
#define POSTERN_REGEX_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

/*
 * Append to out the PCRE2 form of a regex in JavaScript's dialect (ECMA-262 with Annex B, the flag
 * i, without the flag u). It must be compiled without PCRE2_CASELESS and matched against a subject
 * in which each character is replaced by its regex_case_fold(): literals and classes of the result
 * are folded. Escapes are written out as characters and classes, named groups as numbered ones.
 *
 * Two things differ from JavaScript: a group in a loop keeps what it matched in an earlier turn of
 * the loop, or in an optional turn that matched the empty string, as in PCRE2; and characters past
 * U+FFFF count as one, as with the flag u, and half of such a pair matches nothing.
 *
 * If lines is true, . excludes the line terminators of JavaScript, for subjects that contain one;
 * otherwise it is left to PCRE2_DOTALL. Odd input never fails here: what JavaScript refuses is
 * written so that PCRE2 refuses it.
 *
 * Returns false if regex_cost_find() is certain to find a cost of more than max bytes; then only
 * the beginning is appended. Part of regexlist.c. Thread-safe.
 */
bool regex_dialect_translate(const char *regex, size_t len, bool lines, uint64_t max,
	struct strbuf *out);

#endif
