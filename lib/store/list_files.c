/*
 * Reads the list files of a directory. A missing file is an empty list. Holds no state; any thread.
 * t/unit/test_policy_files.c covers the reading of all files together.
 */
#include "lib/store/list_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int list_file_path(const char *directory, enum list_id id, char **path_r)
{
	char *path;

	if (asprintf(&path, "%s/%s", directory, list_name(id)) < 0)
		return -1;
	*path_r = path;
	return 0;
}

/* Read the text of a list file; a missing file has the text "". */
static int read_text(const char *path, uint64_t max, char **text_r, size_t *len_r,
	struct file_stamp *stamp_r, struct errmsg *err)
{
	switch (file_read(path, max, text_r, len_r, stamp_r, err)) {
	case FILE_READ:
		return 0;
	case FILE_MISSING:
		if ((*text_r = calloc(1, 1)) == NULL)
			return errmsg_set(err, "%s: out of memory", path);
		*len_r = 0;
		*stamp_r = (struct file_stamp){ 0 };
		return 0;
	case FILE_FAILED:
		break;
	}
	return -1;
}

int list_file_read(const struct list_source *source, enum list_id id, struct list **list_r,
	struct file_stamp *stamp_r, struct errmsg *err)
{
	struct file_stamp stamp;
	struct list *list = NULL;
	char *path = NULL, *text = NULL;
	size_t len;
	int ret = -1;

	if (list_file_path(source->directory, id, &path) < 0) {
		(void)errmsg_set(err, "%s: out of memory", source->directory);
		goto out;
	}
	if (read_text(path, source->max_file, &text, &len, &stamp, err) < 0)
		goto out;
	if ((list = list_build(id, text, len, source->psl, source->problems)) == NULL) {
		(void)errmsg_set(err, "%s: out of memory", path);
		goto out;
	}
	if (stamp_r != NULL)
		*stamp_r = stamp;
	*list_r = list;
	ret = 0;
out:
	free(path);
	free(text);
	return ret;
}

int list_files_read(const struct list_source *source, struct list **lists_r, struct errmsg *err)
{
	struct list *lists[LIST_COUNT] = { NULL };
	struct file_stamp folder;
	int i;

	if (file_stamp(source->directory, &folder, err) < 0)
		return -1;
	if (!folder.exists)
		problems_add(source->problems,
			"%s: the directory does not exist, so that all lists are empty",
			source->directory);
	for (i = 0; i < LIST_COUNT; i++) {
		if (list_file_read(source, i, &lists[i], NULL, err) < 0) {
			list_files_free(lists);
			return -1;
		}
	}
	memcpy(lists_r, lists, sizeof(lists));
	return 0;
}

void list_files_free(struct list **lists)
{
	int i;

	for (i = 0; i < LIST_COUNT; i++)
		list_unref(&lists[i]);
}
