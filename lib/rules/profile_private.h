#ifndef POSTERN_PROFILE_PRIVATE_H
#define POSTERN_PROFILE_PRIVATE_H

#include "lib/base/strmap.h"
#include "lib/rules/profile.h"

/* Shared by profile.c, which reads a set, and the files that make one: profile_row.c,
 * profile_finish.c, profiles_builder.c. */

/*
 * The texts of problems that a set keeps, beside one for each row that is left out, so that those
 * who write profiles cannot use up the memory. The other problems are counted.
 */
#define PROFILES_TEXTS PROBLEMS_KEPT

/* What a rcpt_re makes. Immutable, and shared by the profiles of several sets that have it. */
struct profile_regexes {
	unsigned refs;
	struct regexlist *list;	   /* -> index from 1 */
	struct problems *problems; /* texts without the name of the row */
};

/*
 * One row, also one that is left out. Immutable once its set is made, and shared by all sets in
 * which it is the same; what depends on other rows is decided for each set, and a row that it
 * changes is made anew.
 */
struct profile {
	unsigned refs;
	struct cell cells[PROFILE_COLUMNS]; /* as the row had them, after the struct */
	const char *id, *name;
	bool is_bad;		   /* the row is left out */
	bool is_partial;	   /* cells are not all of the row, because a column is too long */
	struct problems *problems; /* but for the regexes: texts without the name of the row */

	/* Of a row that is not bad. */
	bool open;
	uint64_t maxsize;
	struct limits limits;
	bool tables_fit;      /* within the bound of all profiles' hosts and rcpts */
	struct strmap *hosts; /* "example.com", ".example.com" -> index from 1 */
	bool has_subtrees;    /* an item of hosts begins with a dot */
	struct strmap *rcpts; /* canonical -> index from 1 */
	bool fits;	      /* within the bound of all profiles' regexes */
	struct profile_regexes *regexes;

	/* Of the regexes, see regexlist_bytes(); at most their bound. For the thread that builds
	 * sets only, which may determine it later. */
	uint64_t bytes;
	bool is_measured; /* bytes is exact; otherwise there are at least so many */
};

struct profiles {
	unsigned refs;
	bool anchored;	       /* rcpt_re must match the whole address */
	struct profile **rows; /* in the order of their ids, with those that are left out */
	size_t row_count;
	struct profile **at; /* without them */
	size_t count;
	struct strmap *by_id, *by_name; /* -> index in at */
	struct strmap *bad;		/* ids of rows that were left out */
	struct problems *nameless;	/* of rows without a usable id */
	bool any_maxsize;
};

/* A row of the set that is being made, and what is decided about it there. */
struct profile_choice {
	struct profile *row; /* a reference */
	bool tables_fit, fits;
};

struct profiles_builder {
	bool anchored;
	struct profile_choice *choices;
	size_t count, size;
	struct strmap *ids; /* of the rows -> index in choices */
	struct problems *nameless;
	size_t texts[PROBLEM_LEVELS]; /* of problems that may still be kept: PROFILES_TEXTS */
	struct profiles *base;	      /* a reference: the set that is changed; NULL: none */
};

/* ---- profile_row.c ---- */

struct profile *profile_ref(struct profile *profile);
void profile_unref(struct profile *profile);		     /* accepts NULL */
void profile_regexes_unref(struct profile_regexes *regexes); /* accepts NULL */

/* Return whether a row's id is usable. If not, add that to `nameless`, which may be NULL. */
bool profile_has_id(const struct cell *id, struct problems *nameless);

/*
 * Read a row. Returns 1 with one reference in *profile_r, 0 if it has no usable id, which is added
 * to `nameless`, or -1 when out of memory.
 */
int profile_row_read(const struct cell row[PROFILE_COLUMNS], struct profile **profile_r,
	struct problems *nameless);

/* Make a row that is left out; its problems are not known. NULL when out of memory. */
struct profile *profile_row_bad(const struct cell *id, const struct cell *name);

/* Fill the hosts and rcpts of a row. -1 when out of memory. */
int profile_fill_tables(struct profile *profile);

/* Return whether two rows have the same columns. */
bool profile_row_equal(const struct profile *a, const struct profile *b);

/* ---- profile_finish.c ---- */

/* Find the row with that id, also one that is left out; NULL if there is none. */
struct profile *profile_find_row(const struct profiles *profiles, const char *id);

/*
 * Decide what fits within the bounds of all rows, which are sorted, and complete them accordingly:
 * they share with `previous` (may be NULL) what is the same there. -1 when out of memory.
 */
int profile_finish_rows(struct profiles_builder *builder, const struct profiles *previous);

#endif
