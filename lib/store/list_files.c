/*
 * Reads the list files of a directory. A missing file is an empty list. Holds no state; any thread.
 * t/unit/test_policy_files.c covers the reading of all files together.
 */
#include "lib/store/list_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/near_name.h"
#include "lib/base/text.h"
#include "lib/conf/file_access.h"

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

static size_t whole_lines(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] != '\n')
		len--;
	return len;
}

int list_file_read(const struct list_source *source, enum list_id id, struct list **list_r,
	struct file_stamp *stamp_r, struct errmsg *err)
{
	struct file_stamp stamp, folder;
	struct list *list = NULL;
	char *path = NULL, *text = NULL;
	size_t len;
	int ret = -1;

	/* Below a link to nothing, each file would seem to be missing. */
	if (file_stamp(source->directory, &folder, err) < 0)
		return -1;
	if (list_file_path(source->directory, id, &path) < 0) {
		(void)errmsg_set(err, "%s: out of memory", source->directory);
		goto out;
	}
	if (read_text(path, source->max_file, &text, &len, &stamp, err) < 0)
		goto out;
	if (source->whole_lines)
		len = whole_lines(text, len);
	list = list_rebuild(source->previous != NULL ? source->previous[id] : NULL, id,
		&(const struct list_text){ text, len, source->is_unwanted }, source->psl,
		source->problems);
	if (list == NULL) {
		(void)errmsg_set(err, "%s: out of memory", path);
		goto out;
	}
	file_note_use(&(const struct file_use){ .path = path,
			      .folder = source->directory,
			      .user = source->user,
			      .can = "change the list" },
		source->problems);
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
	list_files_report_names(source);
	for (i = 0; i < LIST_COUNT; i++) {
		if (list_file_read(source, i, &lists[i], NULL, err) < 0) {
			list_files_free(lists);
			return -1;
		}
	}
	memcpy(lists_r, lists, sizeof(lists));
	return 0;
}

/* Return the length of the list's name with which a file's name begins, or 0. */
static size_t prefix_of_list(const char *name)
{
	size_t longest = 0, len;

	for (int i = 0; i < LIST_COUNT; i++) {
		len = strlen(list_name((enum list_id)i));
		if (len > longest && strncasecmp(name, list_name((enum list_id)i), len) == 0)
			longest = len;
	}
	return longest;
}

/* Return whether a file is a backup, or belongs to an editor or a package manager. */
static bool is_backup(const char *name)
{
	static const char *const endings[] = { "~", ".bak", ".old", ".orig", ".save", ".sav",
		".swp", ".swo", ".tmp", ".new", ".prev", ".rej", ".disabled", ".off", ".example",
		".sample", ".dist", ".ini" };
	static const char *const parts[] = { ".dpkg-", ".rpm", ".ucf-", ".bak." };
	const char *rest = name + prefix_of_list(name);
	size_t len = strlen(name), i;

	if (name[0] == '.' || name[0] == '#' ||
		(rest > name && *rest != '\0' && rest[strspn(rest, ".-_0123456789")] == '\0'))
		return true;
	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (len > strlen(endings[i]) &&
			strcasecmp(name + len - strlen(endings[i]), endings[i]) == 0)
			return true;
	}
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strstr(name, parts[i]) != NULL)
			return true;
	}
	return false;
}

/* Write a name with other words for a list that allows or denies as the names of lists have them,
 * so that "denylist" is not read as "whitelist". */
static void write_usual_words(const char *name, char *usual_r, size_t size)
{
	static const char *const words[][2] = { { "denylist", "blacklist" },
		{ "blocklist", "blacklist" }, { "allowlist", "whitelist" },
		{ "passlist", "whitelist" }, { "safelist", "whitelist" } };
	size_t i;

	(void)text_format(usual_r, size, "%s", name);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *at = strcasestr(name, words[i][0]);

		if (at != NULL)
			(void)text_format(usual_r, size, "%.*s%s%s", (int)(at - name), name,
				words[i][1], at + strlen(words[i][0]));
	}
}

/* Return the name of the list that is probably meant by the name of a file; NULL if none is, or if
 * it is that name. */
static const char *nearest_list(const char *name)
{
	unsigned best = NEAR_NAME_MAX;
	const char *near = NULL;
	size_t prefix = prefix_of_list(name);
	char usual[300];

	write_usual_words(name, usual, sizeof(usual));

	for (int i = 0; i < LIST_COUNT; i++) {
		const char *list = list_name((enum list_id)i);

		if (strcmp(name, list) == 0)
			return NULL;
		if (near_name_better(usual, list, &best) ||
			(near == NULL && prefix == strlen(list) &&
				strncasecmp(name, list, prefix) == 0 &&
				strchr(".-_", name[prefix]) != NULL))
			near = list;
	}
	return near;
}

static bool is_list(const char *name)
{
	int id = 0;

	while (id < LIST_COUNT && strcmp(name, list_name((enum list_id)id)) != 0)
		id++;
	return id < LIST_COUNT;
}

void list_files_report_names(const struct list_source *source)
{
	const char *directory = source->directory;
	struct problems *problems = source->problems;
	bool has_list = false, has_near = false, has_file = false;
	const struct dirent *file;
	const char *near;
	DIR *folder;

	file_note_use(&(const struct file_use){ .path = directory,
			      .user = source->user,
			      .can = "add a list" },
		problems);
	if ((folder = opendir(directory)) == NULL) {
		if (errno == EACCES && access(directory, X_OK) == 0) /* else no list can be read */
			problems_add(problems,
				"%s: the directory cannot be listed, so that a file with a mistyped name "
				"is not found; let the daemon's user read it",
				directory);
		return;
	}
	problems_begin(problems);
	/* cppcheck-suppress readdirCalled ; no other thread reads this stream */
	while ((file = readdir(folder)) != NULL) {
		has_list = has_list || is_list(file->d_name);
		has_file = has_file || file->d_name[0] != '.';
		if (is_backup(file->d_name) || (near = nearest_list(file->d_name)) == NULL)
			continue;
		has_near = true;
		problems_add(problems,
			"%s/%s: the file is not read, because no list has this name; did you "
			"mean %s?",
			directory, file->d_name, near);
	}
	if (has_file && !has_list && !has_near)
		problems_note(problems,
			"%s: none of the files in this directory is a list, so that all lists are "
			"empty; check [lists] directory",
			directory);
	problems_end(problems, directory, "file");
	(void)closedir(folder);
}

void list_files_free(struct list **lists)
{
	int i;

	for (i = 0; i < LIST_COUNT; i++)
		list_unref(&lists[i]);
}
