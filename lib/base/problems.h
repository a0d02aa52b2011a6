#ifndef POSTERN_PROBLEMS_H
#define POSTERN_PROBLEMS_H

#include <stddef.h>

/*
 * The problems of a source: bad lines, rows and columns that a load left out, and why. All problems
 * are counted; the first PROBLEMS_KEPT texts are kept. One thread at a time.
 */
#define PROBLEMS_KEPT 1000

struct problems;

struct problems *problems_new(void);		/* NULL when out of memory */
void problems_free(struct problems **problems); /* accepts NULL */

/* Add a text of the form "where: what is wrong, and what would be right". Does nothing when
 * problems is NULL. */
void problems_add(struct problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Add a note about something that is in force but may be a mistake. Notes are not counted as
 * problems; the first PROBLEMS_KEPT are kept. Does nothing when problems is NULL. */
void problems_note(struct problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

size_t problems_notes(const struct problems *problems); /* how many were kept */
const char *problems_note_text(const struct problems *problems,
	size_t i); /* i < problems_notes() */

size_t problems_count(const struct problems *problems); /* all, also those without a text */
size_t problems_kept(const struct problems *problems);	/* those with a text */
const char *problems_text(const struct problems *problems, size_t i); /* i < problems_kept() */

#endif
