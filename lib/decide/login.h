#ifndef POSTERN_LOGIN_H
#define POSTERN_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/auth/auth_cache.h"
#include "lib/auth/jwt.h"
#include "lib/auth/penalty.h"
#include "lib/rules/policy.h"
#include "lib/rules/suspensions.h"

/*
 * Decides whether a login is accepted, by password or by token, for the auth sockets and for
 * explain. Reads no file and no clock.
 */

/* What the decision depends on. Borrowed; each member may be NULL or 0. */
struct login_rules {
	const struct policy *policy; /* NULL: no policy yet */
	struct jwt_rules jwt;	     /* keys NULL: none, or they cannot be read */
	bool lacks_keys;	     /* some keys for tokens cannot be read */
	struct suspensions *suspensions;
	struct auth_cache *auth_cache; /* NULL: there is no cache */
	int64_t now;		       /* seconds since 1970, for tokens */
	uint32_t ticks;		       /* seconds of a monotonic clock, for auth_cache */
	bool may_work; /* allow hashing and verifying signatures, which take up to a second */
};

struct login_request {
	const char *login;  /* "" for a bearer token without a user */
	const char *secret; /* password, or token */
	bool is_bearer;	    /* secret is a token, whatever the login */
	bool is_mute;	    /* the protocol cannot return another login to the MTA (saslauthd) */
};

enum login_result {
	LOGIN_ACCEPTED,
	LOGIN_REFUSED,
	LOGIN_UNDECIDED,  /* no decision is possible now: a temporary failure */
	LOGIN_NEEDS_WORK, /* call again with may_work */
};

enum login_cause {
	CAUSE_CREDENTIALS, /* wrong: counts towards the auth penalty */
	CAUSE_POLICY,	   /* correct, but the user is disabled or suspended; or a token that is no
			      guess: its claims are refused, or it was signed with a private key
			      that is not ours */
};

#define LOGIN_SIZE (SUSPENSION_LOGIN_MAX + 1) /* more than TOKEN:MAIL needs */

struct login_answer {
	enum login_result result;
	enum login_cause cause; /* of LOGIN_REFUSED */
	char login[LOGIN_SIZE]; /* if accepted: the row's spelling, or TOKEN:MAIL, which replaces
				   the client's login */
	const char *
		hash; /* if accepted by hashing: the policy's hash, for the auth cache; else NULL */
	bool is_cached;		   /* accepted from the auth cache */
	bool has_ignored_audience; /* as in struct jwt_bearer */
	char reason[200];	   /* of a refusal; for the log, never for the client */
};

/* Thread-safe if rules->auth_cache is NULL or belongs to the calling thread. */
void login_check(const struct login_rules *rules, const struct login_request *request,
	struct login_answer *answer_r);

/*
 * Return the key by which attempts at a login are counted, as penalty_keys() expects it; never 0.
 * All spellings of one login have one key: that of the name without its case and @default_domain.
 * It does not depend on the rows, whose names may have that domain, so that nobody learns which
 * exist. An attempt with a token counts for that token alone, because guesses at a token have
 * nothing in common. policy may be NULL.
 */
uint64_t login_key(const struct policy *policy, const struct login_request *request);

/*
 * Set the owner of the successes that count for an attempt, and the credential that a right
 * password proves: the name and the stored password of the row which the login finds or, if there
 * is none, of the row NAME@default_domain, which has the same login_key(). Both come from one row,
 * and from one look-up. The credential is a hash under the key of this process. It does not depend
 * on whether the user is enabled, because otherwise, the right password of a disabled user would
 * slow the others in his network. Without a row, the owner is login_key(), under which nobody can
 * have succeeded, and there is no credential. A token is its own owner. policy may be NULL.
 */
void login_set_owner(const struct policy *policy, const struct login_request *request,
	struct penalty_keys *keys);

/* Return the key of the address that a token claims, as penalty_claim() expects it, or 0 if the
 * request has no token or its address cannot be read. policy may be NULL. */
uint64_t login_claimed_key(const struct policy *policy, const char *mail_claim,
	const struct login_request *request);

/*
 * Write the name under which a login is suspended: the row's spelling if there is a row, otherwise
 * that of check_login_name(). policy may be NULL. Returns 0, or -1 when the name is too long; it is
 * never cut.
 */
int login_name(const struct policy *policy, const char *login, char name_r[LOGIN_SIZE]);

#endif
