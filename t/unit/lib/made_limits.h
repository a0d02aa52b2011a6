#ifndef POSTERN_MADE_LIMITS_H
#define POSTERN_MADE_LIMITS_H

#include "lib/rules/check.h"
#include "lib/rules/ledger.h"
#include "t/unit/lib/made_policy.h"

/*
 * A policy with rate limits, a ledger and a moment, for the tests of the checks that charge. A
 * failure fails the test.
 */
struct made_limits {
	struct made made; /* a test may change its settings until made_limits_have() */
	struct ledger *ledger;
	struct ledger_ops ops;
	uint64_t now;		  /* the ledger's time */
	bool looks;		  /* look, as explain does, and charge nothing */
	struct ledger_hold *hold; /* of the message; a test may replace it by that of another */
	struct facts facts;
	struct mail_address sender;
	struct connection_charge connection;
	struct verdict verdict; /* of the last stage */
	char text[4096];	/* returned by made_limits_rcpt() and made_limits_connect() */
};

/* The login is bob, the sender bob@example.com. */
void made_limits_begin(struct made_limits *t);
void made_limits_end(struct made_limits *t);

void made_limits_sender(struct made_limits *t, const char *address);

/* Add a key of a [limit ...] section. */
void made_limits_rate(struct made_limits *t, enum rate rate, const char *key, const char *value);

/* Build the policy, with the user bob and a profile that has these limits; NULL for none. */
void made_limits_have(struct made_limits *t, const char *limits);

/* End the message: it is accepted, or not sent. */
void made_limits_commit(struct made_limits *t);
void made_limits_give_back(struct made_limits *t);

/*
 * Run the stage and return its verdict with its findings of limits and rates: "tempfail 450 4.7.1
 * Rate ...; limits=fail(RULE) used=...". An accepted recipient is counted in facts.
 * made_limits_connect() charges the connection first; with ip NULL it comes from the same client.
 */
const char *made_limits_rcpt(struct made_limits *t, const char *address);
const char *made_limits_connect(struct made_limits *t, const char *ip);

#endif
