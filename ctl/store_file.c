/*
 * Reads the JSON store for a change by hand, checks the changed text as the daemon will, and
 * replaces the file unless somebody else has changed it. Owns the text.
 * t/integration/test_store_commands.py covers it.
 */
#include "ctl/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/problems.h"
#include "lib/base/strmap.h"
#include "lib/store/store_write.h"

#define STORE_TEXT_MAX ((uint64_t)256 << 20) /* bytes of a store that people edit */
#define MARK "\xef\xbb\xbf"

static int fail(const char *path, struct errmsg *err)
{
	return errmsg_set(err, "%s: %s", path, strerror(errno));
}

/* Have the store read as the daemon does. Returns 0 with its problems, or -1 with err set. */
static int parse(const struct store_file *file, const char *text, size_t len,
	struct problems *problems, bool *is_machine_r, struct errmsg *err)
{
	const struct store_source source = {
		.rcpt_re_anchored = file->config->settings->rcpt_re_anchored,
		.user = file->config->user,
		.problems = problems,
	};
	struct store store = { 0 };
	char *copy = malloc(len + 1);
	enum store_result result;

	if (copy == NULL)
		return errmsg_set(err, "out of memory");
	memcpy(copy, text, len);
	copy[len] = '\0';
	result = store_parse(file->config->store.path, copy, len, NULL, &source, &store, err);
	free(copy);
	if (result != STORE_READ)
		return -1;
	*is_machine_r = store.is_machine;
	store_clear(&store);
	return 0;
}

/* Use the rows of a copy of the database with the changes in its journal. */
static int read_copy(struct store_file *file, struct errmsg *err)
{
	const char *path = file->config->store.path;
	const struct store_source source = { 0 };
	struct strbuf text = STRBUF_INIT;
	struct store store = { 0 };
	int ret;

	if (store_read(path, &source, &store, err) != STORE_READ)
		return -1;
	ret = store_print(path, &store, &text, err);
	store_clear(&store);
	if (ret < 0)
		return -1;
	free(file->text);
	file->len = text.len;
	file->text = text.text;
	return 0;
}

static int read_tree(struct store_file *file, struct errmsg *err)
{
	const char *path = file->config->store.path;

	if (parse(file, file->text, file->len, NULL, &file->is_machine, err) != 0 ||
		(file->is_machine && read_copy(file, err) != 0))
		return -1;
	file->tree = json_loadb(file->text, file->len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_array(json_object_get(file->tree, "profiles")) ||
		!json_is_array(json_object_get(file->tree, "users")))
		return errmsg_set(err, "%s: add the arrays \"profiles\" and \"users\" by hand",
			path);
	return 0;
}

int store_file_read(const struct config *config, struct store_file *file_r, struct errmsg *err)
{
	const char *path = config->store.path;
	char *text;
	size_t len;

	*file_r = (struct store_file){ .config = config };
	if (*path == '\0')
		return errmsg_set(err, "%s: [store] path is empty, so that there %s", config->path,
			config->database.present ? "is no copy of the database" : "are no users");
	if (stat(path, &file_r->st) != 0)
		return errno == ENOENT ?
			errmsg_set(err, "%s: %s", path,
				config->database.present ?
					"there is no copy of the database yet; the daemon makes one "
					"when it has read the tables" :
					"there is no store yet; 'posternctl init' makes one") :
			fail(path, err);
	if ((file_r->path = realpath(path, NULL)) == NULL)
		return fail(path, err);
	if (file_read(path, STORE_TEXT_MAX, &text, &len, &file_r->stamp, err) != FILE_READ)
		return -1;
	file_r->has_mark = len >= strlen(MARK) && memcmp(text, MARK, strlen(MARK)) == 0;
	if (file_r->has_mark) {
		len -= strlen(MARK);
		memmove(text, text + strlen(MARK), len + 1);
	}
	file_r->text = text;
	file_r->len = len;
	return read_tree(file_r, err);
}

