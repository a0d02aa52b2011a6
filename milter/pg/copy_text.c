/*
 * Parses rows and arrays in PostgreSQL's text formats, overwriting them. It keeps no state, so any
 * thread may call it; loads do so on line_worker's thread.
 */
#include "milter/pg/copy_text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static char unescape(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'v':
		return '\v';
	default:
		return c; /* a backslash: COPY TO writes no other escapes */
	}
}

/* Replace the escapes in the text from at to end. Returns its new end. */
static char *unescape_all(char *at, const char *end)
{
	char *to = memchr(at, '\\', (size_t)(end - at));

	if (to == NULL)
		return at + (end - at);
	for (at = to; at < end; at++) {
		if (*at == '\\' && at + 1 < end)
			*to++ = unescape(*++at);
		else
			*to++ = *at;
	}
	return to;
}

int copy_text_line(char *line, size_t len, struct cell *cells_r, size_t count)
{
	char *at = line, *end = line + len, *stop;
	bool has_escapes = memchr(line, '\\', len) != NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if ((stop = memchr(at, '\t', (size_t)(end - at))) == NULL)
			stop = end;
		if ((stop == end) != (i + 1 == count))
			return -1;
		cells_r[i] = (struct cell){ CELL_TEXT, at, (size_t)(stop - at) };
		if (has_escapes && stop - at == 2 && at[0] == '\\' && at[1] == 'N')
			cells_r[i] = (struct cell){ CELL_NULL, at, 0 };
		else if (has_escapes)
			cells_r[i].len = (size_t)(unescape_all(at, stop) - at);
		at = stop + 1;
	}
	return 0;
}

/*
 * Copy a quoted item; at follows the opening quote. Returns the position behind the closing quote,
 * or NULL when there is none.
 */
static const char *copy_quoted_item(const char *at, const char *end, char **to)
{
	for (; at < end && *at != '"'; at++) {
		if (*at == '\\' && ++at == end)
			return NULL;
		*(*to)++ = *at;
	}
	return at < end ? at + 1 : NULL;
}

/* Copy an unquoted item. Returns the position of its end, or NULL when it is empty or has no end.
 */
static const char *copy_plain_item(const char *at, const char *end, char **to)
{
	const char *start = at;
	char *item = *to;

	for (; at < end && *at != ',' && *at != '}'; at++) {
		if (*at == '{' || *at == '"')
			return NULL;
		if (*at == '\\' && ++at == end)
			return NULL;
		*(*to)++ = *at;
	}
	if (at == end || at == start)
		return NULL;
	if (at - start == 4 && *to - item == 4 && strncasecmp(item, "NULL", 4) == 0)
		*to = item; /* NULL without quotes or a backslash is not text */
	return at;
}

/* Skip the "[1:3]=" that precedes an array whose bounds do not start at 1. */
static const char *skip_bounds(const char *at, const char *end)
{
	const char *equals;

	if (at < end && *at == '[' && (equals = memchr(at, '=', (size_t)(end - at))) != NULL)
		return equals + 1;
	return at;
}

int copy_text_array(char *text, size_t len, struct cell *cell_r)
{
	const char *end = text + len, *at = skip_bounds(text, end);
	char *to = text, *item;
	int depth = 0;
	bool wants_item = true; /* an item may begin here */

	do {
		if (at == NULL || at == end)
			return -1;
		if (*at == '{' && wants_item) {
			depth++;
			at++;
		} else if (*at == '}' && depth > 0) {
			depth--;
			at++;
			wants_item = false;
		} else if (*at == ',' && depth > 0 && !wants_item) {
			at++;
			wants_item = true;
		} else if (depth > 0 && wants_item) {
			item = to;
			at = *at == '"' ? copy_quoted_item(at + 1, end, &to) :
					  copy_plain_item(at, end, &to);
			if (to > item || (at != NULL && at[-1] == '"'))
				*to++ = '\0'; /* in the place of a comma, quote or brace */
			wants_item = false;
		} else {
			return -1;
		}
	} while (depth > 0);
	if (at != end)
		return -1;
	*cell_r = (struct cell){ CELL_LIST, text, (size_t)(to - text) };
	return 0;
}
