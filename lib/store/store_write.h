#ifndef POSTERN_STORE_WRITE_H
#define POSTERN_STORE_WRITE_H

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/base/strbuf.h"
#include "lib/conf/file.h"
#include "lib/store/store_read.h"

/*
 * Write the profiles and users of store (either may be NULL: none) with its revision and time as
 * JSON, one row per line, to a file of mode 0600 that then replaces path. A complete store at path
 * becomes PATH.prev; a torn one is overwritten. store_read() returns the same rows that were
 * written.
 *
 * A file at path that this function did not write (one made by hand, for
 * example) is kept as PATH.saved-TIME, which is also added to problems as a note. Returns 0, or -1
 * with err set and the old file in place. Changes can be appended to *base_r, which may be NULL; a
 * journal of the old file is removed.
 */
int store_write(const char *path, const struct store *store, struct store_base *base_r,
	struct problems *problems, struct errmsg *err);

/* The same, but if only is not NULL, replace nothing but the file with that stamp. Returns 1, 0 if
 * another file is at path, or -1. */
int store_write_over(const char *path, const struct store *store, const struct store_base *only,
	struct store_base *base_r, struct problems *problems, struct errmsg *err);

/* Make the JSON text of store without a checksum, which the caller frees. path is used in messages.
 * Returns 0, or -1 with err set. */
int store_print(const char *path, const struct store *store, struct strbuf *text_r,
	struct errmsg *err);

#endif
