#ifndef POSTERN_POLICY_H
#define POSTERN_POLICY_H

#include <stdint.h>

#include "lib/match/orgdomain.h"
#include "lib/rules/list.h"
#include "lib/rules/profile.h"
#include "lib/rules/settings.h"
#include "lib/rules/users.h"

/*
 * Everything that the checks read. Immutable and reference-counted; any thread may read a policy
 * while it holds a reference. A change makes a new policy, which shares the unchanged parts.
 */
struct policy;

/* The parts. policy_new() takes its own references. */
struct policy_parts {
	struct settings *settings;
	struct orgdomain *psl;
	struct list *lists[LIST_COUNT]; /* NULL: empty */
	struct profiles *profiles;	/* NULL: none */
	struct users *users;		/* NULL: none */
	bool lists_only; /* neither database nor store exists: the rules of users do not apply */
};

/* Make a policy with one reference; NULL when out of memory. */
struct policy *policy_new(const struct policy_parts *parts);

/*
 * Return the regex lists of a policy that are not prepared (regexlist_prepare()), the least costly
 * ones first. They are borrowed; the caller must free() the array. NULL when out of memory.
 */
struct regexlist **policy_unprepared(const struct policy *policy, size_t *count_r);

/* Return the parts of a policy, borrowed. */
const struct policy_parts *policy_parts(const struct policy *policy);

struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy **policy); /* accepts NULL */

/* Return the number of the policy: each new policy of the process has a higher one, from 1. */
uint64_t policy_serial(const struct policy *policy);

/*
 * Find the user of a login: the row with that name or, if there is none, with the name before
 * @default_domain. false: there is no such row.
 */
bool policy_find_user(const struct policy *policy, const char *login, struct user *user_r);

#endif
