#ifndef POSTERN_VISIBLE_H
#define POSTERN_VISIBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

/*
 * Text from outside, made visible for people. Nothing in it can then control a terminal, begin a
 * line, change the direction of writing, or hide: control characters, the characters that Unicode
 * gives no appearance (general categories Cf, Zl, Zp, Zs except U+0020, Co, Cn if it is a
 * noncharacter, and Default_Ignorable_Code_Point), and bytes that are not UTF-8 become escapes.
 * These are \xNN for ASCII control characters and for bytes, \uNNNN and \UNNNNNNNN for other
 * characters. A backslash remains as it is. Stateless; any thread may call it.
 */

/* Return whether a character is visible, or is a space (U+0020). */
bool visible_char(uint32_t c);

/* Add len bytes of text. */
void visible_add(struct strbuf *out, const char *text, size_t len);

/* Add the text that visible_add() would show as text, so that a person may enter what was shown. */
void visible_read(struct strbuf *out, const char *text);

#endif
