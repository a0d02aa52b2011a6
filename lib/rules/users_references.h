#ifndef POSTERN_USERS_REFERENCES_H
#define POSTERN_USERS_REFERENCES_H

#include "lib/rules/users.h"

/*
 * How many users of each shard have a profile that does not exist, so that after a change only the
 * shards that differ need to be looked at. One thread at a time.
 */
struct users_references;

struct users_references *users_references_new(void);		  /* NULL when out of memory */
void users_references_free(struct users_references **references); /* accepts NULL */

/* Release the sets of the last update, so that the next one looks at all shards. */
void users_references_forget(struct users_references *references);

/*
 * Look at the shards that users does not share with the set of the last call, or at all of them if
 * other profiles exist than then. Takes references of both.
 */
void users_references_update(struct users_references *references, struct users *users,
	struct profiles *profiles);

/* Report each user of the last update whose profile does not exist. */
void users_references_report(const struct users_references *references, struct problems *problems);

#endif
