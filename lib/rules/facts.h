#ifndef POSTERN_FACTS_H
#define POSTERN_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/match/address.h"
#include "lib/match/cidr.h"
#include "lib/rules/ledger_ops.h"

/* What became of charging a connection as it came: check_charge_connection(). */
struct connection_charge {
	enum ledger_answer answer;
	struct ledger_usage usage; /* limit.seconds 0: nothing limits it */
	char entry[80];		   /* the key in [limit rate_conn] */
};

/*
 * What is known of a session when a stage is decided. Borrowed pointers: they
 * live as long as the call. A fact that isn't known is NULL, AF_UNSPEC or 0.
 */
struct facts {
	const char *service; /* the MTA's {daemon_name} */
	struct cidr client;  /* AF_UNSPEC: a local client */
	const char *rdns;  /* the client's name; NULL when it has none ("unknown", "[192.0.2.7]") */
	const char *helo;  /* as typed */
	const char *login; /* SASL login name; NULL: not logged in */
	const struct mail_address *sender;
	uint64_t size; /* SIZE= of MAIL in octets (RFC 1870); 0: not said */
	const struct connection_charge *connection; /* NULL: it was not charged */
	const char *counted; /* rates_concurrency_key() of when it came; NULL: not counted */
	uint32_t open;	     /* connections that were open under it then, with this one */
	uint32_t named; /* recipients that were named in this connection before, refused ones too */
	uint32_t recipients; /* of this message that were accepted before */
};

/* One header field as it came, without its name; len bytes, maybe with folds, NUL or 8-bit bytes
 * inside. */
struct field {
	const char *value;
	size_t len;
};

/* The From and Sender fields of one message. */
struct header_facts {
	const struct field *from;
	size_t from_count;
	const struct field *sender;
	size_t sender_count;
	/* There were more, or longer ones, than are kept: the client's doing. */
	bool from_is_cut, sender_is_cut;
};

#endif
