#ifndef POSTERN_VERIFIED_H
#define POSTERN_VERIFIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The memory of verified logins: which password was found right for which row, so that the next
 * login need not pay for hashing again. Holds keyed hashes (HMAC-SHA-256 of the row's name, its
 * password hash and the password) and nothing else: a row that changes is not found any more. Of a
 * fixed size; the oldest make room. Never on disk. One thread at a time. Times are seconds of a
 * clock that never goes back.
 */
struct verified;

#define VERIFIED_KEY_SIZE 32

/* key: random bytes. ttl in seconds; 0 remembers nothing. entries is rounded up to a power of 2.
 * NULL when out of memory. */
struct verified *verified_new(const uint8_t key[VERIFIED_KEY_SIZE], size_t entries, uint32_t ttl);
void verified_free(struct verified **verified); /* wipes; takes NULL */

/* One login: the row's name and hash, and the password. Borrowed. */
struct verified_login {
	const char *name, *hash, *password;
};

/* Whether this very login was found right not longer than the TTL ago. */
bool verified_has(struct verified *verified, const struct verified_login *login, uint32_t now);

void verified_add(struct verified *verified, const struct verified_login *login, uint32_t now);

void verified_set_ttl(struct verified *verified, uint32_t ttl);
void verified_clear(struct verified *verified);
size_t verified_count(const struct verified *verified, uint32_t now); /* those that still hold */

#endif
