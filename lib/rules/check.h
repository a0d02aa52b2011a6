#ifndef POSTERN_CHECK_H
#define POSTERN_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/rules/facts.h"
#include "lib/rules/ledger_ops.h"
#include "lib/rules/policy.h"
#include "lib/rules/suspensions.h"
#include "lib/rules/verdict.h"

/*
 * The stages (design section 3). Each decides from the policy and the facts
 * and fills *verdict; nothing is kept. Thread-safe with a scratch per call.
 *
 * A session with a login, where the service's `authenticated` is skip, and a
 * client that is exempt are not bound by connect and helo: they get no
 * findings. Whoever asks before a login can be known (delay_reject = no)
 * leaves facts->login NULL.
 */
struct check_env {
	const struct policy *policy;
	struct regex_scratch *scratch;
	struct suspensions *suspensions; /* NULL: nobody is suspended */
	const struct ledger_ops *ledger; /* NULL: rate limits are not enforced */
	uint64_t now;			 /* the ledger's time */
	bool charge; /* what is let through is charged; else the ledger is only looked at */
};

void check_connect(const struct check_env *env, const struct facts *facts, struct verdict *verdict);
void check_helo(const struct check_env *env, const struct facts *facts, struct verdict *verdict);
void check_mail(const struct check_env *env, const struct facts *facts, struct verdict *verdict);
void check_rcpt(const struct check_env *env, const struct facts *facts,
	const struct mail_address *rcpt, struct verdict *verdict);
void check_header(const struct check_env *env, const struct facts *facts,
	const struct header_facts *header, struct verdict *verdict);

/*
 * What the message's header and body may count in octets (RFC 1870), 0: any number; and what is
 * answered to one that has more. check_body() with a smaller number finds nothing.
 */
uint64_t check_maxsize(const struct policy *policy, const struct facts *facts);
void check_body(const struct check_env *env, const struct facts *facts, uint64_t octets,
	struct verdict *verdict);

/*
 * Charge a connection that came, whatever its stages decide later: check_connect() answers by it,
 * also when that is asked at MAIL.
 */
void check_charge_connection(const struct check_env *env, const struct facts *facts,
	struct connection_charge *charge_r);

/*
 * How much of a login counts: one that the tables don't know, but unknown_user gives a profile,
 * goes without @default_domain, so that its two spellings are one user with one count.
 */
size_t check_login_len(const struct policy *policy, const char *login);

/* How the ledger calls a login: "login:bob". false: it can't be one. */
bool check_login_key(const char *login, char key_r[LEDGER_KEY_MAX + 1]);

/* The answer to what can't be decided: no policy, out of memory, an address past its bound. */
void check_failed(const struct settings *settings, enum check check, const char *why,
	struct verdict *verdict);

#endif
