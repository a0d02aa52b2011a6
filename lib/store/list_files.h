#ifndef POSTERN_LIST_FILES_H
#define POSTERN_LIST_FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/file.h"
#include "lib/match/orgdomain.h"
#include "lib/rules/list.h"

/* Set *path_r to the path of a list file; the caller frees it. Returns 0, or -1 when out of memory.
 */
int list_file_path(const char *directory, enum list_id id, char **path_r);

/* The list files and how to read them. Borrows everything. */
struct list_source {
	const char *directory;
	uint64_t max_file;		/* bytes: a longer file is an error */
	struct list *const *previous;	/* LIST_COUNT earlier lists, each may be NULL; NULL: none */
	struct orgdomain *psl;		/* finds organizational domains */
	struct problems *problems;	/* receives the bad lines ("NAME:LINE: ..."); may be NULL */
	uid_t user;			/* the daemon's, as in struct file_use */
	bool whole_lines;		/* leave out a last line that does not end yet */
	const atomic_bool *is_unwanted; /* as in struct list_text */
};

/*
 * Read one list file; a missing one is an empty list. Returns 0 with one reference in *list_r, or
 * -1 with err set (unreadable, too long, changed while it was read: try again). stamp_r may be
 * NULL.
 */
int list_file_read(const struct list_source *source, enum list_id id, struct list **list_r,
	struct file_stamp *stamp_r, struct errmsg *err);

/*
 * Read all list files into lists_r[LIST_COUNT], each with one reference. A missing directory is a
 * problem, and all lists are empty. Returns 0, or -1 with err set and lists_r unchanged.
 */
int list_files_read(const struct list_source *source, struct list **lists_r, struct errmsg *err);

/*
 * Report the files of the directory whose name is nearly that of a list, and which are therefore
 * not read, and note who else may change the directory. Backups and files of editors are not
 * reported, nor is a directory that cannot be read.
 */
void list_files_report_names(const struct list_source *source);

/* Return LIST_COUNT references; each may be NULL. */
void list_files_free(struct list **lists);

#endif
