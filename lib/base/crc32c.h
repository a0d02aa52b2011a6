#ifndef POSTERN_CRC32C_H
#define POSTERN_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * The CRC-32C (Castagnoli; RFC 3720 appendix B.4 has test vectors) of some bytes. It detects torn
 * and damaged records but does not protect against forgery. Thread-safe.
 */
uint32_t crc32c(const void *bytes, size_t len);

#endif
