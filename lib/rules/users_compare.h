#ifndef POSTERN_USERS_COMPARE_H
#define POSTERN_USERS_COMPARE_H

#include "lib/rules/users.h"

/*
 * Call each() for each user in which two sets differ, by name (ASCII, caseless), with the user in
 * force before and now: NULL if there is or was none. Shards that the sets share are not looked at,
 * so that the difference of a few rows costs little. Returns 0, or at once what each() returns if
 * that is not 0. A row can come into force without having changed, when the one with its name goes.
 */
int users_compare(const struct users *old, const struct users *new,
	int (*each)(void *context, const struct user *before, const struct user *now),
	void *context);

#endif
