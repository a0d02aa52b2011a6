#ifndef POSTERN_AUTH_CACHE_H
#define POSTERN_AUTH_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The memory of cache logins: which password was found right for which row, so that the next
 * login need not pay for hashing again. Holds keyed hashes (HMAC-SHA-256 of the row's name, its
 * password hash and the password) and nothing else: a row that changes is not found any more. Of a
 * fixed size; the oldest make room. Never on disk. One thread at a time. Times are seconds of a
 * clock that never goes back.
 */
struct auth_cache;

#define AUTH_CACHE_KEY_SIZE 32

/* key: random bytes. ttl in seconds; 0 remembers nothing. entries is rounded up to a power of 2.
 * NULL when out of memory. */
struct auth_cache *auth_cache_new(const uint8_t key[AUTH_CACHE_KEY_SIZE], size_t entries,
	uint32_t ttl);
void auth_cache_free(struct auth_cache **cache); /* wipes; takes NULL */

/* One login: the row's name and hash, and the password. Borrowed. */
struct auth_cache_login {
	const char *name, *hash, *password;
};

/* Whether this very login was found right not longer than the TTL ago. */
bool auth_cache_has(struct auth_cache *cache, const struct auth_cache_login *login, uint32_t now);

void auth_cache_add(struct auth_cache *cache, const struct auth_cache_login *login, uint32_t now);

void auth_cache_set_ttl(struct auth_cache *cache, uint32_t ttl);
void auth_cache_clear(struct auth_cache *cache);
size_t auth_cache_count(const struct auth_cache *cache, uint32_t now); /* those that still hold */

#endif
