#ifndef POSTERN_FACTS_H
#define POSTERN_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/match/address.h"
#include "lib/match/cidr.h"
#include "lib/rules/ledger_ops.h"

/* The result of charging a new connection: check_charge_connection(). */
struct connection_charge {
	enum ledger_answer answer;
	struct ledger_usage usage; /* limit.seconds 0: no limit applies */
	char entry[80];		   /* the key in [limit rate_conn] */
};

/*
 * The facts that are known about a session when a stage is decided. The pointers are borrowed for
 * the call. An unknown fact is NULL, AF_UNSPEC or 0.
 */
struct facts {
	const char *service;  /* the MTA's {daemon_name} */
	const char *mta_name; /* the MTA's own host name ({j}), canonical */
	struct cidr client;   /* AF_UNSPEC: a local client */
	const char *rdns;  /* the client's name; NULL when it has none ("unknown", "[192.0.2.7]") */
	const char *helo;  /* as typed */
	const char *login; /* SASL login name; NULL: not logged in */
	const struct mail_address *sender;
	uint64_t size; /* SIZE= of MAIL in octets (RFC 1870); 0: not given */
	const struct connection_charge *connection; /* NULL: it was not charged */
	const char *counted; /* rates_concurrency_key() at its beginning; NULL: not counted */
	uint32_t open;	     /* connections open under that key then, including this one */
	uint32_t named;	     /* earlier recipients of this connection, including refused ones */
	uint32_t recipients; /* earlier recipients of this message that were accepted */
	/* The address to which the MTA resolves the recipient ({rcpt_addr}), without a domain if
	 * Sendmail delivers it locally; NULL: unknown. */
	const struct mail_address *resolved;
	/* The same of the sender ({mail_addr}). */
	const struct mail_address *sender_resolved;
};

/* The raw value of a header field; its len bytes may include folds, NUL and 8-bit bytes. */
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
	/* The message has more or longer fields than were kept. */
	bool from_is_cut, sender_is_cut;
	bool is_recoded;  /* some programs decode the fields by a charset: content_type.h */
	bool is_sendmail; /* the MTA is Sendmail, which writes the fields anew */
};

#endif
