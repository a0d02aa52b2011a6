#ifndef POSTERN_PROFILE_PRIVATE_H
#define POSTERN_PROFILE_PRIVATE_H

#include "lib/base/arena.h"
#include "lib/base/strmap.h"
#include "lib/rules/profile.h"

/* Shared by profile.c, which reads the rows, and profile_finish.c. */

enum remark_kind {
	REMARK_NOTE,	 /* the regex is in force, but slow or doubtful */
	REMARK_LEFT_OUT, /* it is not */
	REMARK_REST,	 /* neither it nor those after it are in force */
};

/* A report about a regex of rcpt_re. */
struct remark {
	struct remark *next; /* of a later regex */
	enum remark_kind kind;
	uint32_t number;  /* of the regex, from 1 */
	const char *text; /* in the arena */
};

struct profile {
	struct cell cells[PROFILE_COLUMNS]; /* as the row had them, in the arena */
	const char *id, *name;
	bool open;
	uint64_t maxsize;
	struct limits limits;
	struct strmap *hosts;	     /* "example.com", ".example.com" -> index from 1 */
	bool has_subtrees;	     /* an item of hosts begins with a dot */
	struct strmap *rcpts;	     /* canonical -> index from 1 */
	bool tables_fit;	     /* within the bound of all profiles' hosts and rcpts */
	struct regexlist *rcpt_re;   /* -> index from 1 */
	struct remark *remarks;	     /* on rcpt_re, by number */
	struct remark **last_remark; /* where the next one belongs */
	bool fits;		     /* within the bound of all profiles' regexes */
	uint64_t bytes;		     /* of its regexes, see regexlist_bytes(); at most its bound */
	bool is_measured;	     /* bytes is exact; otherwise there are at least so many */
};

struct profiles {
	unsigned refs;
	bool anchored; /* rcpt_re must match the whole address */
	struct arena *arena;
	struct profile **at;
	size_t count, size;
	struct strmap *by_id, *by_name; /* -> index in at */
	struct strmap *bad;		/* ids of rows that were left out */
	bool any_maxsize;
};

struct profiles_builder {
	struct profiles *profiles;
};

/* A row that is being read, and the beginning of its problems' texts. */
struct profile_reading {
	struct profiles_builder *builder;
	struct regex_pool *pool; /* NULL until a regex is needed */
	struct profile *profile;
	struct problems *problems;
	char where[120];
};

/* Fill the hosts and rcpts of a profile, and report items that are left out. -1 when out of
 * memory. */
int profile_fill_tables(struct profile_reading *reading);

/* Set the beginning of the texts of a profile's problems. */
void profile_reading_set_where(struct profile_reading *reading);

#endif
