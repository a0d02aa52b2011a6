#ifndef POSTERN_JWT_H
#define POSTERN_JWT_H

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

/* The rules for claims. Borrowed; an empty issuer or audience accepts any. */
struct jwt_rules {
	const struct jwt_keys *keys;
	const char *issuer, *audience;
	const char *mail_claim;
};

/*
 * Verify a token and check its claims against the rules at the time now (seconds of the epoch);
 * "exp" is required. Returns 0 with the address of the mail claim, in canonical form, in mail_r; or
 * -1 with err as above.
 */
int jwt_check(const struct jwt_rules *rules, const char *token, size_t len, int64_t now,
	char mail_r[JWT_MAIL_SIZE], struct errmsg *err);

#endif
