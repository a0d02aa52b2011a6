#include "lib/auth/jwt_keys_private.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
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
		return errmsg_set(err, "a shared secret of %zu bytes; it needs %d at least", len,
			JWT_SECRET_MIN);
	if (memmem(secret, len, "-----BEGIN ", 11) != NULL)
		return errmsg_set(err, "a key in PEM is no shared secret; it belongs in keys_file");
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
		(void)errmsg_set(err, "an RSA key of %d bits; it needs %d at least", bits,
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
	(void)errmsg_set(err, "neither RSA nor EC (P-256) nor Ed25519");
	return 0;
}

/* The public key of one PEM block; NULL with err set. */
static EVP_PKEY *read_block(const char *name, const unsigned char *der, long len,
	struct errmsg *err)
{
	EVP_PKEY *public = NULL;
	X509 *certificate;

	if (strcmp(name, "PUBLIC KEY") == 0) {
		public = d2i_PUBKEY(NULL, &der, len);
	} else if (strcmp(name, "RSA PUBLIC KEY") == 0) {
		public = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);
	} else if (strcmp(name, "CERTIFICATE") == 0) {
		certificate = d2i_X509(NULL, &der, len);
		public = certificate == NULL ? NULL : X509_get_pubkey(certificate);
		X509_free(certificate);
	} else if (strstr(name, "PRIVATE KEY") != NULL) {
		(void)errmsg_set(err, "a private key; the public one is what belongs here");
		return NULL;
	} else {
		(void)errmsg_set(err, "a PEM block \"%.40s\", which is no public key", name);
		return NULL;
	}
	if (public == NULL)
		(void)errmsg_set(err, "a damaged %s", name);
	return public;
}

/* The next PEM block's public key, in key_r; without algorithms where it is none, and err set.
 * Returns whether there was a block. */
static bool next_block(BIO *bio, struct jwt_key *key_r, struct errmsg *err)
{
	struct jwt_key key = { .kid = NULL };
	char *name, *header;
	unsigned char *der;
	long der_len;

	ERR_clear_error();
	if (PEM_read_bio(bio, &name, &header, &der, &der_len) == 1) {
		key.public = read_block(name, der, der_len, err);
		if (key.public != NULL)
			key.algorithms = jwt_key_algorithms(key.public, err);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)der_len);
	} else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		return false;
	} else {
		(void)errmsg_set(err, "a PEM block that is cut off or damaged");
	}
	*key_r = key;
	return true;
}

/* Returns how many were taken, or -1 with err set. */
static int add_pem(struct jwt_keys *keys, const char *text, size_t len, struct problems *problems,
	struct errmsg *err)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	int taken = 0, number = 0, left = INT_MAX;
	struct jwt_key key;

	/* A block that takes nothing away would be read for ever. */
	while (bio != NULL && taken >= 0 && BIO_pending(bio) < left) {
		left = BIO_pending(bio);
		if (!next_block(bio, &key, err))
			break;
		number++;
		if (key.algorithms == 0) {
			problems_add(problems, "key %d: %s; left out", number, err->text);
			jwt_key_wipe(&key);
		} else {
			taken = jwt_keys_add(keys, &key, err) == 0 ? taken + 1 : -1;
		}
	}
	BIO_free(bio);
	ERR_clear_error();
	if (number == 0)
		return errmsg_set(err, "neither PEM nor a JWK set: no key in it");
	return taken;
}

int jwt_keys_add_text(struct jwt_keys *keys, const char *text, size_t len,
	struct problems *problems, struct errmsg *err)
{
	struct errmsg own = { "" }, *why = err != NULL ? err : &own;
	size_t space = 0;
	int taken;

	while (space < len && strchr(" \t\r\n", text[space]) != NULL && text[space] != '\0')
		space++;
	if (len > 1U << 20)
		return errmsg_set(err, "longer than 1 MiB");
	if (space < len && text[space] == '{')
		taken = jwt_keys_add_jwks(keys, text, len, problems, why);
	else
		taken = add_pem(keys, text, len, problems, why);
	if (taken == 0)
		return errmsg_prefix(err, "no usable key in it: ");
	return taken < 0 ? -1 : 0;
}

size_t jwt_keys_count(const struct jwt_keys *keys)
{
	return keys == NULL ? 0 : keys->count;
}

const struct jwt_key *jwt_keys_at(const struct jwt_keys *keys, size_t i)
{
	return &keys->key[i];
}
