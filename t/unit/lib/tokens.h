#ifndef POSTERN_TOKENS_H
#define POSTERN_TOKENS_H

#include <stddef.h>

#include "lib/auth/jwt_keys.h"

/* Make tokens, good and forged ones. Each function aborts when it fails. */

/* A pair of keys; type is "RSA", "RSA-1024", "RSA-PSS", "EC", "P-384", "P-521", "secp256k1" or
 * one that EVP_PKEY_Q_keygen() knows, for example "ED25519". */
struct token_pair;
struct token_pair *token_pair_new(const char *type);
void token_pair_free(struct token_pair **pair);

/* The public or the private key in PEM; the caller frees it. */
char *token_pair_pem(const struct token_pair *pair);
char *token_pair_private_pem(const struct token_pair *pair);

/* Bytes in base64url; the caller frees the text. */
char *token_base64url(const void *bytes, size_t len);

/*
 * A token of header and claims (JSON), signed with this algorithm by the pair or (pair NULL) the
 * secret. The caller frees it.
 */
char *token_sign(const char *header, const char *claims, enum jwt_algorithm algorithm,
	const struct token_pair *pair, const char *secret, size_t secret_len);

#endif
