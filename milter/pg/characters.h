#ifndef POSTERN_CHARACTERS_H
#define POSTERN_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"

/*
 * The characters beyond ASCII that occur in the rows of a database with an encoding other than
 * UTF-8, and their translations. In each of the encodings that a server can have, all bytes of such
 * a character are above 0x7f. One thread fills it; afterwards any thread may translate.
 */
struct characters;

/* encoding: libpq's number of it. Returns NULL when out of memory. */
struct characters *characters_new(int encoding);
void characters_free(struct characters **characters); /* accepts NULL */

/* Return whether the text needs no translation. */
bool characters_are_ascii(const char *text, size_t len);

/* Add the characters of a text, each once. Returns 0, or -1 when out of memory. */
int characters_collect(struct characters *characters, const char *text, size_t len);

size_t characters_count(const struct characters *characters);

/*
 * The number of characters, from the first one on, whose translation has been asked for: 0 until
 * the caller notes it.
 */
size_t characters_asked(const struct characters *characters);
void characters_note_asked(struct characters *characters, size_t count);

/* Return character i in the server's encoding: *len_r bytes, borrowed until the next addition. */
const char *characters_get(const struct characters *characters, size_t i, size_t *len_r);

/* Set the translation of character i: one or two characters. */
void characters_set(struct characters *characters, size_t i, const char *utf8, size_t len);

/*
 * Append the translation of a text. A character that has none becomes the byte 0xff, which no UTF-8
 * contains, so that the reader of the row refuses it.
 */
void characters_translate(const struct characters *characters, const char *text, size_t len,
	struct strbuf *to);

#endif
