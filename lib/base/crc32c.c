/*
 * CRC-32C of records, by the processor's own instruction where it has one, and otherwise four bits
 * at a time. Stateless; any thread may call it.
 */
#include "lib/base/crc32c.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/crc32c_private.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

/* The remainder of each nibble; polynomial 0x1edc6f41, bits reflected. */
static const uint32_t table[16] = {
	0x00000000,
	0x105ec76f,
	0x20bd8ede,
	0x30e349b1,
	0x417b1dbc,
	0x5125dad3,
	0x61c69362,
	0x7198540d,
	0x82f63b78,
	0x92a8fc17,
	0xa24bb5a6,
	0xb21572c9,
	0xc38d26c4,
	0xd3d3e1ab,
	0xe330a81a,
	0xf36e6f75,
};

uint32_t crc32c_portable(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~(uint32_t)0;

	for (; len > 0; len--, p++) {
		crc = (crc >> 4) ^ table[(crc ^ *p) & 15];
		crc = (crc >> 4) ^ table[(crc ^ (uint32_t)(*p >> 4)) & 15];
	}
	return ~crc;
}

#if defined(__x86_64__)

static bool has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_fast(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t crc = ~(uint32_t)0, word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		crc = _mm_crc32_u64(crc, word);
	}
	for (; len > 0; len--, p++)
		crc = _mm_crc32_u8((uint32_t)crc, *p);
	return ~(uint32_t)crc;
}

#else

static bool has_instruction(void)
{
	return false;
}

static uint32_t crc32c_fast(const void *bytes, size_t len)
{
	return crc32c_portable(bytes, len);
}

#endif

uint32_t crc32c(const void *bytes, size_t len)
{
	return has_instruction() ? crc32c_fast(bytes, len) : crc32c_portable(bytes, len);
}
