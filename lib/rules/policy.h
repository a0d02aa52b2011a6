#ifndef POSTERN_POLICY_H
#define POSTERN_POLICY_H

#include <stdint.h>

#include "lib/match/orgdomain.h"
#include "lib/rules/list.h"
#include "lib/rules/profile.h"
#include "lib/rules/settings.h"
#include "lib/rules/users.h"

/*
 * Everything the checks read: immutable, reference-counted. A change makes a
 * new policy that shares the parts that stay. Any thread may read one while it
 * holds a reference.
 */
struct policy;

/* The parts. policy_new() takes references of its own. */
struct policy_parts {
	struct settings *settings;
	struct orgdomain *psl;
	struct list *lists[LIST_COUNT]; /* NULL: an empty one */
	struct profiles *profiles;	/* NULL: none */
	struct users *users;		/* NULL: none */
	bool lists_only; /* neither a database nor a store exists: nobody is held to a profile */
};

/* A policy with one reference; NULL when out of memory. */
struct policy *policy_new(const struct policy_parts *parts);

/* The parts of a policy, borrowed: a start for the next one. */
const struct policy_parts *policy_parts(const struct policy *policy);

/*
 * Name the profiles that the settings name ([profile] unknown_user, [jwt] profile) and no row
 * makes. parts may lack profiles that aren't read: then nothing is known of them, and nothing
 * named.
 */
void policy_check_profiles(const struct policy_parts *parts, struct problems *problems);

struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy **policy); /* takes NULL */

/* A number that grows with each policy made in this process, from 1. */
uint64_t policy_serial(const struct policy *policy);

/*
 * The user of a login: the row with that name, or with the name before
 * @default_domain where no row has the long form. false: the tables don't know it.
 */
bool policy_find_user(const struct policy *policy, const char *login, struct user *user_r);

#endif
