#ifndef POSTERN_PROFILE_PRIVATE_H
#define POSTERN_PROFILE_PRIVATE_H

/* How a set of profiles is kept: for profile.c, which reads it, and profile_builder.c, which makes
 * it. */

#include "lib/base/arena.h"
#include "lib/base/strmap.h"
#include "lib/rules/profile.h"

struct profile {
	struct cell cells[PROFILE_COLUMNS]; /* as the row had them, in the arena */
	const char *id, *name;
	bool open;
	uint64_t maxsize;
	struct limits limits;
	struct strmap *hosts, *rcpts; /* canonical -> index from 1 */
	struct regexlist *rcpt_re;    /* -> index from 1 */
};

struct profiles {
	unsigned refs;
	struct arena *arena;
	struct profile **at;
	size_t count, size;
	struct strmap *by_id, *by_name; /* -> index in at */
	struct strmap *bad;		/* ids of rows that were left out */
	bool any_maxsize;
};

/* Free what a profile holds outside the arena. */
void profile_clear(struct profile *profile);

#endif
