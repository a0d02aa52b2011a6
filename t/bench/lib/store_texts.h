#ifndef POSTERN_BENCH_STORE_TEXTS_H
#define POSTERN_BENCH_STORE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"

/* How a program lays out a JSON store. */
struct store_layout {
	const char *name;
	const char *colon, *comma; /* between a key and its value, and between members or items */
	const char *row_comma;	   /* between rows */
	const char *keys;	   /* of a row in order, one letter each: see store_texts.c */
	const char *line_end;	   /* if each member has its own line; else NULL */
	const char *indent;	   /* of each level, if each member has its own line */
	bool has_mark;		   /* whether it begins with a byte order mark */
	bool escapes_slashes, escapes_letters;
};

/* The layouts to compare, up to one without a name. */
extern const struct store_layout store_layouts[];

/*
 * Append a store with so many users and four profiles. Its content is the same in each layout,
 * except for columns that Postern does not have, and for escaped letters.
 */
void store_text_make(struct strbuf *text, const struct store_layout *layout, size_t users);

#endif
