#ifndef POSTERN_EXPLAIN_H
#define POSTERN_EXPLAIN_H

#include <jansson.h>

#include "lib/base/errmsg.h"
#include "lib/decide/login.h"
#include "lib/rules/ledger_ops.h"
#include "lib/rules/policy.h"

/* The ledger to look at, and its time. ledger NULL: no rate limit applies. */
struct explain_ledger {
	const struct ledger_ops *ledger;
	uint64_t now;
};

/*
 * Play one session against a policy and report the decision of each stage and its reason. Nothing
 * is charged or stored. rules->policy must not be NULL; the rest of the rules decides logins.
 *
 * session is an object (any key may be missing or null; t/cases/FORMAT.md describes the form):
 *   id, ip, rdns, helo, mail ("<a@b>"), rcpts (["<x@y>", ...]), from (the From field's value),
 *   auth {user, password} (checked), login (not checked), size (octets, SIZE= of MAIL),
 *   headers ([["From", "..."], ["Sender", "..."], ...]; false: not known, and not judged),
 *   service (the MTA's {daemon_name}), mta (the MTA's own host name, {j}), resolved (its
 *   {rcpt_addr}, for each recipient with the same local part). Another key is an error.
 *
 * The caller must json_decref() *answer_r, which is {"id": ..., "steps": [{"step", "verdict",
 * "code", "enhanced", "text", "rule", "checks": [{"check", "outcome", "rule", ...}]}, ...]}.
 * Returns 0, or -1 with err set when the session has a wrong form. An `auth` costs a password hash,
 * unless `checked` is the answer to it.
 */
int explain_session(const struct login_rules *rules, const struct explain_ledger *ledger,
	const struct login_answer *checked, struct regex_scratch *scratch, json_t *session,
	json_t **answer_r, struct errmsg *err);

/*
 * Prepare all regexes of a policy, which changes no answer. That takes as long as about
 * EXPLAIN_MANY sessions without it, however many regexes there are. One thread at a time.
 */
#define EXPLAIN_MANY 100

void explain_prepare(const struct policy *policy);

#endif
