#ifndef POSTERN_NEGOTIATE_H
#define POSTERN_NEGOTIATE_H

#include <stdbool.h>

#include "lib/rules/policy.h"

/*
 * What one milter connection needs from the MTA. It is decided once, when the connection begins,
 * from the policy in force, because milters cannot negotiate again. If a later policy needs more,
 * messages are deferred until the MTA connects again: see needs_outgrown(). Every event that is not
 * needed, and every answer that is never given, saves a round trip. A plain value.
 */
struct needs {
	bool delay_reject;   /* connect and helo are judged at MAIL */
	bool answer_connect; /* connect can be refused at once; else it is not answered, and
				judged at MAIL */
	bool answer_helo;
	bool answer_rcpt;
	bool answer_data; /* see needs_of() */
	bool lacks_data;  /* the MTA does not report DATA: see session_message_drop() */
	bool headers;	  /* header fields are needed */
	bool body;	 /* header and body are counted; else the header is judged at the end of the
			    message */
	bool answer_eoh; /* the end of the header is answered, and the header judged there */
	bool skip;	 /* with body: the MTA accepts SMFIS_SKIP */
	bool leading_space; /* values of fields include the space after the colon */
	bool results;	    /* the results header is added, forged ones are removed */
	bool no_results;    /* the MTA does not allow adding or removing fields */
};

/*
 * Determine the needs under a policy. Before there is a policy, parts has only the settings, and
 * with profiles NULL, users with any limits are possible. The service is not known yet, so the
 * needs of all [check] sections count.
 *
 * DATA is answered if recipients are, although nothing is decided there: with smtpd_proxy_filter,
 * it is the last event of a message, at which its recipients are counted. Postfix (3.7) writes an
 * event without an answer only with a later one, which may be the end of the connection, and
 * libmilter (8.17) does not read what is left in a unix socket that the MTA has closed.
 *
 * is_inet: the milter socket is an inet socket. DATA is then answered in any case, because Postfix
 * sends that event's macros and the next packet with two writes: without an answer between them,
 * Nagle's algorithm and a delayed ACK cost 40 ms.
 */
void needs_of(const struct policy_parts *parts, bool is_inet, struct needs *needs_r);

/*
 * Return whether a message of this service (whose name may be NULL) cannot be judged by a policy
 * that came into force after the connection began: a check that refuses, or the results header,
 * needs an event that was declined.
 */
bool needs_outgrown(const struct needs *needs, const struct policy_parts *parts,
	const char *service_name, bool is_logged_in);

/* Set the needs of a connection without negotiation: the MTA sends every event and expects an
 * answer to each. */
void needs_of_stranger(const struct settings *settings, struct needs *needs_r);

#endif
