#ifndef POSTERN_RATES_H
#define POSTERN_RATES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/match/address.h"
#include "lib/match/cidr.h"
#include "lib/rules/limits.h"

/*
 * The limits that apply to everybody, logged in or not: the sections [limit NAME] of postern.conf.
 * Each section is a table of keys and limits; "default" applies to everything that has no key, and
 * 0 means no limit. One thread fills the rates; then any thread may read them.
 */
enum rate {
	RATE_CONN,	  /* connections of a client per window */
	RATE_RCPT_HOST,	  /* recipients of a client per window */
	RATE_RCPT_SENDER, /* recipients of an envelope sender per window */
	RATE_RCPT,	  /* messages to a recipient per window */
	RATE_RCPT_NULL,	  /* messages from the null sender to a recipient per window */
	RATE_CONCURRENCY, /* connections of a client at once: plain numbers */
	RATE_RECIPIENTS,  /* recipients in one connection of a client: plain numbers */
	RATE_COUNT
};

const char *rate_name(enum rate rate);			/* "rate_conn" */
bool rate_by_name(const char *name, enum rate *rate_r); /* whether it exists */
/* Return the name of the rate limit that the text up to its colon is probably meant as, or NULL: it
 * is one, or has no colon. */
const char *rate_near_name(const char *text);
bool rate_is_of_clients(enum rate rate); /* keys are clients, not mail addresses */

#define RATE_DEFAULT "default" /* the key that applies to all others */

struct rates;

struct rates *rates_new(void);	       /* NULL when out of memory */
void rates_free(struct rates **rates); /* accepts NULL */

/*
 * Add "key = value". For RATE_CONN, RATE_RCPT_HOST, RATE_CONCURRENCY and RATE_RECIPIENTS, the key
 * is an address, a network, the first numbers of an address ("127", "192.168.1", "fe80",
 * "2001:db8") or a host name with all names below it; for the others, a mail address or a domain
 * with its subdomains. "default" (for plain numbers also "max") applies to all others, and
 * "max_relaying" of RATE_RECIPIENTS to sessions with a login. The value is text for limits_parse(),
 * or a plain number; a 0 beside other limits is an error. Returns 0, or -1 with err set.
 */
int rates_add(struct rates *rates, enum rate rate, const char *key, const char *value,
	struct errmsg *err);

/* Switch off all limits of a rate, including those that are added later. */
void rates_switch_off(struct rates *rates, enum rate rate);

/* Count all clients of an IPv6 network with this prefix length (1 to 128, initially 64) as one
 * client, unless a key is narrower. A client behind a translator counts as its IPv4 address. */
void rates_set_ipv6_prefix(struct rates *rates, unsigned bits);

/*
 * Exempt a network; a login, or "*" for all logins; a sender: an address, "@example.com" or
 * ".example.com". Returns 0, or -1 with err set.
 */
int rates_exempt_network(struct rates *rates, const char *text, struct errmsg *err);
int rates_exempt_login(struct rates *rates, const char *text, struct errmsg *err);
int rates_exempt_sender(struct rates *rates, const char *text, struct errmsg *err);

/* Return whether there are exempt logins. */
bool rates_have_exempt_logins(const struct rates *rates);

/* Return whether the client, the login or the sender is exempt: the sender if all of its readings
 * are. login and sender may be NULL (unknown). */
bool rates_exempts(const struct rates *rates, const struct cidr *client, const char *login,
	const struct mail_address *sender);

/* Return whether the section sets any limit; rates may be NULL. */
bool rates_has(const struct rates *rates, enum rate rate);

#define RATE_KEY_SIZE (ADDRESS_CANON_SIZE + 24)
#define RATE_KEY_LONG 160 /* bytes */

/* The result of a lookup. */
struct rate_match {
	const struct limits
		*limits;   /* lives as long as the rates; a plain number is the first count */
	const char *entry; /* the canonical key in the section: "192.168.1.0/24", "default" */
	bool is_default;   /* the client or address counts alone, so that strangers make keys up */
	/* The key to charge: "rate_conn:192.168.1.0/24". One that would be longer than
	 * RATE_KEY_LONG ends in its length and checksum instead. */
	char counted[RATE_KEY_SIZE];
};

/*
 * Find the limits of a client: by the longest network, then by its name and the domains above it,
 * then "default". Clients of one entry are counted together; under "default", each client has its
 * own count. rdns is canonical, or NULL. Returns whether a limit applies.
 */
bool rates_find_client(const struct rates *rates, enum rate rate, const struct cidr *client,
	const char *rdns, struct rate_match *match_r);

/*
 * Write the key under which a client's open connections are counted: that of its entry in
 * RATE_CONCURRENCY, "concurrency:192.0.2.0/24"; for "default", or if no limit applies yet, that of
 * the client itself, "concurrency:192.0.2.7". rates and rdns (canonical) may be NULL.
 */
void rates_concurrency_key(const struct rates *rates, const struct cidr *client, const char *rdns,
	char key_r[RATE_KEY_SIZE]);

/*
 * Find the limits of a client or a domain as people write it: an address, a network, the first
 * numbers of an address or a host name; for limits of mail addresses, a domain. match_r->counted is
 * set in any case, because the counts of a removed limit may remain. rates may be NULL. Returns 1
 * when a limit applies, 0 when none does, and -1 when the text is none of these.
 */
int rates_find_text(const struct rates *rates, enum rate rate, const char *text,
	struct rate_match *match_r);

/*
 * Find the limits of the key of a long address, without the rate's name, as rate_match shows it:
 * those of the long entry that has this key, else "default". rates may be NULL. Returns as
 * rates_find_text(); -1: text is no such key.
 */
int rates_find_shortened(const struct rates *rates, enum rate rate, const char *text,
	struct rate_match *match_r);

/*
 * Find the limits of a mail address: by the address, then by the address without the extension that
 * one of the delimiters begins ("": there are none), then by its domain and the domains above it,
 * then "default". Under "default", addresses that differ only in the extension or in the spelling
 * are counted together. domains are names with their NULs, and behind the last an empty one, at
 * which the address is the same mailbox: it is looked up there, too, after the address itself and
 * after its domain, and counted at the first of them. Returns whether a limit applies.
 */
bool rates_find_address(const struct rates *rates, enum rate rate,
	const struct mail_address *address, const char *domains, const char *delimiters,
	struct rate_match *match_r);

/* Return the canonical key of a mail address or domain that rates_find_address() would find, with a
 * limit or without; NULL: none but "default". */
const char *rates_key_of(const struct rates *rates, enum rate rate,
	const struct mail_address *address, const char *domains, const char *delimiters);

/* Return the canonical key i of a section, which may be "default"; NULL: there are fewer. */
const char *rates_key(const struct rates *rates, enum rate rate, size_t i);

/*
 * Make the key of a sender that of sessions with a login: "rate_rcpt_sender/login:bob@example.com".
 * Strangers can write any sender, and must not use up the limit of the login to which it belongs.
 */
#define RATE_OF_LOGIN "/login" /* behind the name of the limit */
void rate_match_of_login(struct rate_match *match);

/* Return "max_relaying", the limit of RATE_RECIPIENTS for a session with a login; 0: not set. */
uint32_t rates_max_relaying(const struct rates *rates);

#endif
