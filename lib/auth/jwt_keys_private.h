#ifndef POSTERN_JWT_KEYS_PRIVATE_H
#define POSTERN_JWT_KEYS_PRIVATE_H

#include "lib/auth/jwt_keys.h"

/* Shared by the jwt_keys*.c files only. */

/* Add a key, which the set then owns. Returns 0, or -1 with the key wiped and err set: out of
 * memory, or too many keys. */
int jwt_keys_add(struct jwt_keys *keys, struct jwt_key *key, struct errmsg *err);
void jwt_key_wipe(struct jwt_key *key);

/* Returns the algorithms of a public key's type, or 0 with err set when the key is unusable. */
unsigned jwt_key_algorithms(struct evp_pkey_st *public, struct errmsg *err);

/* Add the keys of a JWK set, or a single JWK. Returns the number of keys added, or 0 or -1 with err
 * set. */
int jwt_keys_add_jwks(struct jwt_keys *keys, const char *text, size_t len,
	struct problems *problems, struct errmsg *err);

#define BIT(algorithm) (1U << (algorithm))
#define HMAC_ALGORITHMS (BIT(JWT_HS256) | BIT(JWT_HS384) | BIT(JWT_HS512))

#endif
