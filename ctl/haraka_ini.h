#ifndef POSTERN_HARAKA_INI_H
#define POSTERN_HARAKA_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"

/*
 * The ini files of Haraka as haraka-config reads them: "[SECTION]" alone in a line, "KEY = VALUE"
 * or "KEY", and comments in lines of their own, which begin with ; or #. Lines end in LF, CRLF or
 * CR; one that ends in a backslash continues in the next line. Keys before the first section belong
 * to the section main. A repeated section goes on, and of a repeated key the last value counts.
 */
struct haraka_entry {
	const char *section, *key;
	const char *value;   /* NULL: there is no = after the key */
	unsigned line;	     /* from 1 */
	bool is_replaced;    /* the same key follows in the same section */
	const char *problem; /* not NULL: Haraka ignores the line, or it cannot be read; the key is
				the start of the line then, and there is no value */
};

struct haraka_ini {
	struct arena *arena; /* of all texts */
	struct haraka_entry *entries;
	size_t count;
};

/* Read the text of a file. Returns 0, or -1 when out of memory. haraka_ini_clear() frees *ini_r in
 * both cases. */
int haraka_ini_parse(const char *text, size_t len, struct haraka_ini *ini_r);
void haraka_ini_clear(struct haraka_ini *ini);

/* Return the entry that counts; NULL if there is none. */
const struct haraka_entry *haraka_ini_find(const struct haraka_ini *ini, const char *section,
	const char *key);

/* Return whether a value of a boolean key is true: true, yes, ok, enabled, on or 1. value may be
 * NULL. */
bool haraka_ini_is_true(const char *value);

/*
 * Return the next line of a text, without its end, and move *at behind it; NULL at the end.
 */
const char *haraka_line(const char **at, const char *end, size_t *len_r);

/* Return a line without the white space around it, which JavaScript's trim() removes: also the byte
 * order mark. *len is the length. */
const char *haraka_trim(const char *line, size_t *len);

#endif
