#ifndef POSTERN_JWT_KEYS_H
#define POSTERN_JWT_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"

/*
 * The keys that tokens are verified with. What algorithms a key is for is a property of the key,
 * never of the token (RFC 8725 section 3.1): a JWK's "alg" names the one; without it, as in PEM,
 * the key's type does.
 */
enum jwt_algorithm {
	JWT_HS256,
	JWT_HS384,
	JWT_HS512,
	JWT_RS256,
	JWT_PS256,
	JWT_ES256,
	JWT_EDDSA,
	JWT_ALGORITHMS
};

const char *jwt_algorithm_name(enum jwt_algorithm algorithm);

/* By its name as JOSE writes it (case counts). 0, or -1: none of ours; "none" is none. */
int jwt_algorithm_find(const char *name, enum jwt_algorithm *algorithm_r);

#define JWT_SECRET_MIN 32 /* bytes of a shared secret (RFC 7518 section 3.2) */
#define JWT_RSA_BITS_MIN 2048

struct evp_pkey_st;

/* One key; belongs to its set. */
struct jwt_key {
	char *kid;		    /* NULL: it has none, and fits any */
	unsigned algorithms;	    /* bits 1 << enum jwt_algorithm */
	struct evp_pkey_st *public; /* NULL with a shared secret */
	uint8_t *secret;
	size_t secret_len;
};

/* A set; filled by one thread, then immutable, reference-counted and read by any. */
struct jwt_keys;

struct jwt_keys *jwt_keys_new(void); /* one reference; NULL when out of memory */
struct jwt_keys *jwt_keys_ref(struct jwt_keys *keys);
void jwt_keys_unref(struct jwt_keys **keys); /* wipes secrets; takes NULL */

/*
 * A shared secret for HS256, HS384 and HS512, its bytes as they are. 0, or -1 with err set: too
 * short, or a key in PEM, which is no secret.
 */
int jwt_keys_add_secret(struct jwt_keys *keys, const char *secret, size_t len, struct errmsg *err);

/*
 * The keys of a file: a JWK set or one JWK (RFC 7517) when it begins with '{', else PEM blocks
 * PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE. Keys for another use are passed over; those that can't
 * be used are named in problems (may be NULL). 0 when there was one at least, else -1 with err set.
 * Neither ever shows a key.
 */
int jwt_keys_add_text(struct jwt_keys *keys, const char *text, size_t len,
	struct problems *problems, struct errmsg *err);

size_t jwt_keys_count(const struct jwt_keys *keys);
const struct jwt_key *jwt_keys_at(const struct jwt_keys *keys, size_t i); /* i < jwt_keys_count() */

#endif
