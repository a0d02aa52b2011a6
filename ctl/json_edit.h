#ifndef POSTERN_JSON_EDIT_H
#define POSTERN_JSON_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"

/*
 * Changes of a JSON text that leave everything else as it is: order, indentation, numbers and
 * escapes. The text must be valid JSON, which a parser has read, without a byte order mark; these
 * functions only find places in it. Values are JSON, too ("\"bob\"", "17"). Stateless.
 */
struct json_span {
	size_t at, end; /* of a value in the text: from its first byte to the one behind its last */
};

struct json_pair {
	const char *key; /* without quotes and without characters that need an escape */
	const char *value;
};

/* Return the place of the whole value. */
struct json_span json_edit_root(const char *text, size_t len);

/* How the keys of an object are compared. */
enum json_keys { JSON_KEYS_EXACT, JSON_KEYS_CASELESS /* in ASCII */ };

/* Find the value of a key of an object. Returns false if there is none. */
bool json_edit_member(const char *text, struct json_span object, const char *key,
	enum json_keys keys, struct json_span *value_r);

/* Find the element i, from 0, of an array. Returns false if there are fewer. */
bool json_edit_element(const char *text, struct json_span array, size_t i,
	struct json_span *element_r);

/* Add the text with the value of a key (caseless) of the object replaced, or with the key added as
 * its last one. */
void json_edit_set(const char *text, size_t len, struct json_span object, const char *key,
	const char *value, struct strbuf *out);

/* Add the text with an object behind the last element of the array, in the form of that. */
void json_edit_append(const char *text, size_t len, struct json_span array,
	const struct json_pair *pairs, size_t count, struct strbuf *out);

/* Add the text without the element i of the array, which exists. */
void json_edit_remove(const char *text, size_t len, struct json_span array, size_t i,
	struct strbuf *out);

#endif
