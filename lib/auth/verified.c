#include "lib/auth/verified.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8	       /* entries of a set; a login may stand in one set alone */
#define DIGEST_SIZE 20 /* bytes kept of the HMAC: enough that no two ever meet */

struct entry {
	uint8_t digest[DIGEST_SIZE];
	uint32_t time; /* 0: empty */
};

struct verified {
	uint8_t key[VERIFIED_KEY_SIZE];
	uint32_t ttl;
	size_t sets; /* a power of 2 */
	struct entry *entries;
};

struct verified *verified_new(const uint8_t key[VERIFIED_KEY_SIZE], size_t entries, uint32_t ttl)
{
	struct verified *verified = calloc(1, sizeof(*verified));

	if (verified == NULL)
		return NULL;
	memcpy(verified->key, key, VERIFIED_KEY_SIZE);
	verified->ttl = ttl;
	for (verified->sets = 1; verified->sets * WAYS < entries;)
		verified->sets *= 2;
	verified->entries = calloc(verified->sets * WAYS, sizeof(struct entry));
	if (verified->entries == NULL) {
		free(verified);
		return NULL;
	}
	return verified;
}

void verified_free(struct verified **verified)
{
	if (*verified == NULL)
		return;
	verified_clear(*verified);
	free((*verified)->entries);
	OPENSSL_cleanse(*verified, sizeof(**verified));
	free(*verified);
	*verified = NULL;
}

/* Texts are told apart by their NUL. */
static int digest(const struct verified *verified, const struct verified_login *login,
	uint8_t digest_r[EVP_MAX_MD_SIZE])
{
	size_t name = strlen(login->name) + 1, hash = strlen(login->hash) + 1,
	       password = strlen(login->password) + 1, len = name + hash + password;
	unsigned char small[1024], *text = len <= sizeof(small) ? small : malloc(len);
	bool made;

	if (text == NULL)
		return -1;
	memcpy(text, login->name, name);
	memcpy(text + name, login->hash, hash);
	memcpy(text + name + hash, login->password, password);
	made = HMAC(EVP_sha256(), verified->key, VERIFIED_KEY_SIZE, text, len, digest_r, NULL) !=
		NULL;
	OPENSSL_cleanse(text, len);
	if (text != small)
		free(text);
	return made ? 0 : -1;
}

static struct entry *set_of(const struct verified *verified, const uint8_t *digest)
{
	uint64_t number;

	memcpy(&number, digest + DIGEST_SIZE, sizeof(number)); /* bytes that aren't kept */
	return verified->entries + (number & (verified->sets - 1)) * WAYS;
}

static bool holds(const struct verified *verified, const struct entry *entry, uint32_t now)
{
	return entry->time != 0 && now - entry->time < verified->ttl;
}

bool verified_has(struct verified *verified, const struct verified_login *login, uint32_t now)
{
	uint8_t made[EVP_MAX_MD_SIZE];
	const struct entry *set;

	if (verified->ttl == 0 || digest(verified, login, made) < 0)
		return false;
	set = set_of(verified, made);
	for (int i = 0; i < WAYS; i++) {
		if (holds(verified, &set[i], now) &&
			CRYPTO_memcmp(set[i].digest, made, DIGEST_SIZE) == 0)
			return true;
	}
	return false;
}

void verified_add(struct verified *verified, const struct verified_login *login, uint32_t now)
{
	uint8_t made[EVP_MAX_MD_SIZE];
	struct entry *set, *at;

	if (verified->ttl == 0 || digest(verified, login, made) < 0)
		return;
	set = at = set_of(verified, made);
	for (int i = 0; i < WAYS; i++) {
		if (memcmp(set[i].digest, made, DIGEST_SIZE) == 0) {
			at = &set[i];
			break;
		}
		if (set[i].time < at->time)
			at = &set[i];
	}
	memcpy(at->digest, made, DIGEST_SIZE);
	at->time = now == 0 ? 1 : now;
}

void verified_set_ttl(struct verified *verified, uint32_t ttl)
{
	verified->ttl = ttl;
}

void verified_clear(struct verified *verified)
{
	OPENSSL_cleanse(verified->entries, verified->sets * WAYS * sizeof(struct entry));
}

size_t verified_count(const struct verified *verified, uint32_t now)
{
	size_t count = 0;

	for (size_t i = 0; i < verified->sets * WAYS; i++)
		count += holds(verified, &verified->entries[i], now);
	return count;
}
