/*
 * Reads keys for tokens from JSON: a JWK set or a single JWK (RFC 7517, RFC 7518 section 6). It
 * owns nothing and runs on the thread that fills the set.
 */
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/base64.h"
#include "lib/auth/jwt_keys_private.h"
#include "lib/base/text.h"

#define MEMBER_MAX 4096 /* characters of a number or a secret */
#define KID_SHOWN 60	/* bytes */
#define VALUE_SHOWN 20	/* bytes; too few to reveal a key */

struct bytes {
	uint8_t bytes[BASE64_DECODED_MAX(MEMBER_MAX)];
	size_t len;
};

/* Read a member that is base64url. Returns 0, or -1 with err set. */
static int read_member(const json_t *jwk, const char *name, struct bytes *bytes_r,
	struct errmsg *err)
{
	const json_t *value = json_object_get(jwk, name);

	if (!json_is_string(value))
		return errmsg_set(err, "no \"%s\"", name);
	if (json_string_length(value) > MEMBER_MAX ||
		base64url_decode(json_string_value(value), json_string_length(value),
			bytes_r->bytes, &bytes_r->len) < 0 ||
		bytes_r->len == 0)
		return errmsg_set(err, "\"%s\" is not base64url", name);
	return 0;
}

/* Make a public key of the type from its parameters. Returns NULL when they are not a valid key. An
 * RSA key is not checked by OpenSSL, which would test whether the modulus is prime: that takes
 * seconds for a long one. */
static EVP_PKEY *make_public_key(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL), *check = NULL;
	EVP_PKEY *public = NULL;

	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &public, EVP_PKEY_PUBLIC_KEY, params) != 1)
	public = NULL;
	if (public != NULL && EVP_PKEY_get_base_id(public) != EVP_PKEY_RSA &&
		((check = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL)) == NULL ||
			EVP_PKEY_public_check_quick(check) != 1)) {
		EVP_PKEY_free(public);
		public = NULL;
	}
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return public;
}

/* RFC 7518 section 6.3.1 */
static EVP_PKEY *read_rsa(const json_t *jwk, struct errmsg *err)
{
	OSSL_PARAM_BLD *build;
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *public = NULL;
	struct bytes modulus = { .len = 0 }, exponent = { .len = 0 };

	if (read_member(jwk, "n", &modulus, err) < 0 || read_member(jwk, "e", &exponent, err) < 0)
		return NULL;
	build = OSSL_PARAM_BLD_new();
	n = BN_bin2bn(modulus.bytes, (int)modulus.len, NULL);
	e = BN_bin2bn(exponent.bytes, (int)exponent.len, NULL);
	if (build != NULL && n != NULL && e != NULL &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
	public = make_public_key("RSA", build);
	BN_free(n);
	BN_free(e);
	OSSL_PARAM_BLD_free(build);
	if (public == NULL)
		(void)errmsg_set(err, "n and e are not an RSA key");
	return public;
}

#define COORDINATE_MAX 66 /* bytes, of P-521 */

static const struct curve {
	const char *name, *openssl_name;
	size_t size; /* bytes of a coordinate */
} curves[] = {
	{ "P-256", "prime256v1", 32 },
	{ "P-384", "secp384r1", 48 },
	{ "P-521", "secp521r1", COORDINATE_MAX },
};

static const struct curve *find_curve(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(name, curves[i].name) == 0)
			return &curves[i];
	}
	return NULL;
}

/* RFC 7518 section 6.2.1 */
static EVP_PKEY *read_ec(const json_t *jwk, struct errmsg *err)
{
	const struct curve *curve = find_curve(json_string_value(json_object_get(jwk, "crv")));
	OSSL_PARAM_BLD *build;
	EVP_PKEY *public = NULL;
	uint8_t point[1 + 2 * COORDINATE_MAX] = { 4 };
	struct bytes x = { .len = 0 }, y = { .len = 0 };

	if (curve == NULL) {
		(void)errmsg_set(err, "the curve is not P-256, P-384 or P-521");
		return NULL;
	}
	if (read_member(jwk, "x", &x, err) < 0 || read_member(jwk, "y", &y, err) < 0)
		return NULL;
	build = OSSL_PARAM_BLD_new();
	if (build != NULL && x.len == curve->size && y.len == curve->size) {
		memcpy(point + 1, x.bytes, curve->size);
		memcpy(point + 1 + curve->size, y.bytes, curve->size);
		if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
			    curve->openssl_name, 0) == 1 &&
			OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
				1 + 2 * curve->size) == 1)
		public = make_public_key("EC", build);
	}
	OSSL_PARAM_BLD_free(build);
	if (public == NULL)
		(void)errmsg_set(err, "x and y are not a point of %s", curve->name);
	return public;
}