void store_file_clear(struct store_file *file)
{
	json_decref(file->tree);
	free(file->text);
	free(file->path);
	*file = (struct store_file){ .text = NULL };
}

static int report_change(const char *path, struct errmsg *err)
{
	return errmsg_set(err, "%s: somebody else has changed the file meanwhile; try again", path);
}

static bool is_read(const struct store_file *file, const struct stat *st)
{
	return st->st_dev == file->stamp.dev && st->st_ino == file->stamp.ino;
}

/*
 * Root must not follow a link that another user, such as the daemon's, has made: the link may lead
 * to any file, such as the store of another daemon. A user who may write in the directory can
 * exchange the link and a file between any two accesses to the path. Therefore each access must
 * find the file that was read.
 */
static int check_link(const struct store_file *file, struct errmsg *err)
{
	const char *path = file->config->store.path;
	struct stat st, real;

	if (lstat(path, &st) != 0)
		return fail(path, err);
	if (S_ISLNK(st.st_mode) && st.st_uid != 0 && st.st_uid != geteuid())
		return errmsg_set(err,
			"%s: is a symbolic link that belongs to user %lu; change %s itself, if that is "
			"the intended store",
			path, (unsigned long)st.st_uid, file->path);
	if ((!S_ISLNK(st.st_mode) && !is_read(file, &st)) || !is_read(file, &file->st) ||
		lstat(file->path, &real) != 0 || !is_read(file, &real))
		return report_change(path, err);
	return 0;
}

int store_file_check_own(const struct store_file *file, struct errmsg *err)
{
	if (check_link(file, err) != 0)
		return -1;
	if (!file->is_machine)
		return 0;
	return errmsg_set(err,
		"%s: the daemon wrote this file, as a copy of a database; a store of your own has only "
		"the keys format, profiles and users",
		file->path);
}

/* Find the first problem that is not among the old ones. Returns 0 if there is none, or -1 with err
 * set. */
static int find_new_problem(const struct problems *before, const struct problems *after,
	struct errmsg *err)
{
	struct strmap *old = strmap_new();
	const char *text;
	int ret = old == NULL ? errmsg_set(err, "out of memory") : 0;

	for (size_t i = 0; ret == 0 && i < problems_kept(before); i++) {
		text = problems_text(before, i);
		if (strmap_add(old, text, strlen(text), 0) < 0)
			ret = errmsg_set(err, "out of memory");
	}
	for (size_t i = 0; ret == 0 && i < problems_kept(after); i++) {
		text = problems_text(after, i);
		if (strmap_find(old, text, strlen(text), NULL) == 0)
			ret = errmsg_set(err, "%s", text);
	}
	strmap_free(&old);
	return ret;
}

int store_file_check(const struct store_file *file, const struct strbuf *text, const char *row,
	struct errmsg *left_r, struct errmsg *err)
{
	struct problems *before = problems_new_unlimited(), *after = problems_new_unlimited();
	bool unused;
	int ret = -1;

	if (before == NULL || after == NULL || text->failed)
		(void)errmsg_set(err, "out of memory");
	else if (parse(file, file->text, file->len, before, &unused, err) == 0)
		ret = parse(file, text->text, text->len, after, &unused, err);
	if (ret == 0)
		ret = find_new_problem(before, after, err);
	left_r->text[0] = '\0';
	for (size_t i = 0; ret == 0 && row != NULL && i < problems_kept(after); i++) {
		if (strstr(problems_text(after, i), row) == NULL)
			continue;
		(void)errmsg_set(left_r, "%s", problems_text(after, i));
		break;
	}
	problems_free(&before);
	problems_free(&after);
	return ret;
}

