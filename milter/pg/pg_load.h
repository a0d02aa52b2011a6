#ifndef POSTERN_PG_LOAD_H
#define POSTERN_PG_LOAD_H

#include "lib/base/problems.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"
#include "milter/pg/feed_changes.h"
#include "milter/pg/pg_connection.h"

/*
 * The tables of a policy, read by [database] profiles_query and users_query, in a transaction that
 * pg_begin() began. Bad rows are left out and named in problems. After PG_REFUSED the error
 * names the query.
 */
enum pg_outcome pg_load_profiles(struct pg *pg, bool rcpt_re_anchored, struct profiles **profiles_r,
	struct problems *problems);

/*
 * previous (may be NULL) gives the shards that are the same. Users whose profile is not among
 * profiles (NULL: nobody looks) are named in references.
 */
enum pg_outcome pg_load_users(struct pg *pg, const struct users *previous,
	const struct profiles *profiles, struct users **users_r, struct problems *problems,
	struct problems *references);

#endif
