#ifndef POSTERN_AUTH_COUNTS_H
#define POSTERN_AUTH_COUNTS_H

#include "lib/decide/login.h"
#include "milter/shared/counters.h"

/* The protocols by which MTAs ask for logins, and the control socket, where people do. */
enum auth_protocol {
	AUTH_PROTOCOL_DOVECOT,
	AUTH_PROTOCOL_SASLAUTHD,
	AUTH_PROTOCOL_CONTROL,
	AUTH_PROTOCOLS
};

/* "dovecot", "saslauthd", "control" */
const char *auth_protocol_name(enum auth_protocol protocol);

/* The results by which logins are counted. */
enum auth_result {
	AUTH_ACCEPTED,
	AUTH_ACCEPTED_CACHED, /* by the auth cache, without hashing again */
	AUTH_REFUSED_CREDENTIALS,
	AUTH_REFUSED_POLICY,
	AUTH_UNDECIDED,
	AUTH_RESULTS
};

/* Make counters of logins by protocol, mechanism and result. Returns NULL when out of memory. */
struct counters *auth_counts_new(void);

/* Count an answered login. A mechanism that lib/auth/sasl does not have counts as "other". Any
 * thread. */
void auth_counts_add(struct counters *counts, enum auth_protocol protocol, const char *mechanism,
	const struct login_answer *answer);

/* Returns the number of logins with this result. Any thread. */
uint64_t auth_counts_of(const struct counters *counts, enum auth_result result);

#endif