/* RFC 8037 section 2 */
static EVP_PKEY *read_okp(const json_t *jwk, struct errmsg *err)
{
	const char *curve = json_string_value(json_object_get(jwk, "crv"));
	EVP_PKEY *public = NULL;
	struct bytes x = { .len = 0 };

	if (curve == NULL || strcmp(curve, "Ed25519") != 0) {
		(void)errmsg_set(err, "the curve is not Ed25519");
		return NULL;
	}
	if (read_member(jwk, "x", &x, err) < 0)
		return NULL;
	public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.bytes, x.len);
	if (public == NULL)
		(void)errmsg_set(err, "x is not an Ed25519 key");
	return public;
}

/* RFC 7518 section 6.4 */
static int read_secret(const json_t *jwk, struct jwt_key *key, struct errmsg *err)
{
	struct bytes k = { .len = 0 };
	int ret = -1;

	if (read_member(jwk, "k", &k, err) < 0)
		return -1;
	if (k.len < JWT_SECRET_MIN) {
		(void)errmsg_set(err, "the shared secret has %zu bytes; it needs at least %d",
			k.len, JWT_SECRET_MIN);
	} else if ((key->secret = malloc(k.len)) == NULL) {
		(void)errmsg_set(err, "out of memory");
	} else {
		memcpy(key->secret, k.bytes, k.len);
		key->secret_len = k.len;
		key->algorithms = jwt_secret_algorithms(k.len);
		ret = 0;
	}
	OPENSSL_cleanse(&k, sizeof(k));
	return ret;
}

/* Restrict the key to the algorithm of "alg", if there is one (RFC 7517 section 4.4). */
static int bind_algorithm(const json_t *jwk, struct jwt_key *key, struct errmsg *err)
{
	const json_t *name = json_object_get(jwk, "alg");
	enum jwt_algorithm algorithm;

	if (name == NULL)
		return 0;
	if (!json_is_string(name) || jwt_algorithm_find(json_string_value(name), &algorithm) < 0)
		return errmsg_set(err,
			"\"alg\" is not one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, "
			"PS384, PS512, ES256, ES384, ES512, EdDSA and Ed25519");
	if (key->secret != NULL && algorithm <= JWT_HS512 &&
		key->secret_len < jwt_hash_len(algorithm))
		return errmsg_set(err,
			"\"alg\" is %s, which needs a secret of at least %zu bytes; this one has "
			"%zu",
			jwt_algorithm_name(algorithm), jwt_hash_len(algorithm), key->secret_len);
	if ((key->algorithms & BIT(algorithm)) == 0)
		return errmsg_set(err, "\"alg\" is %s, which needs another type of key",
			jwt_algorithm_name(algorithm));
	key->algorithms = BIT(algorithm);
	return 0;
}

static int read_jwk(const json_t *jwk, struct jwt_key *key, struct errmsg *err)
{
	const char *type = json_string_value(json_object_get(jwk, "kty"));
	const json_t *kid = json_object_get(jwk, "kid");

	if (type == NULL)
		return errmsg_set(err, "no \"kty\"");
	if (kid != NULL && (!json_is_string(kid) || json_string_length(kid) > 512))
		return errmsg_set(err, "\"kid\" is not a string of at most 512 bytes");
	if (strcmp(type, "oct") == 0) {
		if (read_secret(jwk, key, err) < 0)
			return -1;
	} else {
		if (strcmp(type, "RSA") == 0)
			key->public = read_rsa(jwk, err);
		else if (strcmp(type, "EC") == 0)
			key->public = read_ec(jwk, err);
		else if (strcmp(type, "OKP") == 0)
			key->public = read_okp(jwk, err);
		else
			return errmsg_set(err, "\"kty\" is not one of RSA, EC, OKP and oct");
		if (key->public == NULL ||
			(key->algorithms = jwt_key_algorithms(key->public, err)) == 0)
			return -1;
	}
	if (kid != NULL && (key->kid = strdup(json_string_value(kid))) == NULL)
		return errmsg_set(err, "out of memory");
	return bind_algorithm(jwk, key, err);
}

enum purpose { VERIFYING, ANOTHER, MALFORMED };

/* Returns the purpose in "use" (RFC 7517 section 4.2); err is set for MALFORMED. */
static enum purpose purpose_of_use(const json_t *use, struct errmsg *err)
{
	const char *text = json_string_value(use);

	if (use == NULL || (text != NULL && strcmp(text, "sig") == 0))
		return VERIFYING;
	if (text != NULL && strcmp(text, "enc") == 0)
		return ANOTHER;
	if (text == NULL)
		(void)errmsg_set(err, "\"use\" is not a string");
	else
		(void)errmsg_set(err,
			"\"use\" is \"%.*s\"; a key that verifies signatures has \"sig\", in lower "
			"case",
			TEXT_CUT(text, VALUE_SHOWN));
	return MALFORMED;
}

