#ifndef POSTERN_SASL_H
#define POSTERN_SASL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/*
 * The server's side of SASL mechanisms, without a wire: bytes of the client in (decoded from
 * base64), challenges or credentials out. PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login),
 * OAUTHBEARER (RFC 7628), XOAUTH2 (Google's).
 */
enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN, SASL_OAUTHBEARER, SASL_XOAUTH2, SASL_MECHANISMS };

#define SASL_RESPONSE_MAX 16384 /* bytes of one response, and of all that an exchange keeps */

const char *sasl_name(enum sasl_mechanism mechanism);

/* By its name, in any case. 0, or -1 when it is none of ours. */
int sasl_find(const char *name, enum sasl_mechanism *mechanism_r);

/* One exchange. One thread at a time. */
struct sasl;

struct sasl *sasl_new(enum sasl_mechanism mechanism); /* NULL when out of memory */
void sasl_free(struct sasl **sasl);		      /* wipes what it held; takes NULL */

enum sasl_step {
	SASL_CHALLENGE,	  /* send sasl_challenge() and step again with the answer */
	SASL_CREDENTIALS, /* the client has said who it is: see sasl_credentials() */
	SASL_FAILED,	  /* it is over; err says why */
};

/*
 * Begin: response is the initial response, NULL when there is none ("" is an empty one).
 * Otherwise the answer to the last challenge.
 */
enum sasl_step sasl_step(struct sasl *sasl, const char *response, size_t len, struct errmsg *err);

/*
 * The credentials were refused: a bearer's client is told by a challenge and answers it once more,
 * then comes SASL_FAILED (err untouched); with the others that comes at once.
 */
enum sasl_step sasl_refuse(struct sasl *sasl);

/* What is to be sent, len bytes; "" is an empty challenge. Lives until the next call. */
const char *sasl_challenge(const struct sasl *sasl, size_t *len_r);

/* Borrowed from the exchange; both are texts without NUL. */
struct sasl_credentials {
	const char *login;  /* who they say they are; "" only with a bearer */
	const char *secret; /* the password, or the token */
	bool is_bearer;	    /* secret is a token, login is at most a hint */
};

/* After SASL_CREDENTIALS. */
struct sasl_credentials sasl_credentials(const struct sasl *sasl);

/* Its mechanism's name. */
const char *sasl_mechanism_name(const struct sasl *sasl);

/* The login said so far, for logs and answers; "" for none. */
const char *sasl_login(const struct sasl *sasl);

#endif
