/*
 * Reads the rows that store_write() writes, several times as fast as a JSON parser. Holds no state;
 * any thread.
 */
#include "lib/store/store_scan.h"

#include <string.h>

#include "lib/base/utf8.h"

#define DIGITS_MAX 18 /* a longer number may exceed 64 bits; the JSON parser decides */

struct scan {
	char *at, *end;
	const struct column *columns;
	int count, next;
	struct cell *cells;
};

/* Get the text between quotes; s->at is after them then. */
static bool scan_string(struct scan *s, char **text_r, size_t *len_r)
{
	char *stop;

	if (s->at == s->end || *s->at != '"')
		return false;
	stop = memchr(s->at + 1, '"', (size_t)(s->end - s->at - 1));
	if (stop == NULL)
		return false;
	*text_r = s->at + 1;
	*len_r = (size_t)(stop - s->at - 1);
	s->at = stop + 1;
	return true;
}

static bool skip(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return false;
	s->at += len;
	return true;
}

/* Read ["a","b"]. The cell is the text between the brackets; pack_list() converts it later. */
static bool scan_list(struct scan *s, struct cell *cell)
{
	char *start = s->at, *text;
	size_t len;

	if (!skip(s, "]")) {
		do {
			if (!scan_string(s, &text, &len))
				return false;
		} while (skip(s, ","));
		if (!skip(s, "]"))
			return false;
	}
	*cell = (struct cell){ CELL_LIST, start, (size_t)(s->at - 1 - start) };
	return true;
}

static bool scan_number(struct scan *s, struct cell *cell)
{
	char *start = s->at;
	size_t len;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	len = (size_t)(s->at - start);
	*cell = (struct cell){ CELL_TEXT, start, len };
	return len > 0 && len <= DIGITS_MAX && (*start != '0' || len == 1);
}

static bool scan_value(struct scan *s, struct cell *cell)
{
	char *text;
	size_t len;

	if (s->at < s->end && *s->at == '"') {
		if (!scan_string(s, &text, &len))
			return false;
		*cell = (struct cell){ CELL_TEXT, text, len };
	} else if (skip(s, "[")) {
		return scan_list(s, cell);
	} else if (skip(s, "true")) {
		*cell = (struct cell){ CELL_TEXT, "t", 1 };
	} else if (skip(s, "false")) {
		*cell = (struct cell){ CELL_TEXT, "f", 1 };
	} else if (!skip(s, "null")) {
		return scan_number(s, cell);
	}
	return true;
}

/* Read a key. Keys have the order of the table, and some may be missing. */
static bool scan_key(struct scan *s, struct cell **cell_r)
{
	char *key;
	size_t len;

	if (!scan_string(s, &key, &len) || !skip(s, ":"))
		return false;
	while (s->next < s->count &&
		(strlen(s->columns[s->next].name) != len ||
			memcmp(s->columns[s->next].name, key, len) != 0))
		s->next++;
	if (s->next == s->count)
		return false;
	*cell_r = &s->cells[s->next++];
	return true;
}

/* Convert "a","b" into a NUL b NUL, in place. */
static void pack_list(struct cell *cell, char *text)
{
	char *to = text, *from = text, *end = text + cell->len, *stop;
	size_t len;

	while (from < end) {
		stop = memchr(from + 1, '"', (size_t)(end - from - 1));
		len = (size_t)(stop - from - 1);
		memmove(to, from + 1, len);
		to[len] = '\0';
		to += len + 1;
		from = stop + 2; /* after the comma, or after the end */
	}
	cell->len = (size_t)(to - text);
}

static bool needs_parser(const char *line, size_t len)
{
	unsigned char least = 0xff;
	size_t i;

	for (i = 0; i < len; i++)
		least = (unsigned char)line[i] < least ? (unsigned char)line[i] : least;
	return least < ' ' || memchr(line, '\\', len) != NULL || utf8_valid_len(line, len) < len;
}

bool store_scan(char *line, size_t len, const struct column *columns, int count, struct cell *cells)
{
	struct scan s = { line, line + len, columns, count, 0, cells };
	struct cell *cell;
	int i;

	memset(cells, 0, (size_t)count * sizeof(*cells)); /* CELL_NULL is 0 */
	if (needs_parser(line, len) || !skip(&s, "{"))
		return false;
	do {
		if (!scan_key(&s, &cell) || !scan_value(&s, cell))
			return false;
	} while (skip(&s, ","));
	if (!skip(&s, "}") || s.at != s.end)
		return false;
	for (i = 0; i < count; i++)
		if (cells[i].kind == CELL_LIST)
			pack_list(&cells[i], line + (cells[i].text - line));
	return true;
}
