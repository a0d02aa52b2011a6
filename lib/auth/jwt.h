#ifndef POSTERN_JWT_H
#define POSTERN_JWT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/auth/jwt_keys.h"
#include "lib/base/errmsg.h"
#include "lib/match/address.h"

/* JSON Web Tokens in the compact form (RFC 7519, RFC 7515 section 7.1, RFC 8725). Thread-safe,
 * never logs a token. */

#define JWT_MAX 8192  /* bytes of a token */
#define JWT_LEEWAY 60 /* seconds that clocks may differ */
#define JWT_MAIL_SIZE (ADDRESS_MAX + 1)

/*
 * Verify the signature alone. 0 with the payload (*len_r bytes and a NUL) in *payload_r, the
 * caller's to free(); -1 with err saying why for the log: cut off, malformed, algorithm, key id,
 * signature.
 */
int jwt_verify(const struct jwt_keys *keys, const char *token, size_t len, char **payload_r,
	size_t *len_r, struct errmsg *err);

/* What a token must say. Borrowed; "" is "anything". */
struct jwt_rules {
	const struct jwt_keys *keys;
	const char *issuer, *audience;
	const char *mail_claim;
};

/*
 * Whose token it is: verifies it, holds its claims to the rules at the time now (seconds of the
 * epoch; "exp" must be there), and gives the address in the mail claim, in canonical form. 0, or -1
 * with err as above.
 */
int jwt_check(const struct jwt_rules *rules, const char *token, size_t len, int64_t now,
	char mail_r[JWT_MAIL_SIZE], struct errmsg *err);

#endif
