/*
 * Key pairs and signed tokens for the tests of lib/auth, good ones and forged ones. Each function
 * aborts when OpenSSL fails.
 */
#include "t/unit/lib/tokens.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/lib/token_rsa_keys.h"

struct token_pair {
	EVP_PKEY *key;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static EVP_PKEY *read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return key;
}

/* The same numbers as a key that is for RSA-PSS alone. */
static EVP_PKEY *make_pss(const char *pem)
{
	EVP_PKEY *rsa = read_key(pem), *key = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	OSSL_PARAM *numbers = NULL;

	must(EVP_PKEY_todata(rsa, EVP_PKEY_KEYPAIR, &numbers) == 1 &&
		EVP_PKEY_fromdata_init(context) == 1 &&
		EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, numbers) == 1);
	OSSL_PARAM_free(numbers);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(rsa);
	return key;
}

static EVP_PKEY *make_key(const char *type, bool first)
{
	const char *rsa = first ? RSA_FIRST : RSA_SECOND;

	if (strcmp(type, "RSA") == 0)
		return read_key(rsa);
	if (strcmp(type, "RSA-1024") == 0)
		return read_key(RSA_1024);
	if (strcmp(type, "RSA-PSS") == 0)
		return make_pss(rsa);
	if (strcmp(type, "EC") == 0)
		return EVP_EC_gen("P-256");
	if (strncmp(type, "P-", 2) == 0 || strncmp(type, "secp", 4) == 0)
		return EVP_EC_gen(type);
	return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

/* A program has two keys of each type and uses them in turn, so a call returns another key than the
 * call before it. Of RSA-1024, which is always refused, both are the same. */
static struct key_set {
	char type[24];
	unsigned calls;
	EVP_PKEY *keys[2];
} key_sets[16];

static struct key_set *key_set_of(const char *type)
{
	size_t i = 0;

	while (key_sets[i].type[0] != '\0' && strcmp(key_sets[i].type, type) != 0)
		must(++i < sizeof(key_sets) / sizeof(key_sets[0]));
	must((size_t)snprintf(key_sets[i].type, sizeof(key_sets[i].type), "%s", type) <
		sizeof(key_sets[i].type));
	return &key_sets[i];
}

struct token_pair *token_pair_new(const char *type)
{
	struct token_pair *pair = calloc(1, sizeof(*pair));
	struct key_set *set = key_set_of(type);
	unsigned turn = set->calls++ % 2;
	EVP_PKEY **key = &set->keys[turn];

	if (*key == NULL)
		*key = make_key(type, turn == 0);
	must(pair != NULL && *key != NULL && EVP_PKEY_up_ref(*key) == 1);
	pair->key = *key;
	return pair;
}

void token_pair_free(struct token_pair **pair)
{
	if (*pair == NULL)
		return;
	EVP_PKEY_free((*pair)->key);
	free(*pair);
	*pair = NULL;
}

static char *pem_of(const struct token_pair *pair, bool private)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *text;
	long len;

	if (private)
		must(PEM_write_bio_PrivateKey(bio, pair->key, NULL, NULL, 0, NULL, NULL) == 1);
	else
		must(PEM_write_bio_PUBKEY(bio, pair->key) == 1);
	len = BIO_get_mem_data(bio, &bytes);
	text = malloc((size_t)len + 1); /* not strndup(), because the BIO's bytes have no NUL */
	must(text != NULL);
	memcpy(text, bytes, (size_t)len);
	text[len] = '\0';
	BIO_free(bio);
	return text;
}

char *token_pair_pem(const struct token_pair *pair)
{
	return pem_of(pair, false);
}

char *token_pair_private_pem(const struct token_pair *pair)
{
	return pem_of(pair, true);
}

char *token_base64url(const void *bytes, size_t len)
{
	char *text = malloc((len + 2) / 3 * 4 + 1);

	must(text != NULL);
	(void)EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	for (char *at = text; *at != '\0'; at++)
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	text[strcspn(text, "=")] = '\0';
	return text;
}

/* Convert an ECDSA signature from DER to JOSE's r and s, each of `half` bytes. */
static size_t to_jose(unsigned char *signature, size_t len, int half)
{
	const unsigned char *from = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &from, (long)len);

	must(pair != NULL);
	must(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, half) == half);
	must(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, half) == half);
	ECDSA_SIG_free(pair);
	return 2 * (size_t)half;
}

static const EVP_MD *digest_of(enum jwt_algorithm algorithm)
{
	switch (jwt_hash_len(algorithm)) {
	case 32:
		return EVP_sha256();
	case 48:
		return EVP_sha384();
	case 64:
		return EVP_sha512();
	default:
		return NULL;
	}
}

static size_t sign(const char *text, enum jwt_algorithm algorithm, const struct token_pair *pair,
	unsigned char signature[1024])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey;
	size_t len = 1024;

	must(EVP_DigestSignInit(context, &pkey, digest_of(algorithm), NULL, pair->key) == 1);
	if (algorithm >= JWT_PS256 && algorithm <= JWT_PS512) {
		must(EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1);
		must(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) == 1);
	}
	must(EVP_DigestSign(context, signature, &len, (const unsigned char *)text, strlen(text)) ==
		1);
	EVP_MD_CTX_free(context);
	return algorithm >= JWT_ES256 && algorithm <= JWT_ES512 ?
		to_jose(signature, len, (EVP_PKEY_get_bits(pair->key) + 7) / 8) :
		len;
}

char *token_sign(const char *header, const char *claims, enum jwt_algorithm algorithm,
	const struct token_pair *pair, const char *secret, size_t secret_len)
{
	char *first = token_base64url(header, strlen(header)),
	     *second = token_base64url(claims, strlen(claims)), *text, *third, *token;
	unsigned char signature[1024];
	unsigned made = 0;
	size_t len;

	must(asprintf(&text, "%s.%s", first, second) > 0);
	if (pair != NULL) {
		len = sign(text, algorithm, pair, signature);
	} else {
		must(HMAC(digest_of(algorithm), secret, (int)secret_len,
			     (const unsigned char *)text, strlen(text), signature, &made) != NULL);
		len = made;
	}
	third = token_base64url(signature, len);
	must(asprintf(&token, "%s.%s", text, third) > 0);
	free(first);
	free(second);
	free(third);
	free(text);
	return token;
}
