#ifndef POSTERN_JOURNAL_FILE_H
#define POSTERN_JOURNAL_FILE_H

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/file.h"
#include "lib/store/store_base.h"
#include <stdbool.h>

/*
 * The file PATH.journal beside the store PATH. Only one process may append to it, but others may
 * read it meanwhile.
 */

/* Return the path of a store's journal; the caller frees it. NULL when out of memory. */
char *journal_file_path(const char *store_path);

/*
 * Read the journal at a path, which must be a file of the store's owner, of the process's user or
 * of root: a link, for example, is not followed. Returns FILE_READ, FILE_MISSING, or FILE_FAILED
 * with err set to what is wrong. The caller frees *text_r.
 */
enum file_result journal_file_read(const char *path, const char *store_path, char **text_r,
	size_t *len_r, struct file_stamp *stamp_r, struct errmsg *err);

/* Return whether the store's journal is still as base describes it. */
bool journal_file_is_that_of(const char *store_path, const struct store_base *base);

enum journal_append {
	JOURNAL_APPENDED,
	JOURNAL_FAILED,	  /* there is no room; what was there before is intact; err set */
	JOURNAL_OUTDATED, /* the journal of base cannot be written, or is another one; err set */
};

/*
 * Append lines (see store_journal.h) to the journal of base, or begin it in place of whatever is at
 * its path, and wait until they are on the disk. What follows the end of base is cut off. *base is
 * advanced only after JOURNAL_APPENDED.
 */
enum journal_append journal_file_append(const char *store_path, struct store_base *base,
	const char *lines, size_t len, struct errmsg *err);

/* Return the path of the journal of PATH.prev, which is kept with that file, because without it the
 * rows would be as old as the file. Returns NULL when out of memory; the caller frees it. */
char *journal_file_prev_path(const char *store_path);

/*
 * The two steps around the replacement of a store: before it, forget the journal of the PATH.prev
 * that goes; after it, retire the journal of the store that was replaced, which is PATH.prev now if
 * is_prev. A crash between the two leaves the journal at its old path, where readers of PATH.prev
 * find it, and those of PATH ignore it.
 */
void journal_file_forget_prev(const char *store_path);
void journal_file_retire(const char *store_path, bool is_prev);

#endif
