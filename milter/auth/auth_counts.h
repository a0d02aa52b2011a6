#ifndef POSTERN_AUTH_COUNTS_H
#define POSTERN_AUTH_COUNTS_H

#include "lib/decide/login.h"
#include "milter/shared/counters.h"

/* The protocols by which MTAs ask for logins. */
enum auth_protocol { AUTH_PROTOCOL_DOVECOT, AUTH_PROTOCOL_SASLAUTHD, AUTH_PROTOCOLS };

const char *auth_protocol_name(enum auth_protocol protocol); /* "dovecot", "saslauthd" */

/* What became of a login: the causes that it is counted by. */
enum auth_result {
	AUTH_ACCEPTED,
	AUTH_ACCEPTED_CACHED, /* by the auth cache, without hashing again */
	AUTH_REFUSED_CREDENTIALS,
	AUTH_REFUSED_POLICY,
	AUTH_UNDECIDED,
	AUTH_RESULTS
};

/* Counters of logins by protocol, mechanism and result. NULL when out of memory. */
struct counters *auth_counts_new(void);

/* Count an answered login. mechanism: as the client named it; an unknown one counts as "other". */
void auth_counts_add(struct counters *counts, enum auth_protocol protocol, const char *mechanism,
	const struct login_answer *answer);

/* The sum of one result. */
uint64_t auth_counts_of(const struct counters *counts, enum auth_result result);

#endif
