#ifndef POSTERN_JWT_KEYS_PRIVATE_H
#define POSTERN_JWT_KEYS_PRIVATE_H

#include "lib/auth/jwt_keys.h"

/* Shared by jwt_keys.c and jwt_keys_jwk.c alone. */

/* Take over a key (wiped when that fails). 0, or -1 when out of memory or there are too many. */
int jwt_keys_add(struct jwt_keys *keys, struct jwt_key *key, struct errmsg *err);
void jwt_key_wipe(struct jwt_key *key);

/* The algorithms that a public key's type is for; 0 with err set when it can't be used. */
unsigned jwt_key_algorithms(struct evp_pkey_st *public, struct errmsg *err);

/* The JWK set or the one JWK in text. Returns how many were taken, or -1 with err set. */
int jwt_keys_add_jwks(struct jwt_keys *keys, const char *text, size_t len,
	struct problems *problems, struct errmsg *err);

#define BIT(algorithm) (1U << (algorithm))
#define HMAC_ALGORITHMS (BIT(JWT_HS256) | BIT(JWT_HS384) | BIT(JWT_HS512))

#endif
