#ifndef POSTERN_JWT_H
#define POSTERN_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/auth/jwt_keys.h"
#include "lib/base/errmsg.h"
#include "lib/match/address.h"

/*
 * JSON Web Tokens in the compact form (RFC 7519, RFC 7515 section 7.1, RFC 8725). All functions are
 * thread-safe. No error text contains a token.
 */

#define JWT_MAX 8192  /* bytes of a token */
#define JWT_LEEWAY 60 /* seconds by which clocks may differ */
#define JWT_MAIL_SIZE (ADDRESS_MAX + 1)

/*
 * Verify the signature only. Returns 0 with the payload, *len_r bytes and a NUL, in *payload_r,
 * which the caller frees; or -1 with the reason for the log in err (truncated, malformed,
 * algorithm, key id, signature).
 */
int jwt_verify(const struct jwt_keys *keys, const char *token, size_t len, char **payload_r,
	size_t *len_r, struct errmsg *err);

/* The rules for claims. Borrowed; an empty issuer accepts any. */
struct jwt_rules {
	const struct jwt_keys *keys;
	const char *issuer;
	const char *audience; /* "": tokens are not made for us in particular */
	/* With an empty audience: refuse a token that has one, because it is made for another
	 * service that trusts the same keys (RFC 7519, section 4.1.3). */
	bool refuse_audience;
	const char *mail_claim;
};

/* The content of a token that is accepted. For a token that is refused, only the first two members
 * are set. */
struct jwt_bearer {
	bool is_no_guess; /* its signature is right, or no secret of ours can have made it */
	bool lacks_key;	  /* a key that is not among ours may have made it */
	char mail[JWT_MAIL_SIZE];  /* the address of the mail claim, in canonical form */
	bool has_ignored_audience; /* it has an audience, which was not checked */
};

/*
 * Verify a token and check its claims against the rules at the time now (seconds of the epoch);
 * "exp" is required, and a time in milliseconds is refused. Returns 0 with *bearer_r filled, or -1
 * with err as above, bearer_r->is_no_guess and bearer_r->lacks_key.
 */
int jwt_check(const struct jwt_rules *rules, const char *token, size_t len, int64_t now,
	struct jwt_bearer *bearer_r, struct errmsg *err);

/* Write the address that a token claims, in canonical form, or "" if it cannot be read. The
 * signature is not verified, so that this proves nothing. */
void jwt_claimed_mail(const char *mail_claim, const char *token, size_t len,
	char mail_r[JWT_MAIL_SIZE]);

#endif
