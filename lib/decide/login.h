#ifndef POSTERN_LOGIN_H
#define POSTERN_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/auth/auth_cache.h"
#include "lib/auth/jwt.h"
#include "lib/rules/policy.h"
#include "lib/rules/suspensions.h"

/*
 * The one decision whether somebody may log in, by password or by token: for the auth sockets and
 * for explain. Touches no file and no clock.
 */

/* What decides. Borrowed; everything but settings may be NULL or 0 where it isn't there. */
struct login_rules {
	const struct policy *policy; /* NULL: there is none yet */
	struct jwt_rules jwt;	     /* keys NULL: they can't be read, or there are none */
	struct suspensions *suspensions;
	struct auth_cache *auth_cache; /* NULL: nothing is remembered */
	int64_t now;		       /* s of the epoch, for tokens */
	uint32_t ticks;		       /* s of a clock that never goes back, for auth_cache */
	bool may_work; /* hash passwords and verify signatures: milliseconds to a second */
};

struct login_request {
	const char *login;  /* "" with a bearer that names nobody */
	const char *secret; /* password, or token */
	bool is_bearer;	    /* secret is a token, whatever the login */
	bool is_mute; /* the protocol can't tell the MTA another login than this one (saslauthd) */
};

enum login_result {
	LOGIN_ACCEPTED,
	LOGIN_REFUSED,
	LOGIN_UNDECIDED,  /* nothing can be decided now: a temporary failure */
	LOGIN_NEEDS_WORK, /* ask again with may_work */
};

enum login_cause {
	CAUSE_CREDENTIALS, /* they were wrong: these count towards the auth penalty */
	CAUSE_POLICY,	   /* they were right, but the user is disabled or suspended */
};

#define LOGIN_SIZE (JWT_MAIL_SIZE + 128)

struct login_answer {
	enum login_result result;
	enum login_cause cause; /* of LOGIN_REFUSED */
	char login[LOGIN_SIZE]; /* accepted: the login from here on, the row's own spelling, or
				   TOKEN:MAIL */
	const char *hash; /* accepted by hashing: to be remembered with; the policy's. Else NULL */
	bool is_cached;	  /* accepted, and not hashed again */
	char reason[200]; /* of a refusal: for the log, never for the client */
};

/* Thread-safe if rules->auth_cache is NULL or belongs to the calling thread. */
void login_check(const struct login_rules *rules, const struct login_request *request,
	struct login_answer *answer_r);

/*
 * The name that a login is suspended by: the row's own spelling where there is one. policy may be
 * NULL. Cut never: -1 when it is too long.
 */
int login_name(const struct policy *policy, const char *login, char name_r[LOGIN_SIZE]);

#endif
