#ifndef POSTERN_RATES_H
#define POSTERN_RATES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/match/address.h"
#include "lib/match/cidr.h"
#include "lib/rules/limits.h"

/*
 * The limits that hold for everybody, logged in or not: the sections [limit NAME] of postern.conf.
 * Each is a table of what is looked up and what it is held to; "default" stands for all that isn't
 * in it, 0 is no limit. Filled by one thread, read by any.
 */
enum rate {
	RATE_CONN,	  /* connections of a client in a time */
	RATE_RCPT_HOST,	  /* recipients of a client in a time */
	RATE_RCPT_SENDER, /* recipients of an envelope sender in a time */
	RATE_RCPT,	  /* times that a recipient gets mail in a time */
	RATE_RCPT_NULL,	  /* times that a recipient gets mail from the null sender in a time */
	RATE_CONCURRENCY, /* connections of a client at once: plain numbers */
	RATE_RECIPIENTS,  /* recipients that a client names in a connection: plain numbers */
	RATE_COUNT
};

const char *rate_name(enum rate rate);			/* "rate_conn" */
bool rate_by_name(const char *name, enum rate *rate_r); /* whether there is one */

struct rates;

struct rates *rates_new(void);	       /* NULL when out of memory */
void rates_free(struct rates **rates); /* takes NULL */

/*
 * Add "key = value". A key of RATE_CONN, RATE_RCPT_HOST, RATE_CONCURRENCY and RATE_RECIPIENTS is an
 * address, a network, the first numbers of an address ("127", "192.168.1", "fe80", "2001:db8") or a
 * host name with all below it; of the others a mail address or a domain with all below it;
 * "default" (of plain numbers also "max") is for all others, "max_relaying" of RATE_RECIPIENTS for
 * sessions with a login. A value is what limits_parse() takes, or a plain number. 0, or -1 with err
 * set.
 */
int rates_add(struct rates *rates, enum rate rate, const char *key, const char *value,
	struct errmsg *err);

/* Clients of an IPv6 network of that length are one client, where no narrower key names
 * them. 1..128; first 64. */
void rates_set_ipv6_prefix(struct rates *rates, unsigned bits);

/*
 * Whom none of it binds: a network; a login, or "*" for all; a sender: an address, "@example.com",
 * ".example.com". 0, or -1 with err set.
 */
int rates_exempt_network(struct rates *rates, const char *text, struct errmsg *err);
int rates_exempt_login(struct rates *rates, const char *text, struct errmsg *err);
int rates_exempt_sender(struct rates *rates, const char *text, struct errmsg *err);

/* login and sender may be NULL: not known. */
bool rates_exempts(const struct rates *rates, const struct cidr *client, const char *login,
	const struct mail_address *sender);

/* Whether anything is limited by it; rates may be NULL. */
bool rates_has(const struct rates *rates, enum rate rate);

#define RATE_KEY_SIZE (ADDRESS_CANON_SIZE + 24)

/* What a lookup found. */
struct rate_match {
	const struct limits
		*limits;   /* as long as the rates; plain numbers: the count of the first */
	const char *entry; /* the key in the section, in one form: "192.168.1.0/24", "default" */
	char counted[RATE_KEY_SIZE]; /* what is charged: "rate_conn:192.168.1.0/24" */
};

/*
 * Look a client up: the longest network, then its name from the full one to the last label, then
 * "default". Those who share an entry are counted together, but under "default" each by itself.
 * rdns: canonical, or NULL. Returns whether it is limited.
 */
bool rates_find_client(const struct rates *rates, enum rate rate, const struct cidr *client,
	const char *rdns, struct rate_match *match_r);

/*
 * Under what a client's open connections are counted: the entry of RATE_CONCURRENCY that is looked
 * up for it, "concurrency:192.0.2.0/24"; under "default", and where nothing limits it yet, the
 * client by itself, "concurrency:192.0.2.7". rates and rdns (canonical) may be NULL.
 */
void rates_concurrency_key(const struct rates *rates, const struct cidr *client, const char *rdns,
	char key_r[RATE_KEY_SIZE]);

/* A mail address: itself, then its domain from the full one to the last label, then "default". */
bool rates_find_address(const struct rates *rates, enum rate rate,
	const struct mail_address *address, struct rate_match *match_r);

/* RATE_RECIPIENTS of a session with a login: "max_relaying"; 0: not said. */
uint32_t rates_max_relaying(const struct rates *rates);

#endif
