#ifndef POSTERN_AUTH_CACHE_H
#define POSTERN_AUTH_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The auth cache remembers which password was right for which row, so that the next login need not
 * be hashed again. It keeps keyed hashes (HMAC-SHA-256 of the row's name, its password hash and the
 * password) and nothing else, so that an entry no longer matches once its row has changed. It has a
 * fixed size, in which the oldest entries make room, and is never written to disk. One thread at a
 * time may use it. Times are seconds of a clock that never goes back.
 */
struct auth_cache;

#define AUTH_CACHE_KEY_SIZE 32

/* key: random bytes. entries is rounded up to a power of 2. ttl is in seconds; 0 disables the
 * cache. Returns NULL when out of memory. */
struct auth_cache *auth_cache_new(const uint8_t key[AUTH_CACHE_KEY_SIZE], size_t entries,
	uint32_t ttl);
void auth_cache_free(struct auth_cache **cache); /* wipes; accepts NULL */

/* One login: the row's name and hash, and the password. Borrowed. */
struct auth_cache_login {
	const char *name, *hash, *password;
};

/* Returns whether this login was added less than the TTL ago. */
bool auth_cache_has(struct auth_cache *cache, const struct auth_cache_login *login, uint32_t now);

/* Add a login whose password was right. It is not added when memory for its digest runs out. */
void auth_cache_add(struct auth_cache *cache, const struct auth_cache_login *login, uint32_t now);

/* Set the TTL in seconds; it applies to present entries, too. */
void auth_cache_set_ttl(struct auth_cache *cache, uint32_t ttl);

/* Returns the number of entries that are younger than the TTL. */
size_t auth_cache_count(const struct auth_cache *cache, uint32_t now);

#endif
