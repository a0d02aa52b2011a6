#ifndef POSTERN_CRC32C_PRIVATE_H
#define POSTERN_CRC32C_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

/* crc32c() without the processor's instruction, for processors that lack it, and for tests. */
uint32_t crc32c_portable(const void *bytes, size_t len);

#endif
