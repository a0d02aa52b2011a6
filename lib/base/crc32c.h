#ifndef POSTERN_CRC32C_H
#define POSTERN_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli; RFC 3720 appendix B.4 has test vectors) of some bytes: tells a torn or
 * damaged record from a whole one, and is no protection against anybody. Thread-safe.
 */
uint32_t crc32c(const void *bytes, size_t len);

#endif
