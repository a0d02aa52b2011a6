/*
 * Listening unix sockets: removing stale ones, and their owner and mode. Owns root's groups while
 * it acts as the daemon's user. The umask and the effective user belong to the process, so these
 * functions run while the main thread is the only one.
 */
#include "milter/loop/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define GROUP_BYTES_MAX ((size_t)1 << 24) /* of a group with its members */
#define GROUPS_MAX 256			  /* of a user */

static int address_of(const char *path, struct sockaddr_un *address_r, struct errmsg *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(address.sun_path))
		return errmsg_set(err, "socket %s: the path must have 1 to %zu bytes", path,
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, len + 1);
	*address_r = address;
	return 0;
}

/* Return whether a process accepts connections on the socket, even if its backlog is full. */
static bool is_answered(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answered;

	if (fd < 0)
		return true; /* unknown, so do not remove the socket */
	answered = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		(errno != ECONNREFUSED && errno != ENOENT);
	(void)close(fd);
	return answered;
}

bool listen_is_reached(int fd, const char *path)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };
	const bool had_client = poll(&look, 1, 0) != 0;
	struct sockaddr_un address;
	struct errmsg unused;
	bool is_reached = true; /* unknown */
	int client;

	if (address_of(path, &address, &unused) != 0)
		return true;
	if ((client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return true;
	if (connect(client, (const struct sockaddr *)&address, sizeof(address)) == 0)
		is_reached = had_client || poll(&look, 1, 0) != 0;
	else
		is_reached = errno != ENOENT && errno != ENOTDIR && errno != ECONNREFUSED;
	(void)close(client);
	return is_reached;
}

/* ---- the user who makes the file ---------------------------------------------------------- */

/* Root's groups while it acts as the user. */
static struct {
	bool are_saved;
	gid_t effective, more[GROUPS_MAX];
	int count;
} own;

/* Take the user's groups, because a directory may be writable for one of them. Root may have taken
 * the primary one already. Returns -1 with errno set. */
static int take_groups(uid_t user)
{
	/* cppcheck-suppress getpwuidCalled ; this is the only thread yet */
	const struct passwd *entry = getpwuid(user);
	gid_t primary;

	own.effective = getegid();
	if (entry == NULL)
		return 0;
	if ((own.count = getgroups(GROUPS_MAX, own.more)) < 0)
		return -1;
	own.are_saved = true;
	primary = own.effective == 0 ? entry->pw_gid : own.effective;
	return initgroups(entry->pw_name, primary) != 0 || setegid(primary) != 0 ? -1 : 0;
}

static void raise_rights(void)
{
	if (getuid() == 0 && geteuid() != 0)
		(void)!seteuid(0);
}

void listen_become_root(void)
{
	raise_rights();
	if (own.are_saved) {
		(void)!setgroups((size_t)own.count, own.more);
		(void)!setegid(own.effective);
	}
	own.are_saved = false;
}

/* Ask the kernel whether the user may write the directory, be it by a mode or by an access control
 * list. The process has his groups. */
static bool may_write(int directory, uid_t user)
{
	bool may = true; /* unknown, so that root makes nothing */

	if (seteuid(user) == 0)
		may = faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0 ||
			(errno != EACCES && errno != EPERM && errno != EROFS);
	raise_rights();
	return may;
}

/* Return whether the user can put something else in the place of a directory's entry (NULL:
 * missing). */
static bool may_replace(const char *path, const struct stat *entry, uid_t user)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat directory;
	bool may = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &directory) != 0 || directory.st_uid == user)
		may = true;
	else if ((directory.st_mode & S_ISVTX) == 0 || entry == NULL || entry->st_uid == user)
		may = may_write(fd, user);
	(void)close(fd);
	return may;
}

/* Return whether the user can replace a component of the folder. */
static bool is_below(const char *folder, uid_t user)
{
	char *prefix = strdup(folder);
	char *slash = prefix == NULL || prefix[0] == '\0' ? NULL : strchr(prefix + 1, '/'), *next;
	bool found = prefix == NULL; /* unknown, so that root makes nothing */
	struct stat entry;
	bool exists;

	for (; !found && slash != NULL; slash = next) {
		if ((next = strchr(slash + 1, '/')) != NULL)
			*next = '\0';
		exists = lstat(prefix, &entry) == 0;
		*slash = '\0';
		found = may_replace(prefix, exists ? &entry : NULL, user);
		*slash = '/';
		if (next != NULL)
			*next = '/';
	}
	free(prefix);
	return found;
}

/* Return whether the user can change where the path's directory is, by its name or by links. */
static bool may_be_moved(const char *path, uid_t user)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? NULL : strndup(path, (size_t)(slash - path)), *real = NULL;
	bool moved = false;

	if (folder != NULL) {
		real = realpath(folder, NULL);
		moved = is_below(folder, user) || (real != NULL && is_below(real, user));
	}
	free(folder);
	free(real);
	return moved;
}

int listen_become_maker(const char *path, uid_t user, struct errmsg *err)
{
	int ret = 0;

	if (geteuid() != 0 || user == (uid_t)-1 || user == 0)
		return 0;
	if (take_groups(user) != 0 || (may_be_moved(path, user) && seteuid(user) != 0))
		ret = errmsg_set(err, "%s: cannot act as user %lu: %s", path, (unsigned long)user,
			strerror(errno));
	if (ret != 0 || geteuid() == 0)
		listen_become_root();
	return ret;
}

