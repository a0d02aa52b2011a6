#ifndef POSTERN_PROBLEMS_H
#define POSTERN_PROBLEMS_H

#include <stddef.h>

/*
 * What was left out of a load and why: bad lines, bad rows, bad columns. The
 * first PROBLEMS_KEPT texts are kept, all are counted. One thread at a time.
 */
#define PROBLEMS_KEPT 1000

struct problems;

struct problems *problems_new(void); /* NULL when out of memory */
void problems_free(struct problems **problems);

/* Add "where: what, and what would be right". problems may be NULL: then nobody wants to know. */
void problems_add(struct problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Add something that is in force but deserves a look. Not counted among the problems; PROBLEMS_KEPT
 * are kept. */
void problems_note(struct problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

size_t problems_notes(const struct problems *problems);
const char *problems_note_text(const struct problems *problems,
	size_t i); /* i < problems_notes() */

size_t problems_count(const struct problems *problems);		      /* all */
size_t problems_kept(const struct problems *problems);		      /* those with a text */
const char *problems_text(const struct problems *problems, size_t i); /* i < problems_kept() */

#endif
