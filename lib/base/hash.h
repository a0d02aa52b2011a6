#ifndef POSTERN_HASH_H
#define POSTERN_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") under a key of this process,
 * so that an attacker who chooses names or addresses cannot choose collisions. A hash must not
 * leave the process, because the next one has another key.
 */
uint64_t hash_bytes(const void *bytes, size_t len);

/* As before, under the caller's key: the same in each process, and on each machine of one byte
 * order. */
uint64_t hash_with_key(const uint64_t key[2], const void *bytes, size_t len);

/*
 * Set the key from 16 random bytes. Call this once, before the first table is built and before
 * there are threads; without it, the key is a fixed one.
 */
void hash_set_key(const uint8_t key[16]);

#endif
