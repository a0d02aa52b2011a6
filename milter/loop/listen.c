/*
 * Listening unix sockets: removing stale ones, and their owner and mode. Owns nothing. The umask
 * belongs to the process, so these functions run while the main thread is the only one.
 */
#include "milter/loop/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define GROUP_BYTES_MAX ((size_t)1 << 24) /* of a group with its members */

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
	} else if (fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) != 0) {
		/* EINVAL: the user namespace of the unit lacks the group. */
		ret = errmsg_set(err, "socket %s: cannot set its owner and group: %s%s", path,
			strerror(errno),
			errno == EINVAL ? "; with socket_group, the unit needs PrivateUsers=no" :
					  "");
	}
	(void)close(fd);
	return ret;
}

int listen_unix(const char *path, const struct listen_owner *owner, int *fd_r, struct errmsg *err)
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
	if (found == NULL && error != 0)
		return errmsg_set(err, "cannot look up the group '%s': %s", name, strerror(error));
	return found != NULL ? 0 : errmsg_set(err, "the group '%s' does not exist", name);
}
