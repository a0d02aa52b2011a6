#ifndef POSTERN_STORE_CHECKSUM_H
#define POSTERN_STORE_CHECKSUM_H

#include <stddef.h>

/* SHA-256 of the bytes of a store, in hexadecimal. Detects torn files and mistakes, not attacks. */
#define STORE_CHECKSUM_SIZE 65 /* with its NUL */

struct store_checksum;

struct store_checksum *store_checksum_new(void); /* NULL when out of memory */
int store_checksum_add(struct store_checksum *checksum, const void *bytes, size_t len);
int store_checksum_end(struct store_checksum *checksum, char hex_r[STORE_CHECKSUM_SIZE]);
void store_checksum_free(struct store_checksum **checksum); /* accepts NULL */

#endif
