#ifndef POSTERN_HIDDEN_TEXT_H
#define POSTERN_HIDDEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

/*
 * Characters of entries that nobody sees, which come with text copied from documents and web pages:
 * white space beyond ASCII, such as the no-break space (U+00A0), and what visible.h makes visible,
 * such as the zero width space (U+200B). Joiners (U+200C, U+200D) and variation selectors (U+FE00
 * to U+FE0F) behind a character that is not ASCII are part of the writing of some languages and of
 * emoji, and not hidden. Bytes that are not UTF-8 are passed over. Stateless; any thread may call
 * it.
 */

/* Return whether text has a hidden character, and set *c_r to the first. */
bool hidden_find(const char *text, size_t len, uint32_t *c_r);

/*
 * Return whether the name of a login has a hidden character, which is then part of the login that
 * the client must send; *why_r becomes "contains the white space U+00A0, which the client must
 * send, too; remove it".
 */
bool hidden_in_login(const char *name, size_t len, struct errmsg *why_r);

/* Return whether the character is white space beyond ASCII. */
bool hidden_is_space(uint32_t c);

/* Replace white space beyond ASCII with spaces, and remove other hidden characters. A NUL ends
 * text. Returns whether it has changed. */
bool hidden_remove(char *text);

#endif
