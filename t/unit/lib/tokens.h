#ifndef POSTERN_TOKENS_H
#define POSTERN_TOKENS_H

#include <stddef.h>

#include "lib/auth/jwt_keys.h"

/* Makes tokens, good ones and forged ones. Everything aborts when it fails: these are tests. */

/* A pair of keys; type is "RSA", "RSA-1024", "RSA-PSS", "EC", "P-384" or "ED25519". */
struct token_pair;
struct token_pair *token_pair_new(const char *type);
void token_pair_free(struct token_pair **pair);

/* Its public key in PEM, the caller's to free(). */
char *token_pair_pem(const struct token_pair *pair);
char *token_pair_private_pem(const struct token_pair *pair);

/* bytes in base64url, the caller's to free(). */
char *token_base64url(const void *bytes, size_t len);

/*
 * header and claims (JSON) signed as algorithm says, with the pair or (pair NULL) the secret. The
 * caller's to free().
 */
char *token_sign(const char *header, const char *claims, enum jwt_algorithm algorithm,
	const struct token_pair *pair, const char *secret, size_t secret_len);

#endif
