/*
 * The logins that were answered, counted by protocol, mechanism and result. The mechanisms are
 * those of lib/auth/sasl_mechanisms.h: a new one is counted without a change here. Owns nothing;
 * any thread may count.
 */
#include "milter/auth/auth_counts.h"

#include "lib/auth/sasl.h"

#define MECHANISM_AXIS 1
#define RESULT_AXIS 2

const char *auth_protocol_name(enum auth_protocol protocol)
{
	static const char *const names[AUTH_PROTOCOLS] = {
		[AUTH_PROTOCOL_DOVECOT] = "dovecot",
		[AUTH_PROTOCOL_SASLAUTHD] = "saslauthd",
		[AUTH_PROTOCOL_CONTROL] = "control",
	};

	return names[protocol];
}

static const char *name_protocol(size_t index)
{
	return auth_protocol_name((enum auth_protocol)index);
}

/*
 * The index after the last mechanism is "other": saslauthd's requests contain a service instead of
 * a mechanism.
 */
static const char *name_mechanism(size_t index)
{
	return index == SASL_MECHANISMS ? "other" : sasl_name((enum sasl_mechanism)index);
}

static const char *name_result(size_t index)
{
	static const char *const names[AUTH_RESULTS] = {
		[AUTH_ACCEPTED] = "accepted",
		[AUTH_ACCEPTED_CACHED] = "accepted-cached",
		[AUTH_REFUSED_CREDENTIALS] = "credentials",
		[AUTH_REFUSED_POLICY] = "policy",
		[AUTH_UNDECIDED] = "undecided",
	};

	return names[index];
}

struct counters *auth_counts_new(void)
{
	const struct counter_axis axes[] = {
		{ AUTH_PROTOCOLS, name_protocol },
		[MECHANISM_AXIS] = { SASL_MECHANISMS + 1, name_mechanism },
		[RESULT_AXIS] = { AUTH_RESULTS, name_result },
	};

	return counters_new(axes, sizeof(axes) / sizeof(axes[0]));
}

static enum auth_result result_of(const struct login_answer *answer)
{
	switch (answer->result) {
	case LOGIN_ACCEPTED:
		return answer->is_cached ? AUTH_ACCEPTED_CACHED : AUTH_ACCEPTED;
	case LOGIN_REFUSED:
		return answer->cause == CAUSE_CREDENTIALS ? AUTH_REFUSED_CREDENTIALS :
							    AUTH_REFUSED_POLICY;
	default:
		return AUTH_UNDECIDED;
	}
}

void auth_counts_add(struct counters *counts, enum auth_protocol protocol, const char *mechanism,
	const struct login_answer *answer)
{
	enum sasl_mechanism known = SASL_MECHANISMS;

	(void)sasl_find(mechanism, &known);
	counters_add(counts, (const size_t[]){ protocol, known, result_of(answer) });
}

uint64_t auth_counts_of(const struct counters *counts, enum auth_result result)
{
	return counters_sum(counts, RESULT_AXIS, result);
}
