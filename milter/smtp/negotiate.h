#ifndef POSTERN_NEGOTIATE_H
#define POSTERN_NEGOTIATE_H

#include <stdbool.h>

#include "lib/rules/policy.h"

/*
 * What one milter connection needs of the MTA: decided once, when it begins, from the settings of
 * that moment, since it can't be asked again. What later settings need besides is put off until the
 * MTA connects anew: needs_outgrown(). Every event that isn't needed and every answer that is never
 * given saves a round trip. A plain value.
 */
struct needs {
	bool delay_reject;   /* connect and helo are facts that are judged at MAIL */
	bool answer_connect; /* a refusal may be said at connect; else it is never answered, and
				judged at MAIL */
	bool answer_helo;
	bool answer_rcpt;
	bool answer_data; /* see needs_of() */
	bool headers;	  /* header fields are looked at */
	bool body; /* header and body are counted; else headers are judged at the end of the message
		    */
	bool answer_eoh; /* the end of the header is answered, so that the header is judged there */
	bool skip;	 /* with body: the MTA takes SMFIS_SKIP */
	bool leading_space; /* the values of fields come with the space behind the colon */
	bool results;	    /* a results header is added, forged ones are removed */
	bool no_results;    /* this MTA lets nobody add or remove fields */
};

/*
 * The needs under a policy; before there is one, parts has the settings alone and profiles NULL,
 * and users with any limits may come. The MTA's service isn't known yet, so the needs of all
 * [check] sections count. is_inet: the milter socket is an inet one. DATA is then taken and
 * answered, although nothing is decided there, because Postfix (3.7) writes that event's macros
 * and the next packet with two writes: without an answer between them, Nagle's algorithm and a
 * delayed ACK cost 40 ms. On a unix socket it is left out.
 */
void needs_of(const struct policy_parts *parts, bool is_inet, struct needs *needs_r);

/*
 * Whether a message of this service (its name may be NULL) can't be judged by a policy that came
 * into force after the connection began: a check that refuses, or the results header, needs what
 * the MTA was told to leave out.
 */
bool needs_outgrown(const struct needs *needs, const struct policy_parts *parts,
	const char *service_name, bool is_logged_in);

/* Needs that fit a connection about which nothing was agreed: every event comes and every one is
 * answered. */
void needs_of_stranger(const struct settings *settings, struct needs *needs_r);

#endif
