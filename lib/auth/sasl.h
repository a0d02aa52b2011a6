#ifndef POSTERN_SASL_H
#define POSTERN_SASL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/auth/sasl_mechanisms.h"
#include "lib/base/errmsg.h"

/*
 * The server's side of the SASL mechanisms (RFC 4422), independent of the protocol that carries
 * them: it reads the client's responses, decoded from base64, and returns challenges or
 * credentials.
 */

#define SASL_RESPONSE_MAX 16384 /* bytes of one response */

const char *sasl_name(enum sasl_mechanism mechanism);
unsigned sasl_flags(enum sasl_mechanism mechanism); /* of enum sasl_flag */

/* Returns those of a set of mechanisms that have none of the flags. */
unsigned sasl_without(unsigned mechanism_set, unsigned flags);

/* Find a mechanism by its name, in any case. Returns 0, or -1 when there is none of that name. */
int sasl_find(const char *name, enum sasl_mechanism *mechanism_r);

/* One exchange; used by one thread at a time. */
struct sasl;

struct sasl *sasl_new(enum sasl_mechanism mechanism); /* NULL when out of memory */
void sasl_free(struct sasl **sasl);		      /* wipes login and secret; accepts NULL */

enum sasl_step {
	SASL_CHALLENGE,	  /* send sasl_challenge() and call sasl_step() with the response */
	SASL_CREDENTIALS, /* the client has sent its credentials: see sasl_credentials() */
	SASL_FAILED,	  /* the exchange is over; err holds the reason */
};

/*
 * Read a response of len bytes: in the first call the initial response, or NULL when there is none
 * ("" is an empty one); later the response to the last challenge. err is set with SASL_FAILED,
 * except after sasl_refuse().
 */
enum sasl_step sasl_step(struct sasl *sasl, const char *response, size_t len, struct errmsg *err);

/*
 * Report that the credentials were refused, which wipes the secret. Returns SASL_CHALLENGE when the
 * mechanism has a challenge for that; the client's response to it then yields SASL_FAILED and
 * leaves err untouched. Other mechanisms yield SASL_FAILED at once.
 */
enum sasl_step sasl_refuse(struct sasl *sasl);

/* The challenge to send, *len_r bytes, which may be 0. Valid until the next step. */
const char *sasl_challenge(const struct sasl *sasl, size_t *len_r);

/* Borrowed from the exchange; neither text contains a NUL. */
struct sasl_credentials {
	const char *login;  /* "" only with a token */
	const char *secret; /* the password, or the token */
	bool is_bearer;	    /* secret is a token, and login at most a hint */
};

/* The credentials after SASL_CREDENTIALS. */
struct sasl_credentials sasl_credentials(const struct sasl *sasl);

/* The name of the exchange's mechanism. */
const char *sasl_mechanism_name(const struct sasl *sasl);

/* The login that the client has sent so far, for logs and answers; "" for none. */
const char *sasl_login(const struct sasl *sasl);

#endif
