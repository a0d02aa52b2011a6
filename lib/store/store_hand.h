#ifndef POSTERN_STORE_HAND_H
#define POSTERN_STORE_HAND_H

#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/store/store_row.h"

/*
 * Read the rows of a JSON store that store_write() did not make. Used by store_read.c. Returns 0,
 * or -1 with err set if the text is not such a store.
 */
int store_hand_read(struct store_rows *rows, const char *text, size_t len, struct errmsg *err);

#endif
