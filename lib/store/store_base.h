#ifndef POSTERN_STORE_BASE_H
#define POSTERN_STORE_BASE_H

#include <stdint.h>

#include "lib/conf/file.h"
#include "lib/store/store_checksum.h"

/* Where the next line of a journal belongs. A plain value; zeros: the journal has to be begun. */
struct journal_end {
	uint64_t len;
	uint32_t chain; /* the checksum of the last line */
};

/*
 * A store that Postern wrote, and its journal, to which changes can be appended. A plain value; if
 * checksum is "", there is no such store.
 */
struct store_base {
	char checksum[STORE_CHECKSUM_SIZE]; /* of the store, in its last line */
	struct file_stamp file;		    /* the store */
	uint64_t journal_dev, journal_ino;  /* only if end.len > 0 */
	struct journal_end end;
};

#endif
