#ifndef POSTERN_PG_LOAD_H
#define POSTERN_PG_LOAD_H

#include "lib/base/problems.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"
#include "milter/pg/pg_connection.h"

/* The inputs of a load besides the connection. Only the problems are changed. */
struct pg_load {
	bool rcpt_re_anchored;	      /* [profile] rcpt_re_anchored; for profiles only */
	const struct users *previous; /* unchanged shards are shared with these; may be NULL */
	const struct profiles *previous_profiles; /* unchanged rcpt_re; may be NULL */
	const struct profiles *profiles; /* to find users without a profile; NULL: not checked */
	struct problems *problems;	 /* receives the bad rows, which are left out */
	struct problems *references;	 /* receives the users whose profile does not exist */
};

/*
 * Load a table by [database] profiles_query or users_query, in a transaction that pg_begin() began.
 * On PG_OK the caller owns the result. After PG_REFUSED, pg_error() gives the query's name.
 */
enum pg_outcome pg_load_profiles(struct pg *pg, const struct pg_load *load,
	struct profiles **profiles_r);
enum pg_outcome pg_load_users(struct pg *pg, const struct pg_load *load, struct users **users_r);

#endif
