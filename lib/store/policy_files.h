#ifndef POSTERN_POLICY_FILES_H
#define POSTERN_POLICY_FILES_H

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/config.h"
#include "lib/rules/policy.h"

/* The users and profiles that the files contain. */
enum files_users {
	FILES_USERS_NONE,    /* neither a database nor a store: only the lists decide */
	FILES_USERS_STORE,   /* the JSON store holds them */
	FILES_USERS_COPY,    /* the JSON store holds a copy of the database */
	FILES_USERS_UNKNOWN, /* they are in the database, of which there is no copy */
};

/* A plain value. */
struct files_rows {
	enum files_users users;
	int64_t written; /* the time of the copy, in seconds since 1970; 0: unknown */
};

/*
 * Make a policy from the settings, the public suffix list, the list files and the JSON store (or
 * PATH.prev), whether a database is configured or not. A missing store has no rows. Bad lines and
 * rows are left out and added to problems. rows_r may be NULL. Returns 0 with one reference in
 * *policy_r, or -1 with err set.
 */
int policy_from_files(const struct config *config, struct policy **policy_r,
	struct files_rows *rows_r, struct problems *problems, struct errmsg *err);

/*
 * Report that neither a database nor a store exists, so that the lists alone decide and logins are
 * not restricted: as a problem in missing if the configuration names a store that does not exist,
 * else as a note. Call this when store_is_missing().
 */
void policy_check_store(const struct config *config, struct problems *notes,
	struct problems *missing);

#endif
