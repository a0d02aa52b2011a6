#ifndef POSTERN_DECISION_RECORD_H
#define POSTERN_DECISION_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/match/cidr.h"
#include "lib/rules/verdict.h"

/*
 * The facts of one decision that are logged and shown by `posternctl tail`: of a refusal, of a
 * finding that is only logged (`warn`), of an accepted message, or of a login. The text is
 * borrowed; NULL means unknown.
 */
struct decision_record {
	const char *session; /* never NULL */
	const char *queue;
	const char *service;	/* the MTA's {daemon_name} */
	struct cidr client;	/* AF_UNSPEC for a local client */
	bool is_client_claimed; /* the client was reported by a process that need not be the MTA */
	const char *rdns, *helo, *login;
	const char *sender, *recipient; /* as received, without brackets; "" is the null sender */
	const char *stage;   /* "connect" ... "body", "message" for an accepted one, or "auth" */
	const char *verdict; /* see postern(8): "accept", "reject", "would-reject" ... */
	const char *check;   /* the check of the deciding finding */
	const char *rule;
	const struct reply *reply; /* that was sent, or would have been */
	const struct usage
		*usage;	  /* of the rate limit that was checked; NULL when there was none */
	const char *from; /* at the header stage: the first From address */
	bool is_message;  /* recipients and refused are set */
	uint32_t recipients, refused;
	uint64_t policy; /* policy_serial(); 0 when there was no policy */
};

/* Replace the contents of line by the record as key=value pairs. */
void decision_record_line(const struct decision_record *record, struct strbuf *line);

/* Return the record as a JSON object with the same keys and "time", or NULL when out of memory. */
json_t *decision_record_json(const struct decision_record *record, double time);

/* Add the record to the events (milter/log/events.h) without logging it. Never waits. */
void decision_record_add_event(const struct decision_record *record);

/* Log the record and, if anybody follows the events, add it to them. Never waits. */
void decision_record_log(const struct decision_record *record);

#endif
