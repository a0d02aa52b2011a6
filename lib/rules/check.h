#ifndef POSTERN_CHECK_H
#define POSTERN_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/match/address.h"
#include "lib/rules/facts.h"
#include "lib/rules/ledger_ops.h"
#include "lib/rules/policy.h"
#include "lib/rules/suspensions.h"
#include "lib/rules/verdict.h"

/*
 * The stages of a message (docs/design.md, section 3), and the environment of their checks. Each
 * stage decides from the policy and the facts, and fills *verdict. They store nothing, apart from
 * charges to the ledger. Thread-safe with a scratch per call.
 *
 * connect and helo skip the lists for clients in `exempt` networks, and for a session with a login
 * if the service has authenticated = skip. The limits of connections have an exemption in [limit]
 * instead. With delay_reject = no, both stages are decided before a login can be known;
 * facts->login is then NULL.
 */
struct check_env {
	const struct policy *policy;
	struct regex_scratch *scratch;
	struct suspensions *suspensions; /* NULL: nobody is suspended */
	const struct ledger_ops *ledger; /* NULL: rate limits are not enforced */
	uint64_t now;			 /* in the ledger's microseconds */
	bool charge;		   /* charge what is accepted; otherwise only look at the ledger */
	struct ledger_hold **hold; /* with charge, for check_rcpt(): where the recipients of the
				      message are reserved, until the caller commits them or gives
				      them back */
};

void check_connect(const struct check_env *env, const struct facts *facts, struct verdict *verdict);
void check_helo(const struct check_env *env, const struct facts *facts, struct verdict *verdict);
void check_mail(const struct check_env *env, const struct facts *facts, struct verdict *verdict);
void check_rcpt(const struct check_env *env, const struct facts *facts,
	const struct mail_address *rcpt, struct verdict *verdict);
void check_header(const struct check_env *env, const struct facts *facts,
	const struct header_facts *header, struct verdict *verdict);

/*
 * check_maxsize() returns the size limit of header and body together, in octets (RFC 1870); 0: no
 * limit. check_body() refuses a message with more octets, and otherwise makes no finding.
 */
uint64_t check_maxsize(const struct policy *policy, const struct facts *facts);
void check_body(const struct check_env *env, const struct facts *facts, uint64_t octets,
	struct verdict *verdict);

/*
 * Refuse a message at its end if its user may send nothing any more, because the row was disabled
 * or the login suspended after the recipients were accepted. env->policy is the one in force then.
 * Needs no scratch.
 */
void check_end(const struct check_env *env, const struct facts *facts, struct verdict *verdict);

/*
 * Charge a new connection, whatever its stages decide later. check_connect() uses the result from
 * facts->connection, even if it is called only at MAIL.
 */
void check_charge_connection(const struct check_env *env, const struct facts *facts,
	struct connection_charge *charge_r);

/*
 * Write the name under which a login is counted and suspended, so that all of its spellings share
 * one count: TOKEN:MAIL with the canonical address, because over saslauthd the MTA reports the
 * login as its client has written it; without @default_domain if the login has no row, and
 * unknown_user assigns it a profile; otherwise the login itself. Returns 0, or -1 when the name is
 * too long; it is never cut.
 */
int check_login_name(const struct policy *policy, const char *login,
	char name_r[SUSPENSION_LOGIN_MAX + 1]);

/*
 * Parse the address from which a user without froms may send: the login, or login@default_domain.
 * Returns 0, or -1 if that is no address.
 */
int check_own_address(const struct settings *settings, const char *login,
	struct mail_address *own_r);

/*
 * Write the other spelling of a login, with or without @default_domain. Returns false if it has
 * none, or if both are names of rows, and so of two users.
 */
bool check_other_spelling(const struct policy *policy, const char *login,
	char other_r[SUSPENSION_LOGIN_MAX + 1]);

/*
 * Return whether a login, by its name in the tables if it has a row, is suspended under either
 * spelling: it may have been suspended before the first policy, or before its row was renamed.
 */
bool check_is_suspended(const struct policy *policy, struct suspensions *suspensions,
	const char *login);

/* Write the ledger's key of a login, "login:bob". false: the login is too long for a key. */
bool check_login_key(const char *login, char key_r[LEDGER_KEY_MAX + 1]);

/* A key of the ledger, and what limits it now. */
struct check_key {
	char key[LEDGER_KEY_MAX + 1];
	const struct limits *limits; /* NULL: none; lives as long as the policy */
	uint32_t attempts;	     /* how often each limit's count may be given back; 0: any */
	/* The origin with which the checks charge the key, if the key tells its client's network;
	 * else all zero. */
	struct ledger_origin origin;
	/* Strangers make such keys up, so that a full ledger counts a new one together with others.
	 */
	bool may_be_shared;
};

/*
 * Find the key to which the checks would charge the subject of a text: a login in any spelling
 * ("bob", "login:Bob@example.com"), or the name of a rate limit with a client
 * ("rate_conn:192.0.2.1", also its network or host name) or a mail address or domain
 * ("rate_rcpt:bob@example.com"; for senders of sessions with a login
 * "rate_rcpt_sender/login:bob@example.com"). The key of an entry of the ledger is found, too.
 * policy may be NULL, and so may the name of the MTA (facts.h). Returns false when the text is too
 * long or malformed, or refers to a limit without a window.
 */
bool check_find_key(const struct policy *policy, const char *mta_name, const char *text,
	struct check_key *key_r);

/*
 * Report keys of the limits of mail addresses that never apply, because their addresses are counted
 * elsewhere: bob@localhost as bob at the first of local_domains, a%b@c as a@b. Note those that are
 * one label and no known top-level domain, because an address may be meant: bob. psl may be NULL;
 * then none is known, and nothing is noted.
 */
void check_rate_keys(const struct settings *settings, const struct orgdomain *psl,
	struct problems *problems);

/* Fill the verdict of a stage that cannot be decided (no policy, out of memory, an address longer
 * than its bound): on_error decides. settings NULL: tempfail. */
void check_failed(const struct settings *settings, enum check check, const char *why,
	struct verdict *verdict);

#endif
