#ifndef POSTERN_JWT_KEYS_H
#define POSTERN_JWT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"

/*
 * The keys that verify tokens. The key determines the algorithm, never the token (RFC 8725 section
 * 3.1): a JWK with "alg" has only that one; without "alg", and in PEM, the type of the key
 * determines the algorithms.
 */
enum jwt_algorithm {
	JWT_HS256,
	JWT_HS384,
	JWT_HS512,
	JWT_RS256,
	JWT_RS384,
	JWT_RS512,
	JWT_PS256,
	JWT_PS384,
	JWT_PS512,
	JWT_ES256,
	JWT_ES384,
	JWT_ES512,
	JWT_EDDSA, /* with Ed25519; RFC 9864 calls it "Ed25519" */
	JWT_ALGORITHMS
};

const char *jwt_algorithm_name(enum jwt_algorithm algorithm);

/* Returns the bytes of the algorithm's hash, which a shared secret must have at least (RFC 7518
 * section 3.2); 0 for JWT_EDDSA. */
size_t jwt_hash_len(enum jwt_algorithm algorithm);

/* Find an algorithm by its name in JOSE, in exact case. Returns 0, or -1 when it is not supported;
 * "none" never is. */
int jwt_algorithm_find(const char *name, enum jwt_algorithm *algorithm_r);

#define JWT_SECRET_MIN 32 /* bytes of a shared secret (RFC 7518 section 3.2) */
#define JWT_RSA_BITS_MIN 2048

struct evp_pkey_st;

/* One key, owned by its set. */
struct jwt_key {
	char *kid;		    /* NULL: the key may match any key id */
	unsigned algorithms;	    /* bits: 1 << enum jwt_algorithm */
	struct evp_pkey_st *public; /* NULL for a shared secret */
	uint8_t *secret;
	size_t secret_len;
};

/* A set of keys, reference-counted. One thread fills it; then it is immutable and any thread may
 * read it. */
struct jwt_keys;

struct jwt_keys *jwt_keys_new(void); /* one reference; NULL when out of memory */
struct jwt_keys *jwt_keys_ref(struct jwt_keys *keys);
void jwt_keys_unref(struct jwt_keys **keys); /* the last one wipes secrets; accepts NULL */

/*
 * Add a shared secret: these bytes, undecoded, for those of HS256, HS384 and HS512 whose hash is
 * not longer than the secret. Returns 0, or -1 with err set when it is too short, or is a key in
 * PEM (a public key must never become a secret).
 */
int jwt_keys_add_secret(struct jwt_keys *keys, const char *secret, size_t len, struct errmsg *err);

/*
 * Add the keys of a file of at most 1 MiB: a JWK set or a single JWK (RFC 7517) when the text
 * begins with '{', else PEM blocks PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE. JWKs for another use
 * are skipped. Unusable keys, values of "use" and "key_ops" that the RFC does not have, and a text
 * without a usable key are reported in problems (may be NULL). Returns 0 when the text is one of
 * these, even if it has no usable key, else -1 with err set: a part of the file may be missing.
 * Neither problems nor err ever contains a key.
 */
int jwt_keys_add_text(struct jwt_keys *keys, const char *text, size_t len,
	struct problems *problems, struct errmsg *err);

/* Returns whether a text that was added contains a shared secret or a private key, usable or not.
 */
bool jwt_keys_are_private(const struct jwt_keys *keys);

size_t jwt_keys_count(const struct jwt_keys *keys);
const struct jwt_key *jwt_keys_at(const struct jwt_keys *keys, size_t i); /* i < jwt_keys_count() */

#endif