static int write_bytes(int fd, const char *bytes, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, bytes + done, len - done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

#define ACCESS_LIST "system.posix_acl_access"

/* Return whether the new file needs an extended attribute of the old one. Others may concern the
 * content, such as its signature. */
static bool is_to_copy(const char *name)
{
	return strcmp(name, ACCESS_LIST) == 0 || strcmp(name, "security.selinux") == 0 ||
		strncmp(name, "user.", 5) == 0;
}

/*
 * Give the new file the extended attributes of the store. Without the access control list the mode,
 * whose group bits are the list's mask, would give the group more. Other attributes may not be ours
 * to set.
 */
static int copy_attributes(const struct store_file *file, int fd)
{
	char names[4096], value[65536];
	const ssize_t names_len = llistxattr(file->path, names, sizeof(names));
	ssize_t len;

	if (names_len < 0)
		return errno == ENOTSUP || errno == ENOSYS ? 0 : -1;
	/* A default list of the directory has given the new file one. */
	if (fremovexattr(fd, ACCESS_LIST) != 0 && errno != ENODATA && errno != ENOTSUP)
		return -1;
	for (const char *name = names; name < names + names_len; name += strlen(name) + 1) {
		if (!is_to_copy(name))
			continue;
		len = lgetxattr(file->path, name, value, sizeof(value));
		if ((len < 0 || fsetxattr(fd, name, value, (size_t)len, 0) != 0) &&
			strcmp(name, ACCESS_LIST) == 0)
			return -1;
	}
	return 0;
}

/* Write the new text beside the store, with its owner, mode and attributes. */
static int write_beside(const struct store_file *file, char *path, const struct strbuf *text,
	struct errmsg *err)
{
	const int fd = mkostemp(path, O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return fail(file->path, err);
	if ((file->has_mark && write_bytes(fd, MARK, strlen(MARK)) != 0) ||
		write_bytes(fd, text->text, text->len) != 0 ||
		fchown(fd, file->st.st_uid, file->st.st_gid) != 0 ||
		copy_attributes(file, fd) != 0 || fchmod(fd, file->st.st_mode & 0777) != 0 ||
		fsync(fd) != 0)
		ret = fail(path, err);
	if (close(fd) != 0 && ret == 0)
		ret = fail(path, err);
	return ret;
}

/* Return whether a file is the one that was read, unchanged. */
static bool is_same(const struct store_file *file, const char *path)
{
	struct stat now;

	return lstat(path, &now) == 0 && now.st_dev == file->st.st_dev &&
		now.st_ino == file->st.st_ino && now.st_size == file->st.st_size &&
		now.st_mtim.tv_sec == file->st.st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == file->st.st_mtim.tv_nsec;
}

/*
 * Exchange the two files, so that one of them is the old file in any case, and look whether that is
 * the one that was read. A file system without exchange leaves a moment between looking and
 * replacing.
 */
static int replace(const struct store_file *file, const char *beside, struct errmsg *err)
{
	const char *path = file->path;

	if (!is_same(file, path))
		return report_change(path, err);
	if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
		if (is_same(file, beside))
			return 0;
		(void)renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE);
		return report_change(path, err);
	}
	if (errno == EBUSY || errno == EXDEV)
		return errmsg_set(err,
			"%s: the file itself is a mount, which cannot be replaced; mount its directory "
			"instead",
			path);
	if (errno != EINVAL && errno != ENOSYS)
		return fail(path, err);
	return rename(beside, path) == 0 ? 0 : fail(path, err);
}

/* Let the replacement outlast a crash of the system. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? NULL : strndup(path, (size_t)(slash - path) + 1);
	const int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	free(folder);
}

int store_file_write(const struct store_file *file, const struct strbuf *text, struct errmsg *err)
{
	sigset_t all, before;
	char *beside;
	int ret;

	if (asprintf(&beside, "%s.XXXXXX", file->path) < 0)
		return errmsg_set(err, "out of memory");
	/* A signal must not leave the file with the other name behind: it contains hashes. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	ret = write_beside(file, beside, text, err);
	if (ret == 0)
		ret = replace(file, beside, err);
	(void)unlink(beside); /* the old file, or the new one that is not wanted */
	sync_folder(file->path);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	free(beside);
	return ret;
}
