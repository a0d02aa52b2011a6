/*
 * SipHash under a key of the process. Owns that key, which is set once before there are threads;
 * afterwards any thread may hash.
 */
#include "lib/base/hash.h"

#include <string.h>

static uint64_t own_key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };

void hash_set_key(const uint8_t key[16])
{
	memcpy(own_key, key, sizeof(own_key));
}

static inline uint64_t rotl(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* Read the last bytes, fewer than 8, as the lower part of a word. */
static inline uint64_t read_rest(const uint8_t *p, size_t left)
{
	uint64_t word = 0;
	uint32_t four;
	uint16_t two;
	unsigned bits = 0;

	if (left & 4) {
		memcpy(&four, p, sizeof(four));
		word = four;
		p += sizeof(four);
		bits = 32;
	}
	if (left & 2) {
		memcpy(&two, p, sizeof(two));
		word |= (uint64_t)two << bits;
		p += sizeof(two);
		bits += 16;
	}
	if (left & 1)
		word |= (uint64_t)*p << bits;
	return word;
}

static inline uint64_t sip_hash(const uint64_t key[2], const void *bytes, size_t len)
{
	uint64_t v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575),
		key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261),
		key[1] ^ UINT64_C(0x7465646279746573),
	};
	const uint8_t *p = bytes;
	uint64_t word, last = (uint64_t)len << 56;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	last |= read_rest(p, left);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
	return sip_hash(own_key, bytes, len);
}

uint64_t hash_with_key(const uint64_t key[2], const void *bytes, size_t len)
{
	return sip_hash(key, bytes, len);
}
