#ifndef POSTERN_LIST_FILES_H
#define POSTERN_LIST_FILES_H

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/file.h"
#include "lib/match/orgdomain.h"
#include "lib/rules/list.h"

/* Where a list's file is; path_r is the caller's to free(). -1 when out of memory. */
int list_file_path(const char *directory, enum list_id id, char **path_r);

/*
 * Read one list file of directory. A missing one is an empty list. Bad lines are named
 * in problems ("NAME:LINE: ..."). 0 with one reference in *list_r; -1 with err set (unreadable, too
 * long, changed while it was read: try again). stamp_r may be NULL.
 */
int list_file_read(const char *directory, enum list_id id, uint64_t max, struct orgdomain *psl,
	struct list **list_r, struct file_stamp *stamp_r, struct problems *problems,
	struct errmsg *err);

/*
 * Read all of them into lists_r[LIST_COUNT], each with one reference. stamps_r[LIST_COUNT] may be
 * NULL. A directory that is missing is a problem, and all lists are empty. After -1 nothing is set.
 */
int list_files_read(const char *directory, uint64_t max, struct orgdomain *psl,
	struct list **lists_r, struct file_stamp *stamps_r, struct problems *problems,
	struct errmsg *err);

void list_files_free(struct list **lists); /* LIST_COUNT of them, some may be NULL */

#endif
