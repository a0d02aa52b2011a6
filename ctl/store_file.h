#ifndef POSTERN_STORE_FILE_H
#define POSTERN_STORE_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"
#include "lib/conf/config.h"
#include "lib/conf/file.h"

/* The JSON store as a person wrote it: its text, and the same as a tree. */
struct store_file {
	const struct config *config; /* borrowed */
	char *text;		     /* without a byte order mark */
	size_t len;
	bool has_mark; /* the file begins with a byte order mark */
	json_t *tree;  /* an object, with arrays "profiles" and "users" */
	struct stat st;
	struct file_stamp stamp; /* of the file whose text was read */
	char *path;		 /* where it really is, behind symbolic links */
	bool is_machine;	 /* the daemon wrote it, as a copy of a database */
};

/*
 * Read the store of a configuration. Returns 0, or -1 with err set: it does not exist, cannot be
 * read, or is not a store. store_file_clear() frees *file_r in both cases.
 */
int store_file_read(const struct config *config, struct store_file *file_r, struct errmsg *err);
void store_file_clear(struct store_file *file);

/* Return 0 if the file may be changed, or -1 with err set: it is the daemon's copy of a database,
 * the link of another user leads to it, or the path has changed since it was read. */
int store_file_check_own(const struct store_file *file, struct errmsg *err);

/*
 * Return 0 if the daemon would accept the new text as it did the old one. A problem that the old
 * one does not have is an error: -1 with err set. row ("users id 3 (", or NULL) begins the problems
 * of the row that changes: the first that it still has is written to left_r, else "".
 */
int store_file_check(const struct store_file *file, const struct strbuf *text, const char *row,
	struct errmsg *left_r, struct errmsg *err);

/*
 * Replace the file by the new text, with the same owner, mode, access control list, label of
 * SELinux and attributes of users.
 * Returns 0, or -1 with err set and the file as it was, also when it has changed since it was read.
 */
int store_file_write(const struct store_file *file, const struct strbuf *text, struct errmsg *err);

#endif
