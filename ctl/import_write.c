/*
 * Writes an imported configuration: into a new directory beside the wanted one, which it then
 * becomes, so that a failure leaves nothing behind. Others who may write in the parent can rename
 * the new directory and put a link in its place, so that it is used by its descriptor. Owns
 * nothing. t/integration/test_import_haraka.py covers it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import.h"

#define DAEMON_USER "postern" /* the default of [milter] user */

/* The new directory, before it gets its name. */
struct output {
	char *folder;
	int fd;
	uid_t owner; /* of the secrets; (uid_t)-1: the process's */
};

static int fail(const char *path, struct errmsg *err)
{
	return errmsg_set(err, "%s: %s", path, strerror(errno));
}

static int fail_in(const struct output *out, const char *name, struct errmsg *err)
{
	return errmsg_set(err, "%s/%s: %s", out->folder, name, strerror(errno));
}

/* Write a file of the new directory. */
static int write_file(const struct output *out, const char *name, mode_t mode, const char *text,
	size_t len, struct errmsg *err)
{
	const int fd =
		openat(out->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	size_t done = 0;
	ssize_t n = 0;
	int ret = 0;

	while (fd >= 0 && done < len &&
		((n = write(fd, text + done, len - done)) > 0 || (n < 0 && errno == EINTR)))
		done += n > 0 ? (size_t)n : 0;
	if (fd < 0 || done < len || fchmod(fd, mode) != 0 ||
		(mode == 0600 && out->owner != (uid_t)-1 &&
			fchown(fd, out->owner, (gid_t)-1) != 0) ||
		fsync(fd) != 0)
		ret = fail_in(out, name, err);
	if (fd >= 0 && close(fd) != 0 && ret == 0)
		ret = fail_in(out, name, err);
	return ret;
}

/* Root's daemon becomes another user, who needs the secrets for reloads. */
static uid_t secret_owner(void)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	if (geteuid() != 0 || getpwnam_r(DAEMON_USER, &entry, text, sizeof(text), &found) != 0 ||
		found == NULL)
		return (uid_t)-1;
	return found->pw_uid;
}

static int write_secret(const struct output *out, const char *name, const char *secret,
	struct errmsg *err)
{
	return secret == NULL ? 0 : write_file(out, name, 0600, secret, strlen(secret), err);
}

static int write_lists(const struct import *import, const struct output *out, struct errmsg *err)
{
	char *path;
	int ret = 0;

	if (mkdirat(out->fd, "lists", 0755) != 0 || fchmodat(out->fd, "lists", 0755, 0) != 0)
		ret = fail_in(out, "lists", err);
	for (int i = 0; i < LIST_COUNT && ret == 0; i++) {
		if (import->lists[i].len == 0)
			continue;
		if (asprintf(&path, "lists/%s", list_name((enum list_id)i)) < 0)
			return errmsg_set(err, "out of memory");
		ret = write_file(out, path, 0644, import->lists[i].text, import->lists[i].len, err);
		free(path);
	}
	return ret;
}

/* Write postern.conf; a key that contradicts others is reported and left out. */
static int write_conf(struct import *import, const struct output *out, struct errmsg *err)
{
	static const char comment[] = "; Made by posternctl import-haraka.";
	struct strbuf text = STRBUF_INIT;
	struct import_key refused;
	int ret;

	while ((ret = import_conf_write(&import->conf, "/postern.conf", comment, &text, &refused,
			err)) > 0)
		import_report_add(&import->report, IMPORT_REFUSED, refused.file, refused.line,
			"[%s] %s: %s", refused.section, refused.name, err->text);
	if (ret == 0 && out != NULL)
		ret = write_file(out, "postern.conf", 0644, text.text, text.len, err);
	strbuf_free(&text);
	return ret;
}

/* Remove what has been written. */
static void undo(const struct output *out)
{
	static const char *const files[] = { "postern.conf", "password", "secret" };
	char *path;

	for (int i = 0; i < LIST_COUNT; i++) {
		if (asprintf(&path, "lists/%s", list_name((enum list_id)i)) < 0)
			continue;
		(void)unlinkat(out->fd, path, 0);
		free(path);
	}
	(void)unlinkat(out->fd, "lists", AT_REMOVEDIR);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(out->fd, files[i], 0);
	(void)rmdir(out->folder);
}

/* Make the new directory beside the wanted one, and open it unless somebody has replaced it. */
static int make_folder(struct output *out, const char *wanted, struct errmsg *err)
{
	struct stat st;
	int fd;

	if (mkdtemp(out->folder) == NULL)
		return fail(wanted, err);
	fd = open(out->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
		(st.st_mode & 0777) == 0700) {
		out->fd = fd;
		return 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return errmsg_set(err, "%s: somebody else has replaced this directory", out->folder);
}

/* Give the new directory its name, at which there may be an empty one. */
static int rename_folder(const struct output *out, const char *folder, struct errmsg *err)
{
	if (fchmod(out->fd, 0755) != 0)
		return fail(out->folder, err);
	if (rename(out->folder, folder) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return errmsg_set(err,
			"%s: the directory is not empty; choose a new one, and copy the files from "
			"there",
			folder);
	if (errno == ENOTDIR)
		return errmsg_set(err, "%s: is not a directory", folder);
	return fail(folder, err);
}

int import_write(struct import *import, const char *folder, struct errmsg *err)
{
	struct output out = { .fd = -1, .owner = secret_owner() };
	size_t len;
	int ret;

	if (folder == NULL)
		return write_conf(import, NULL, err);
	len = strlen(folder);
	while (len > 1 && folder[len - 1] == '/')
		len--;
	if (asprintf(&out.folder, "%.*s.XXXXXX", (int)len, folder) < 0)
		return errmsg_set(err, "out of memory");
	ret = make_folder(&out, folder, err);
	if (ret == 0)
		ret = write_conf(import, &out, err);
	if (ret == 0)
		ret = write_lists(import, &out, err);
	if (ret == 0)
		ret = write_secret(&out, "password", import->password, err);
	if (ret == 0)
		ret = write_secret(&out, "secret", import->secret, err);
	if (ret == 0)
		ret = rename_folder(&out, folder, err);
	if (ret != 0 && out.fd >= 0)
		undo(&out);
	if (out.fd >= 0)
		(void)close(out.fd);
	free(out.folder);
	return ret;
}
