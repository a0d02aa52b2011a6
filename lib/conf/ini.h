#ifndef POSTERN_INI_H
#define POSTERN_INI_H

#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"

/*
 * The grammar of postern.conf: "[SECTION]", "NAME = VALUE", and comment lines that begin with # or
 * ;. The text is UTF-8, with or without a byte order mark. Lines have any length and end with LF,
 * CRLF or CR. White space around names and values is ignored. A repeated section or key, a key
 * before the first section, and control characters are errors.
 */
struct ini_entry {
	const char *section;
	const char *name; /* NULL: the section begins here */
	char *value;	  /* may be overwritten; still contains a comment after it */
	unsigned line;	  /* from 1 */
};

/* Returns 0 to go on, or -1 with err set to stop. The strings live as long as the call. */
typedef int ini_each_fn(void *context, const struct ini_entry *entry, struct errmsg *err);

/*
 * Call each() for every section and key, in order. Returns 0, or -1 with err as "PATH:LINE:
 * reason", also for the errors of each().
 */
int ini_read(const char *path, const char *text, size_t len, ini_each_fn *each, void *context,
	struct errmsg *err);

/*
 * The same, but continue after an error: add each one to errors, unless errors contains the same
 * text, and set err to the first one. The keys of a section that has an error are not read.
 */
int ini_read_all(const char *path, const char *text, size_t len, ini_each_fn *each, void *context,
	struct problems *errors, struct errmsg *err);

/* Remove a comment, which begins with # or ; at the start or after white space, and the white space
 * before it. */
void ini_cut_comment(char *value);

#endif