static bool is_operation(const char *name)
{
	static const char *const names[] = { "sign", "encrypt", "decrypt", "wrapKey", "unwrapKey",
		"deriveKey", "deriveBits" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* Returns the purpose in "key_ops" (RFC 7517 section 4.3); err is set for MALFORMED. */
static enum purpose purpose_of_operations(const json_t *operations, struct errmsg *err)
{
	enum purpose purpose = ANOTHER;
	const json_t *one;
	size_t i;

	if (operations == NULL)
		return VERIFYING;
	if (json_array_size(operations) == 0) {
		(void)errmsg_set(err, "\"key_ops\" is %s",
			json_is_array(operations) ? "empty" : "not an array");
		return MALFORMED;
	}
	json_array_foreach (operations, i, one) {
		const char *name = json_string_value(one);

		if (name != NULL && strcmp(name, "verify") == 0)
			return VERIFYING;
		if (purpose == MALFORMED || (name != NULL && is_operation(name)))
			continue;
		purpose = MALFORMED;
		if (name == NULL)
			(void)errmsg_set(err, "\"key_ops\" has an entry that is not a string");
		else
			(void)errmsg_set(err,
				"\"key_ops\" has \"%.*s\"; a key that verifies signatures has "
				"\"verify\"",
				TEXT_CUT(name, VALUE_SHOWN));
	}
	return purpose;
}

/* Returns the purpose of a key; err is set for MALFORMED. */
static enum purpose purpose_of(const json_t *jwk, struct errmsg *err)
{
	const enum purpose use = purpose_of_use(json_object_get(jwk, "use"), err);

	return use == VERIFYING ? purpose_of_operations(json_object_get(jwk, "key_ops"), err) : use;
}

/* Returns whether a JWK of any type contains a secret (RFC 7518 sections 6.2.2, 6.3.2 and 6.4). */
static bool is_private(const json_t *jwk)
{
	static const char *const members[] = { "k", "d", "p", "q", "dp", "dq", "qi", "oth" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (json_object_get(jwk, members[i]) != NULL)
			return true;
	}
	return false;
}

static void report_left_out(const json_t *jwk, size_t number, struct problems *problems,
	const struct errmsg *err)
{
	const char *kid = json_string_value(json_object_get(jwk, "kid"));

	if (kid == NULL)
		problems_add(problems, "key %zu: %s; left out", number, err->text);
	else
		problems_add(problems, "key %zu (kid \"%.*s\"): %s; left out", number,
			TEXT_CUT(kid, KID_SHOWN), err->text);
}

/* Returns 1 when the key was added, 0 when it was left out, or -1, with err set unless it is 1. */
static int add_jwk(struct jwt_keys *keys, const json_t *jwk, size_t number,
	struct problems *problems, struct errmsg *err)
{
	struct jwt_key key = { .kid = NULL };
	enum purpose purpose;

	if (is_private(jwk))
		jwt_keys_set_private(keys);
	if (!json_is_object(jwk)) {
		(void)errmsg_set(err, "not a JSON object");
		report_left_out(jwk, number, problems, err);
		return 0;
	}
	purpose = purpose_of(jwk, err);
	if (purpose == ANOTHER) {
		(void)errmsg_set(err, "not a key for verifying signatures");
		return 0;
	}
	if (purpose == MALFORMED || read_jwk(jwk, &key, err) < 0) {
		report_left_out(jwk, number, problems, err);
		jwt_key_wipe(&key);
		return 0;
	}
	return jwt_keys_add(keys, &key, err) == 0 ? 1 : -1;
}

int jwt_keys_add_jwks(struct jwt_keys *keys, const char *text, size_t len,
	struct problems *problems, struct errmsg *err)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error), *one;
	const json_t *list = json_object_get(root, "keys");
	int total = 0, added;
	size_t i;

	if (root == NULL) /* error.text may quote the file */
		return errmsg_set(err, "invalid JSON (line %d, column %d)", error.line,
			error.column);
	(void)errmsg_set(err, "the set is empty");
	if (list == NULL && json_object_get(root, "kty") == NULL) {
		total = errmsg_set(err, "neither a JWK set nor a JWK: no \"keys\" and no \"kty\"");
	} else if (list == NULL) {
		total = add_jwk(keys, root, 1, problems, err);
	} else if (!json_is_array(list) && !json_is_null(list)) { /* Go writes an empty set so */
		total = errmsg_set(err, "\"keys\" is not an array");
	} else {
		json_array_foreach (list, i, one) {
			added = add_jwk(keys, one, i + 1, problems, err);
			total = added < 0 ? -1 : total + added;
			if (total < 0)
				break;
		}
	}
	json_decref(root);
	ERR_clear_error();
	return total;
}
