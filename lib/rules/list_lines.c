/*
 * Splits the text of a list file into entries. The caller owns the reader and the text; one thread
 * at a time.
 */
#include "lib/rules/list_lines.h"

#include <string.h>

#include "lib/base/utf8.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

void list_lines_init(struct list_lines *lines, const char *text, size_t len)
{
	const size_t mark = utf8_mark_len(text, len);

	*lines = (struct list_lines){ .at = text + mark, .end = text + len, .line = 0 };
}

/* Remove the comment, and white space at both ends. */
static void trim(const char **start, const char **stop)
{
	const char *p;

	while (*start < *stop && is_blank(**start))
		(*start)++;
	for (p = *start; p < *stop; p++) {
		if ((*p == '#' || *p == ';') && (p == *start || is_blank(p[-1]))) {
			*stop = p;
			break;
		}
	}
	while (*stop > *start && is_blank((*stop)[-1]))
		(*stop)--;
}

bool list_lines_next(struct list_lines *lines, const char **entry_r, size_t *len_r)
{
	const char *start, *stop;

	while (lines->at < lines->end) {
		start = stop = lines->at;
		while (stop < lines->end && *stop != '\n' && *stop != '\r')
			stop++;
		lines->at = stop;
		if (lines->at < lines->end)
			lines->at +=
				lines->at + 1 < lines->end && stop[0] == '\r' && stop[1] == '\n' ?
				2 :
				1;
		lines->line++;
		trim(&start, &stop);
		if (start == stop)
			continue;
		*entry_r = start;
		*len_r = (size_t)(stop - start);
		return true;
	}
	return false;
}
