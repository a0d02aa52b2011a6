/*
 * The auth cache: a hash table of sets of eight entries, in which the oldest entry makes room. It
 * owns its entries and its key, and is used by one thread at a time.
 */
#include "lib/auth/auth_cache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8	       /* entries of a set; the digest of a login determines its set */
#define DIGEST_SIZE 20 /* bytes kept of the HMAC: enough to rule out collisions */

struct entry {
	uint8_t digest[DIGEST_SIZE];
	uint32_t time; /* 0: empty */
};

struct auth_cache {
	uint8_t key[AUTH_CACHE_KEY_SIZE];
	uint32_t ttl;
	size_t sets; /* a power of 2 */
	struct entry *entries;
};

struct auth_cache *auth_cache_new(const uint8_t key[AUTH_CACHE_KEY_SIZE], size_t entries,
	uint32_t ttl)
{
	struct auth_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return NULL;
	memcpy(cache->key, key, AUTH_CACHE_KEY_SIZE);
	cache->ttl = ttl;
	for (cache->sets = 1; cache->sets * WAYS < entries;)
		cache->sets *= 2;
	cache->entries = calloc(cache->sets * WAYS, sizeof(struct entry));
	if (cache->entries == NULL) {
		free(cache);
		return NULL;
	}
	return cache;
}

void auth_cache_free(struct auth_cache **cache)
{
	if (*cache == NULL)
		return;
	OPENSSL_cleanse((*cache)->entries, (*cache)->sets * WAYS * sizeof(struct entry));
	free((*cache)->entries);
	OPENSSL_cleanse(*cache, sizeof(**cache));
	free(*cache);
	*cache = NULL;
}

/* The NUL of each text is part of the input, so that no two logins yield the same input. */
static int digest_login(const struct auth_cache *cache, const struct auth_cache_login *login,
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
	made = HMAC(EVP_sha256(), cache->key, AUTH_CACHE_KEY_SIZE, text, len, digest_r, NULL) !=
		NULL;
	OPENSSL_cleanse(text, len);
	if (text != small)
		free(text);
	return made ? 0 : -1;
}

static struct entry *set_of(const struct auth_cache *cache, const uint8_t *digest)
{
	uint64_t number;

	memcpy(&number, digest + DIGEST_SIZE, sizeof(number)); /* bytes that are not kept */
	return cache->entries + (number & (cache->sets - 1)) * WAYS;
}

static bool is_valid(const struct auth_cache *cache, const struct entry *entry, uint32_t now)
{
	return entry->time != 0 && now - entry->time < cache->ttl;
}

bool auth_cache_has(struct auth_cache *cache, const struct auth_cache_login *login, uint32_t now)
{
	uint8_t made[EVP_MAX_MD_SIZE];
	const struct entry *set;

	if (cache->ttl == 0 || digest_login(cache, login, made) < 0)
		return false;
	set = set_of(cache, made);
	for (int i = 0; i < WAYS; i++) {
		if (is_valid(cache, &set[i], now) &&
			CRYPTO_memcmp(set[i].digest, made, DIGEST_SIZE) == 0)
			return true;
	}
	return false;
}

void auth_cache_add(struct auth_cache *cache, const struct auth_cache_login *login, uint32_t now)
{
	uint8_t made[EVP_MAX_MD_SIZE];
	struct entry *set, *at;

	if (cache->ttl == 0 || digest_login(cache, login, made) < 0)
		return;
	set = at = set_of(cache, made);
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

void auth_cache_set_ttl(struct auth_cache *cache, uint32_t ttl)
{
	cache->ttl = ttl;
}

size_t auth_cache_count(const struct auth_cache *cache, uint32_t now)
{
	size_t count = 0;

	for (size_t i = 0; i < cache->sets * WAYS; i++)
		count += is_valid(cache, &cache->entries[i], now);
	return count;
}
