/*
 * A set of keys for tokens: its algorithms, its memory and its references. One thread fills a set;
 * then it is immutable, and any thread may read it.
 */
#include "lib/auth/jwt_keys_private.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 256

struct jwt_keys {
	unsigned refs;
	size_t count;
	struct jwt_key *key;
};

static const char *const names[JWT_ALGORITHMS] = {
	[JWT_HS256] = "HS256",
	[JWT_HS384] = "HS384",
	[JWT_HS512] = "HS512",
	[JWT_RS256] = "RS256",
	[JWT_PS256] = "PS256",
	[JWT_ES256] = "ES256",
	[JWT_EDDSA] = "EdDSA",
};

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
	return names[algorithm];
}

int jwt_algorithm_find(const char *name, enum jwt_algorithm *algorithm_r)
{
	for (int i = 0; i < JWT_ALGORITHMS; i++) {
		if (strcmp(names[i], name) == 0) {
			*algorithm_r = (enum jwt_algorithm)i;
			return 0;
		}
	}
	return -1;
}

struct jwt_keys *jwt_keys_new(void)
{
	struct jwt_keys *keys = calloc(1, sizeof(*keys));

	if (keys != NULL)
		keys->refs = 1;
	return keys;
}

struct jwt_keys *jwt_keys_ref(struct jwt_keys *keys)
{
	if (keys != NULL)
		__atomic_add_fetch(&keys->refs, 1, __ATOMIC_RELAXED);
	return keys;
}

void jwt_key_wipe(struct jwt_key *key)
{
	free(key->kid);
	EVP_PKEY_free(key->public);
	if (key->secret != NULL)
		OPENSSL_cleanse(key->secret, key->secret_len);
	free(key->secret);
	*key = (struct jwt_key){ .kid = NULL };
}

void jwt_keys_unref(struct jwt_keys **keys)
{
	struct jwt_keys *gone = *keys;

	*keys = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < gone->count; i++)
		jwt_key_wipe(&gone->key[i]);
	free(gone->key);
	free(gone);
}

int jwt_keys_add(struct jwt_keys *keys, struct jwt_key *key, struct errmsg *err)
{
	struct jwt_key *grown = NULL;

	if (keys->count < KEYS_MAX)
		grown = realloc(keys->key, (keys->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		jwt_key_wipe(key);
		return errmsg_set(err,
			keys->count < KEYS_MAX ? "out of memory" : "more than 256 keys");
	}
	keys->key = grown;
	grown[keys->count++] = *key;
	return 0;
}

int jwt_keys_add_secret(struct jwt_keys *keys, const char *secret, size_t len, struct errmsg *err)
{
	struct jwt_key key = { .algorithms = HMAC_ALGORITHMS, .secret_len = len };

	if (len < JWT_SECRET_MIN)
		return errmsg_set(err, "the shared secret has %zu bytes; it needs at least %d", len,
			JWT_SECRET_MIN);
	if (memmem(secret, len, "-----BEGIN ", 11) != NULL)
		return errmsg_set(err,
			"the shared secret is a key in PEM, which belongs in keys_file");
	if ((key.secret = malloc(len)) == NULL)
		return errmsg_set(err, "out of memory");
	memcpy(key.secret, secret, len);
	return jwt_keys_add(keys, &key, err);
}

unsigned jwt_key_algorithms(struct evp_pkey_st *public, struct errmsg *err)
{
	char curve[32] = "";
	int type = EVP_PKEY_get_base_id(public), bits = EVP_PKEY_get_bits(public);

	if ((type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) && bits < JWT_RSA_BITS_MIN) {
		(void)errmsg_set(err, "the RSA key has %d bits; it needs at least %d", bits,
			JWT_RSA_BITS_MIN);
		return 0;
	}
	if (type == EVP_PKEY_RSA)
		return BIT(JWT_RS256) | BIT(JWT_PS256);
	if (type == EVP_PKEY_RSA_PSS)
		return BIT(JWT_PS256);
	if (type == EVP_PKEY_ED25519)
		return BIT(JWT_EDDSA);
	if (type == EVP_PKEY_EC &&
		EVP_PKEY_get_group_name(public, curve, sizeof(curve), NULL) == 1 &&
		strcmp(curve, "prime256v1") == 0)
		return BIT(JWT_ES256);
	(void)errmsg_set(err, "the key is neither RSA nor EC (P-256) nor Ed25519");
	return 0;
}

size_t jwt_keys_count(const struct jwt_keys *keys)
{
	return keys == NULL ? 0 : keys->count;
}

const struct jwt_key *jwt_keys_at(const struct jwt_keys *keys, size_t i)
{
	return &keys->key[i];
}
