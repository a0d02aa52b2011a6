#ifndef POSTERN_PROBLEMS_H
#define POSTERN_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"

enum problem_level {
	PROBLEM,      /* a rule, a file or a count is not in force as written */
	PROBLEM_NOTE, /* it is in force, but may be a mistake, slow or unsafe */
	PROBLEM_LEVELS
};

/*
 * The faults of sources such as files and tables: bad lines, rows and columns that a load left out
 * (problems), and possible mistakes (notes). All are counted; of each level, the first
 * PROBLEMS_KEPT texts are kept. One thread at a time.
 */
#define PROBLEMS_KEPT 1000
#define PROBLEMS_OF_SOURCE 50 /* the texts that are kept between problems_begin() and _end() */

struct problems;

struct problems *problems_new(void);				  /* NULL when out of memory */
struct problems *problems_new_unlimited(void);			  /* the same; all texts are kept */
struct problems *problems_new_like(const struct problems *other); /* as many are kept as in other */
void problems_free(struct problems **problems);			  /* accepts NULL */

/* Add a text of the form "where: what is wrong, and what would be right", to the level PROBLEM or
 * PROBLEM_NOTE. Both do nothing when problems is NULL. */
void problems_add(struct problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void problems_note(struct problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Add `count` problems of a level whose texts are not known. */
void problems_count_more(struct problems *problems, enum problem_level level, size_t count);

/* Keep at most so many further texts of each level. Does nothing when problems is NULL. */
void problems_allow(struct problems *problems, const size_t texts[PROBLEM_LEVELS]);

/* Add all that `from` has, each text after "where: " (where NULL: without it). problems and from
 * may be NULL, too. */
void problems_add_all(struct problems *problems, const char *where, const struct problems *from);

/* Return whether the text of another problem of that level would be kept. Otherwise a caller need
 * not make it, which may take long. */
bool problems_keep_next(const struct problems *problems, enum problem_level level);

/* Add a text that represents several others; weight is their number. */
void problems_add_weighted(struct problems *problems, enum problem_level level, size_t weight,
	const char *text);

/*
 * Begin and end the problems of one source, so that a source with many leaves room for the others.
 * Of each level, the first PROBLEMS_OF_SOURCE texts are kept. problems_end() adds a text with the
 * number of the others, "source: 8285 more lines have problems", which is not counted itself; what
 * is "line" or the like. Do nothing when problems is NULL.
 */
void problems_begin(struct problems *problems);
void problems_end(struct problems *problems, const char *source, const char *what);

/* The number of a level, including those without a text; of those with a text; and the text i. */
size_t problems_level_count(const struct problems *problems, enum problem_level level);
size_t problems_level_kept(const struct problems *problems, enum problem_level level);
const char *problems_level_text(const struct problems *problems, enum problem_level level,
	size_t i); /* i < problems_level_kept() */
size_t problems_level_weight(const struct problems *problems, enum problem_level level,
	size_t i); /* how many the text i represents: 1, or more at a source's end
		    */
bool problems_level_is_complete(const struct problems *problems,
	enum problem_level level); /* whether all have a text */

/* The same of the level PROBLEM. */
size_t problems_count(const struct problems *problems);
size_t problems_kept(const struct problems *problems);
const char *problems_text(const struct problems *problems, size_t i);

/* Set err to the first problem and the number of the others: "...; and 2 more errors". There must
 * be one. */
void problems_summarize(const struct problems *errors, struct errmsg *err);

#endif
