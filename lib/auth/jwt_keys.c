/*
 * A set of keys for tokens: its algorithms, its memory and its references. One thread fills a set;
 * then it is immutable, and any thread may read it.
 */
#include "lib/auth/jwt_keys_private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 256

struct jwt_keys {
	unsigned refs;
	size_t count;
	struct jwt_key *key;
	bool is_private;
};

static const struct {
	const char *name;
	size_t hash_len;
} algorithms[JWT_ALGORITHMS] = {
	[JWT_HS256] = { "HS256", 32 },
	[JWT_HS384] = { "HS384", 48 },
	[JWT_HS512] = { "HS512", 64 },
	[JWT_RS256] = { "RS256", 32 },
	[JWT_RS384] = { "RS384", 48 },
	[JWT_RS512] = { "RS512", 64 },
	[JWT_PS256] = { "PS256", 32 },
	[JWT_PS384] = { "PS384", 48 },
	[JWT_PS512] = { "PS512", 64 },
	[JWT_ES256] = { "ES256", 32 },
	[JWT_ES384] = { "ES384", 48 },
	[JWT_ES512] = { "ES512", 64 },
	[JWT_EDDSA] = { "EdDSA", 0 },
};

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

size_t jwt_hash_len(enum jwt_algorithm algorithm)
{
	return algorithms[algorithm].hash_len;
}

int jwt_algorithm_find(const char *name, enum jwt_algorithm *algorithm_r)
{
	if (strcmp(name, "Ed25519") == 0)
		name = algorithms[JWT_EDDSA].name;
	for (int i = 0; i < JWT_ALGORITHMS; i++) {
		if (strcmp(algorithms[i].name, name) == 0) {
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

unsigned jwt_secret_algorithms(size_t len)
{
	unsigned usable = 0;

	for (int i = JWT_HS256; i <= JWT_HS512; i++) {
		if (len >= algorithms[i].hash_len)
			usable |= BIT(i);
	}
	return usable;
}

int jwt_keys_add_secret(struct jwt_keys *keys, const char *secret, size_t len, struct errmsg *err)
{
	struct jwt_key key = { .algorithms = jwt_secret_algorithms(len), .secret_len = len };

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

static unsigned curve_algorithms(struct evp_pkey_st *public)
{
	static const struct {
		const char *curve;
		enum jwt_algorithm algorithm;
	} curves[] = {
		{ "prime256v1", JWT_ES256 },
		{ "secp384r1", JWT_ES384 },
		{ "secp521r1", JWT_ES512 },
	};
	char curve[32] = "";

	if (EVP_PKEY_get_group_name(public, curve, sizeof(curve), NULL) != 1)
		return 0;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(curve, curves[i].curve) == 0)
			return BIT(curves[i].algorithm);
	}
	return 0;
}

#define RSA_BITS_MAX 16384
#define RSA_EXPONENT_BITS_MAX 64
#define SMALL_FACTORS 752

/* Return whether the numbers can be an RSA key. With the exponent 1, everybody could make
 * signatures; small factors reveal a typing error in the modulus. */
static bool is_rsa_key(const BIGNUM *n, const BIGNUM *e)
{
	if (BN_num_bits(n) > RSA_BITS_MAX || BN_num_bits(e) > RSA_EXPONENT_BITS_MAX ||
		!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e))
		return false;
	for (BN_ULONG factor = 3; factor < SMALL_FACTORS; factor += 2) {
		if (BN_mod_word(n, factor) == 0)
			return false;
	}
	return true;
}

static bool has_rsa_numbers(struct evp_pkey_st *public)
{
	BIGNUM *n = NULL, *e = NULL;
	const bool good = EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && is_rsa_key(n, e);

	BN_free(n);
	BN_free(e);
	return good;
}

#define ED25519_SIZE 32

/*
 * Return whether the key is a point of small order. Everybody can make signatures for it, as for an
 * RSA key with the exponent 1, and OpenSSL accepts it. A placeholder of 32 zero bytes is such a
 * point. The last bit is the sign of x; 2^255-19 and the next number are other forms of 0 and 1.
 */
static bool has_small_order(struct evp_pkey_st *ed25519)
{
	static const uint8_t small[][ED25519_SIZE] = {
		{ 0 },
		{ 1 },
		{ 0xec, [1 ... 30] = 0xff, 0x7f },
		{ 0xed, [1 ... 30] = 0xff, 0x7f },
		{ 0xee, [1 ... 30] = 0xff, 0x7f },
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2,
			0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1,
			0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
		{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d,
			0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e,
			0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
	};
	uint8_t point[ED25519_SIZE];
	size_t len = sizeof(point);

	if (EVP_PKEY_get_raw_public_key(ed25519, point, &len) != 1 || len != sizeof(point))
		return true;
	point[ED25519_SIZE - 1] &= 0x7f;
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		if (memcmp(point, small[i], sizeof(point)) == 0)
			return true;
	}
	return false;
}

unsigned jwt_key_algorithms(struct evp_pkey_st *public, struct errmsg *err)
{
	const unsigned pss = BIT(JWT_PS256) | BIT(JWT_PS384) | BIT(JWT_PS512);
	const int type = EVP_PKEY_get_base_id(public), bits = EVP_PKEY_get_bits(public);
	unsigned usable = 0;

	if ((type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) && bits < JWT_RSA_BITS_MIN) {
		(void)errmsg_set(err, "the RSA key has %d bits; it needs at least %d", bits,
			JWT_RSA_BITS_MIN);
		return 0;
	}
	if ((type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) && !has_rsa_numbers(public)) {
		(void)errmsg_set(err, "n and e are not an RSA key");
		return 0;
	}
	if (type == EVP_PKEY_ED25519 && has_small_order(public)) {
		(void)errmsg_set(err,
			"everybody can make signatures for this Ed25519 key, because it is a "
			"point of small order; generate another one");
		return 0;
	}
	if (type == EVP_PKEY_RSA)
		usable = pss | BIT(JWT_RS256) | BIT(JWT_RS384) | BIT(JWT_RS512);
	else if (type == EVP_PKEY_RSA_PSS)
		usable = pss;
	else if (type == EVP_PKEY_ED25519)
		usable = BIT(JWT_EDDSA);
	else if (type == EVP_PKEY_EC)
		usable = curve_algorithms(public);
	if (usable == 0)
		(void)errmsg_set(err,
			"the key is neither RSA nor EC (P-256, P-384, P-521) nor Ed25519");
	return usable;
}

void jwt_keys_set_private(struct jwt_keys *keys)
{
	keys->is_private = true;
}

bool jwt_keys_are_private(const struct jwt_keys *keys)
{
	return keys->is_private;
}

size_t jwt_keys_count(const struct jwt_keys *keys)
{
	return keys == NULL ? 0 : keys->count;
}

const struct jwt_key *jwt_keys_at(const struct jwt_keys *keys, size_t i)
{
	return &keys->key[i];
}
