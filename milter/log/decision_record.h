#ifndef POSTERN_DECISION_RECORD_H
#define POSTERN_DECISION_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/match/cidr.h"
#include "lib/rules/verdict.h"

/*
 * One decision as it is logged and shown by `posternctl tail`: a refusal, what would have been one
 * (`warn`), or a message let through. Borrowed text; NULL is what isn't known.
 */
struct decision_record {
	const char *session; /* always */
	const char *queue;
	const char *service; /* the MTA's {daemon_name} */
	struct cidr client;  /* AF_UNSPEC: a local client */
	const char *rdns, *helo, *login;
	const char *sender, *recipient; /* as typed, without brackets; "" is the null sender */
	const char *stage;   /* "connect" ... "header", or "message" for one let through */
	const char *verdict; /* "accept", "reject", "tempfail", "discard", "would-reject" */
	const char *check;   /* the check that found it */
	const char *rule;
	const struct reply *reply; /* what was answered, or would have been */
	const struct usage *usage; /* of a rate limit that was looked at; NULL: there was none */
	const char *from;	   /* of a header stage: the first From address */
	bool is_message;	   /* the two counts have a meaning */
	uint32_t recipients, refused;
	uint64_t policy; /* policy_serial(); 0: there was none */
};

/* Replaces what line holds by the decision as key=value pairs. */
void decision_record_line(const struct decision_record *decision, struct strbuf *line);

/* The same as a JSON object with the same keys, and "time". NULL when out of memory. */
json_t *decision_record_json(const struct decision_record *decision, double time);

/* Give it to whoever follows, without a line in the log. */
void decision_record_add_event(const struct decision_record *decision);

/* Log it, and give it to whoever follows (milter/log/events.h). Never waits. */
void decision_record_log(const struct decision_record *decision);

#endif
