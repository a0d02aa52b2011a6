#ifndef POSTERN_NEGOTIATE_H
#define POSTERN_NEGOTIATE_H

#include <stdbool.h>

#include "lib/rules/settings.h"

/*
 * What one milter connection needs of the MTA: decided once, when it begins, from the settings of that moment,
 * since it can't be asked again. A session acts by it to its end whatever a reload changes; connections
 * that begin later follow the new settings. Every event that isn't needed and every answer that is never
 * given saves a round trip. A plain value.
 */
struct needs {
	bool delay_reject;   /* connect and helo are facts that are judged at MAIL */
	bool answer_connect; /* a refusal may be said at connect; else it is never answered */
	bool answer_helo;
	bool answer_rcpt;
	bool answer_data; /* see needs_of() */
	bool headers;	  /* header fields are looked at */
	bool body;	  /* the body is counted; else headers are judged at the end of the message */
	bool results;	  /* a results header is added, forged ones are removed */
};

/*
 * The needs under these settings. The MTA's service isn't known yet, so it is what any [check] section
 * asks. is_inet: the milter socket is an inet one: then DATA is taken and answered, though nothing is decided there, because
 * Postfix (3.7) writes that event's macros and the next packet with two writes, which without an answer
 * between them costs 40 ms of Nagle's algorithm and a delayed ACK. On a unix socket it is left out.
 */
void needs_of(const struct settings *settings, bool is_inet, struct needs *needs_r);

/* Needs that fit a connection about which nothing was agreed: every event comes and every one is answered. */
void needs_of_stranger(const struct settings *settings, struct needs *needs_r);

#endif
