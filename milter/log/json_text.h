#ifndef POSTERN_JSON_TEXT_H
#define POSTERN_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

/*
 * Text from outside (a client, a server's message, a file) as a JSON string. JSON holds only UTF-8
 * (RFC 8259, section 8.1); text that is not UTF-8 is made visible (lib/base/visible.h), so that
 * such a byte becomes \xNN. Returns a new reference, or NULL when out of memory. Thread-safe.
 */
json_t *json_text(const char *text, size_t len);

/* The same for a string; the empty string becomes null. */
json_t *json_text_or_null(const char *text);

#endif
