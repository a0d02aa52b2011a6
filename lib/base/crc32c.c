/*
 * CRC-32C of records, computed four bits at a time.
 * Stateless; any thread may call it.
 */
#include "lib/base/crc32c.h"

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

uint32_t crc32c(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~(uint32_t)0;

	for (; len > 0; len--, p++) {
		crc = (crc >> 4) ^ table[(crc ^ *p) & 15];
		crc = (crc >> 4) ^ table[(crc ^ (uint32_t)(*p >> 4)) & 15];
	}
	return ~crc;
}
