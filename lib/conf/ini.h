#ifndef POSTERN_INI_H
#define POSTERN_INI_H

#include <stddef.h>

#include "lib/base/errmsg.h"

/*
 * The grammar of postern.conf: "[SECTION]", "NAME = VALUE", comment lines that begin with # or ;.
 * UTF-8, maybe with a byte order mark; lines of any length, ending in LF, CRLF or CR; white space
 * around names and values doesn't count. A section or a key twice, a key before the first section,
 * and control characters are errors.
 */
struct ini_entry {
	const char *section;
	const char *name; /* NULL: the section begins here */
	char *value;	  /* may be written over; a comment behind it is still there */
	unsigned line;	  /* from 1 */
};

/* 0 to go on, -1 with err set to stop. The strings live as long as the call. */
typedef int ini_each_fn(void *context, const struct ini_entry *entry, struct errmsg *err);

/*
 * Call each() for every section and key, in order. 0, or -1 with err as "PATH:LINE: reason", also
 * for what each() said.
 */
int ini_read(const char *path, const char *text, size_t len, ini_each_fn *each, void *context,
	struct errmsg *err);

/* Cut a comment off: # or ; at the start or after white space, and the white space before it. */
void ini_cut_comment(char *value);

#endif
