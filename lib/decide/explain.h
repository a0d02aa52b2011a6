#ifndef POSTERN_EXPLAIN_H
#define POSTERN_EXPLAIN_H

#include <jansson.h>

#include "lib/base/errmsg.h"
#include "lib/decide/login.h"
#include "lib/rules/ledger_ops.h"
#include "lib/rules/policy.h"

/*
 * Play one session against a policy and say what each stage decides and why. Nothing is charged or
 * kept.
 *
 * session is an object (any key may be missing or null; t/cases/FORMAT.md has the form):
 *   id, ip, rdns, helo, mail ("<a@b>"), rcpts (["<x@y>", ...]), from (the From field's value),
 *   auth {user, password} (checked), login (not checked), size (octets, SIZE= of MAIL),
 *   headers ([["From", "..."], ["Sender", "..."], ...]; false: they are not known, and not judged),
 *   service (the MTA's {daemon_name}).
 *
 * *answer_r, the caller's to json_decref(), is {"id": ..., "steps": [{"step", "verdict", "code",
 * "enhanced", "text", "rule", "checks": [{"check", "outcome", "rule", ...}]}, ...]}. 0, or -1 with
 * err saying what of the session is not as it should be. Checks passwords: an `auth` costs a hash.
 */
int explain_session(const struct policy *policy, struct regex_scratch *scratch, json_t *session,
	json_t **answer_r, struct errmsg *err);

/* What has been charged, and the moment; it is looked at. ledger NULL: nothing is limited. */
struct explain_ledger {
	const struct ledger_ops *ledger;
	uint64_t now;
};

/* The same with all that a login is decided by (keys of tokens, suspensions), and with rate limits.
 * rules->policy must not be NULL. */
int explain_session_with(const struct login_rules *rules, const struct explain_ledger *ledger,
	struct regex_scratch *scratch, json_t *session, json_t **answer_r, struct errmsg *err);

#endif
