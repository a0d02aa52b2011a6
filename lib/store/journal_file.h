#ifndef POSTERN_JOURNAL_FILE_H
#define POSTERN_JOURNAL_FILE_H

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/file.h"
#include "lib/store/store_base.h"

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

enum journal_append {
	JOURNAL_APPENDED,
	JOURNAL_FAILED,	  /* what was there before is intact; err set */
	JOURNAL_OUTDATED, /* the store or its journal is not that of base any more; err set */
};

/*
 * Append lines (see store_journal.h) to the journal of base, or begin it in place of whatever is at
 * its path, and wait until they are on the disk. What follows the end of base is cut off. *base is
 * advanced only after JOURNAL_APPENDED.
 */
enum journal_append journal_file_append(const char *store_path, struct store_base *base,
	const char *lines, size_t len, struct errmsg *err);

/* Remove the journal of a store that was replaced. If that fails, readers ignore the journal,
 * because it names another store. */
void journal_file_remove(const char *store_path);

#endif
