#ifndef POSTERN_HASH_H
#define POSTERN_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") under
 * this process's key: whoever chooses names or addresses can't choose
 * collisions. Not for anything that leaves the process.
 */
uint64_t hash_bytes(const void *bytes, size_t len);

/*
 * Set the key from 16 random bytes. To be called once, before the first table
 * is built and before there are threads; without it the key is a fixed one.
 */
void hash_set_key(const uint8_t key[16]);

#endif
