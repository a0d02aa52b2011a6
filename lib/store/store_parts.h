#ifndef POSTERN_STORE_PARTS_H
#define POSTERN_STORE_PARTS_H

#include "lib/base/parallel.h"
#include "lib/store/store_row.h"

/* Bytes of a store below which a further thread does not pay. */
#define STORE_PART_MIN ((size_t)4 << 20)

/* Pass the rows of a part of a table to `rows`, which belongs to this part alone. Returns 0, or -1
 * if the store cannot be read. */
typedef int store_part_read(void *context, struct store_rows *rows, unsigned part, unsigned parts);

/*
 * Read a table in that many parts (at most PARALLEL_MAX), each in a thread of its own, and put them
 * together in their order, so that the result is that of one part. Profiles are read in one part
 * only. If it depends on the order of the rows which of them are in force (DOMAIN_IDN_MAX), the
 * table is read again in one part. Returns 0, or -1 if read() returned that or memory ran out.
 */
int store_parts_read(struct store_rows *rows, enum store_table table, unsigned parts,
	store_part_read *read, void *context);

#endif
