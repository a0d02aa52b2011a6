#ifndef POSTERN_POLICY_CHECK_H
#define POSTERN_POLICY_CHECK_H

#include "lib/base/problems.h"
#include "lib/rules/policy.h"

/*
 * Reports what the parts of a policy do not do together: settings, rows and lists that refer to
 * each other. Stateless; any thread may call it.
 */

/* Report everything below, and keys of [limit NAME] that never apply. parts->psl may be NULL. */
void policy_check(const struct policy_parts *parts, struct problems *problems);

/*
 * Report profiles to which the settings refer ([profile] unknown_user, [jwt] profile) but which do
 * not exist, and users with the name of [jwt] login, alone or with a colon behind it. Reports
 * nothing when parts has no profiles, because the rows were not read yet.
 */
void policy_check_names(const struct policy_parts *parts, struct problems *problems);

/* Note rules for recipients that are not applied to those without a domain, because [lists]
 * local_domains is empty. */
void policy_check_local_domains(const struct policy_parts *parts, struct problems *problems);

/* Note users who own no address with a domain, because they have no froms and [profile]
 * default_domain is empty. */
void policy_check_senders(const struct policy_parts *parts, struct problems *problems);

/* Note lists with entries, and routed_recipients = refuse_all, that no section [check] applies.
 * Report [rcpt] accept = strict as a problem if no list contains a valid recipient. */
void policy_check_unused_lists(const struct policy_parts *parts, struct problems *problems);

/* Note that regexes are interpreted in this process, if the system permits no machine code. */
void policy_check_regexes(struct problems *problems);

#endif