void listen_note_file(const char *path, struct listen_file *file_r)
{
	struct stat st;

	*file_r = (struct listen_file){ .path = NULL };
	if (lstat(path, &st) == 0)
		*file_r = (struct listen_file){ path, st.st_dev, st.st_ino };
}

void listen_remove(const struct listen_file *file, uid_t user)
{
	struct errmsg ignored;
	struct stat st;

	if (file->path == NULL)
		return;
	if (listen_become_maker(file->path, user, &ignored) == 0 && lstat(file->path, &st) == 0 &&
		st.st_dev == file->dev && st.st_ino == file->ino)
		(void)unlink(file->path);
	listen_become_root();
}

/* ---- the file ----------------------------------------------------------------------------- */

int listen_clear(const char *path, struct errmsg *err)
{
	struct sockaddr_un address;
	struct stat st;

	if (address_of(path, &address, err) != 0)
		return -1;
	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return errmsg_set(err, "socket %s: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return errmsg_set(err,
			"socket %s: the file exists and is not a socket; remove it, or set another path",
			path);
	if (is_answered(&address))
		return errmsg_set(err, "socket %s: another daemon uses it", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return errmsg_set(err,
			"socket %s: cannot remove the socket of an earlier daemon: %s", path,
			strerror(errno));
	return 0;
}

mode_t listen_mask(const struct listen_owner *owner)
{
	return umask(0777 & ~owner->mode);
}

/*
 * Whether this is the socket that the process has bound. Others who may write in its folder can put
 * there links and sockets of their own, and rename ours, but can make none that is ours.
 */
static bool is_own_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid() &&
		st.st_nlink == 1;
}

/* Change the owner, with root's rights if the process may have them. */
static int give(int fd, const struct listen_owner *owner)
{
	const uid_t maker = geteuid();
	int ret, error;

	raise_rights();
	ret = fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH);
	error = errno;
	if (maker != geteuid() && seteuid(maker) != 0)
		ret = -1;
	errno = error;
	return ret;
}

int listen_own(const char *path, const struct listen_owner *owner, mode_t old_mask,
	struct errmsg *err)
{
	int fd, ret = 0;

	(void)umask(old_mask);
	if (owner->uid == (uid_t)-1 && owner->gid == (gid_t)-1)
		return 0;
	if ((fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return errmsg_set(err, "socket %s: %s", path, strerror(errno));
	if (!is_own_socket(fd)) {
		ret = errmsg_set(err,
			"socket %s: another user has replaced it; put it in a folder where only "
			"root and the daemon's user may write",
			path);
	} else if (give(fd, owner) != 0) {
		/* EINVAL: the user namespace of the unit lacks the group. */
		ret = errmsg_set(err, "socket %s: cannot set its owner and group: %s%s", path,
			strerror(errno),
			errno == EINVAL ? "; with socket_group, the unit needs PrivateUsers=no" :
					  "");
	}
	(void)close(fd);
	return ret;
}

static int make_socket(const char *path, const struct listen_owner *owner, int *fd_r,
	struct errmsg *err)
{
	struct sockaddr_un address;
	mode_t old_mask;
	int fd, bound;

	if (listen_clear(path, err) != 0 || address_of(path, &address, err) != 0)
		return -1;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return errmsg_set(err, "socket %s: %s", path, strerror(errno));
	old_mask = listen_mask(owner);
	bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	if (bound != 0) {
		(void)errmsg_set(err, "socket %s: %s", path, strerror(errno));
		(void)umask(old_mask);
	} else if (listen_own(path, owner, old_mask, err) != 0) {
		bound = -1;
		(void)unlink(path);
	} else if (listen(fd, BACKLOG) != 0) {
		bound = errmsg_set(err, "socket %s: %s", path, strerror(errno));
	}
	if (bound != 0) {
		(void)close(fd);
		return -1;
	}
	*fd_r = fd;
	return 0;
}

int listen_unix(const char *path, const struct listen_owner *owner, int *fd_r, struct errmsg *err)
{
	int ret = listen_become_maker(path, owner->uid, err);

	if (ret == 0)
		ret = make_socket(path, owner, fd_r, err);
	listen_become_root();
	return ret;
}

int listen_group(const char *name, gid_t *gid_r, struct errmsg *err)
{
	struct group entry, *found = NULL;
	char *text = NULL, *grown;
	size_t size = 1024;
	int error = ERANGE;

	if (name[0] == '\0') {
		*gid_r = (gid_t)-1;
		return 0;
	}
	for (; error == ERANGE && size <= GROUP_BYTES_MAX; size *= 4) {
		if ((grown = realloc(text, size)) == NULL) {
			error = ENOMEM;
			break;
		}
		text = grown;
		error = getgrnam_r(name, &entry, text, size, &found);
	}
	if (found != NULL)
		*gid_r = entry.gr_gid;
	free(text);
	if (found == NULL && error != 0) {
		(void)errmsg_set(err, "cannot look up the group '%s': %s", name, strerror(error));
		return LISTEN_LOOKUP_FAILED;
	}
	return found != NULL ? 0 : errmsg_set(err, "the group '%s' does not exist", name);
}
