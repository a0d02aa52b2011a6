/*
 * Opens the listening sockets of logins, or inherits them from systemd. It owns nothing; the caller
 * gets the sockets. It runs before there is a second thread.
 */
#include "milter/auth/auth_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/conf/options.h"

#define BACKLOG 1024
#define LISTEN_FDS_START 3
#define LISTEN_FDS_MAX 1024

static const char *const names[AUTH_SOCKETS] = {
	[AUTH_SOCKET_DOVECOT] = "auth",
	[AUTH_SOCKET_DOVECOT_INET] = "auth-inet",
	[AUTH_SOCKET_SASLAUTHD] = "saslauthd",
};

/* Returns the path of "unix:/path", or NULL for an inet socket. */
static const char *unix_path(const char *socket)
{
	return strncmp(socket, "unix:", 5) == 0 ? socket + 5 : NULL;
}

/* Copy the host after the @ without brackets, as in "[::1]". A host that is too long for an address
 * becomes "". */
static void copy_host(const char *socket, char host_r[INET6_ADDRSTRLEN])
{
	const char *host = strchr(socket, '@');
	size_t len;

	host = host == NULL ? "" : host + 1;
	len = strlen(host);
	if (host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= INET6_ADDRSTRLEN)
		len = 0;
	memcpy(host_r, host, len);
	host_r[len] = '\0';
}

/*
 * Read "inet:PORT@HOST" or "inet6:PORT@HOST". HOST must be of loopback, because every process that
 * can connect may try any password.
 */
static int read_inet(const char *socket, struct sockaddr_storage *address_r, socklen_t *len_r,
	struct errmsg *err)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address_r;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address_r;
	const char *port = strchr(socket, ':') + 1;
	unsigned long number = strtoul(port, NULL, 10);
	char text[INET6_ADDRSTRLEN];
	const char *host = text;

	memset(address_r, 0, sizeof(*address_r));
	copy_host(socket, text);
	if (strcmp(host, "localhost") == 0)
		host = strncmp(socket, "inet6:", 6) == 0 ? "::1" : "127.0.0.1";
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1 &&
		ntohl(in->sin_addr.s_addr) >> 24 == 127) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)number);
		*len_r = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 &&
		IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)number);
		*len_r = sizeof(*in6);
		return 0;
	}
	return errmsg_set(err,
		"socket %s: logins are served on loopback only; use 127.0.0.1 or ::1", socket);
}

static int open_inet(const char *socket_name, int *fd_r, struct errmsg *err)
{
	struct sockaddr_storage address;
	socklen_t len = 0;
	const int one = 1;
	int fd;

	if (read_inet(socket_name, &address, &len, err) < 0)
		return -1;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
		bind(fd, (const struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0) {
		(void)errmsg_set(err, "socket %s: %s", socket_name, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	*fd_r = fd;
	return 0;
}

/* Give a new directory to the daemon's user, unless somebody has replaced it. */
static void give_directory(const char *directory, const struct listen_owner *owner)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid())
		(void)!fchown(fd, owner->uid, owner->gid);
	if (fd >= 0)
		(void)close(fd);
}

/* Make the directory of the socket, if its parent exists, as listen_unix() makes the socket.
 * Returns whether the directory exists. */
static bool make_directory(const char *path, const struct listen_owner *owner)
{
	char directory[108];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);
	struct errmsg ignored;
	mode_t old_mask;
	bool exists;

	if (len == 0 || len >= sizeof(directory))
		return true;
	memcpy(directory, path, len);
	directory[len] = '\0';
	if (listen_become_maker(path, owner->uid, &ignored) != 0)
		return false;
	old_mask = umask(022); /* the MTA needs to pass it, whatever the unit's UMask= is */
	exists = mkdir(directory, 0755) == 0;
	(void)umask(old_mask);
	if (!exists)
		exists = errno == EEXIST;
	else if (owner->uid != (uid_t)-1 && geteuid() == 0)
		give_directory(directory, owner);
	listen_become_root();
	return exists;
}

static int open_unix(const char *path, const struct listen_owner *owner, int *fd_r,
	struct errmsg *err)
{
	if (listen_unix(path, owner, fd_r, err) != 0)
		return -1;
	(void)listen(*fd_r, BACKLOG); /* a longer queue than listen_unix() has set */
	return 0;
}

/* ---- from systemd ---------------------------------------------------------------- */

/* Returns whether the inherited socket has the configured address. */
static bool is_at(int fd, const char *socket)
{
	struct sockaddr_storage own, wanted;
	struct sockaddr_un *own_un = (struct sockaddr_un *)&own;
	socklen_t len = sizeof(own), wanted_len = 0;
	const char *path = unix_path(socket);

	memset(&own, 0, sizeof(own));
	if (socket[0] == '\0' || getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		return false;
	if (path != NULL)
		return own.ss_family == AF_UNIX && strcmp(own_un->sun_path, path) == 0;
	return read_inet(socket, &wanted, &wanted_len, NULL) == 0 && len == wanted_len &&
		memcmp(&own, &wanted, len) == 0;
}

/* Returns whether the name with this number in LISTEN_FDNAMES is `name`. */
static bool is_named(const char *all, int number, const char *name)
{
	size_t len;

	for (; all != NULL && number > 0; number--) {
		all = strchr(all, ':');
		all = all == NULL ? NULL : all + 1;
	}
	if (all == NULL)
		return false;
	len = strcspn(all, ":");
	return strlen(name) == len && strncmp(all, name, len) == 0;
}

/* Returns whether connections of streams can be accepted on the socket. */
static bool is_listening(int fd)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0;
}

/* Every process that can connect can try passwords, so a socket of the unit must not be reachable
 * from other machines either. */
static int check_inherited(int fd, const char *name, struct errmsg *err)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	const struct sockaddr_in *in = (const struct sockaddr_in *)&own;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&own;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&own;
	socklen_t len = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		return errmsg_set(err, "socket %s of systemd: %s", name, strerror(errno));
	if (!is_listening(fd))
		return errmsg_set(err,
			"socket %s of systemd: it does not listen for streams; the unit needs "
			"ListenStream= and Accept=no",
			name);
	if (own.ss_family == AF_UNIX && un->sun_path[0] == '\0')
		return errmsg_set(err,
			"socket %s of systemd: every process can connect to an abstract socket; "
			"give it a path in the unit",
			name);
	if (own.ss_family != AF_UNIX && strcmp(name, names[AUTH_SOCKET_SASLAUTHD]) == 0)
		return errmsg_set(err,
			"socket %s of systemd: it must be a unix socket, because libsasl uses no other",
			name);
	if (own.ss_family == AF_UNIX ||
		(own.ss_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == 127) ||
		(own.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)))
		return 0;
	return errmsg_set(err,
		"socket %s of systemd: logins are served on loopback only; use 127.0.0.1 or ::1 in "
		"the unit",
		name);
}

/*
 * Write the name of an inherited socket to which everybody can connect, although the configured one
 * is a unix socket, whose mode the configuration's notes look at. Without SocketMode=, systemd
 * makes such a one.
 */
static void note_loose(int fd, const char *configured, char name_r[108])
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	const struct sockaddr_un *un = (const struct sockaddr_un *)&own;
	socklen_t len = sizeof(own) - 1; /* the path may have no NUL of its own */
	struct stat st;

	if (unix_path(configured) == NULL || getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		return;
	if (own.ss_family != AF_UNIX)
		(void)text_format(name_r, 108, "the TCP socket in place of %s",
			unix_path(configured));
	else if (stat(un->sun_path, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		(void)text_format(name_r, 108, "%s", un->sun_path);
}

/* Write the name of an inherited socket. */
static void describe(int fd, char name_r[108])
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	const struct sockaddr_un *un = (const struct sockaddr_un *)&own;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&own;
	socklen_t len = sizeof(own) - 1;
	const bool is_socket = getsockname(fd, (struct sockaddr *)&own, &len) == 0;

	if (is_socket && own.ss_family == AF_UNIX && un->sun_path[0] != '\0')
		(void)text_format(name_r, 108, "%s", un->sun_path);
	else if (is_socket && (own.ss_family == AF_INET || own.ss_family == AF_INET6))
		(void)text_format(name_r, 108, "TCP port %u", ntohs(in->sin_port));
	else
		(void)text_format(name_r, 108, "the descriptor %d", fd);
}

/* Note an inherited socket that has the name of a configured one, but is at another place, or whose
 * file is no longer there: systemd passes it on although nobody can connect any more. */
static void note_elsewhere(int fd, const char *configured, char text_r[256])
{
	const char *path = unix_path(configured);
	char name[108];
	struct stat own, wanted;

	describe(fd, name);
	/* Links may lead to it. */
	if (is_at(fd, configured) ||
		(path != NULL && stat(name, &own) == 0 && stat(path, &wanted) == 0 &&
			own.st_dev == wanted.st_dev && own.st_ino == wanted.st_ino)) {
		if (path != NULL && !listen_is_reached(fd, path))
			(void)text_format(text_r, 256, "%s, whose file is gone or was replaced",
				name);
		return;
	}
	(void)text_format(text_r, 256, "%s in place of %s", name, path == NULL ? configured : path);
}

/* Find the configured sockets among those that systemd hands over, and note another one. Returns 0,
 * or -1 with err set. */
static int inherit_sockets(const char *const sockets[AUTH_SOCKETS], struct auth_sockets *sockets_r,
	struct errmsg *err)
{
	const char *pid = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS"),
		   *fd_names = getenv("LISTEN_FDNAMES");
	long count = count_text == NULL ? 0 : strtol(count_text, NULL, 10);

	if (pid == NULL || strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	if (count > LISTEN_FDS_MAX)
		return errmsg_set(err, "systemd passes %ld sockets; at most %d are supported",
			count, LISTEN_FDS_MAX);
	for (int i = 0; i < count; i++) {
		int fd = LISTEN_FDS_START + i;
		bool is_known = false;

		for (int s = 0; s < AUTH_SOCKETS && !is_known; s++) {
			if (sockets_r->fd[s] >= 0 || sockets[s][0] == '\0' ||
				(!is_named(fd_names, i, names[s]) && !is_at(fd, sockets[s])))
				continue;
			if (check_inherited(fd, names[s], err) != 0)
				return -1;
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
			(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
			note_loose(fd, sockets[s], sockets_r->loose);
			note_elsewhere(fd, sockets[s], sockets_r->elsewhere);
			sockets_r->fd[s] = fd;
			is_known = true;
		}
		if (is_known)
			continue;
		if (sockets_r->ignored[0] == '\0')
			describe(fd, sockets_r->ignored);
		(void)close(fd); /* or clients would wait until their time is over */
	}
	return 0;
}

/* ---- all ------------------------------------------------------------------------- */

/* Whether the socket is not the administrator's choice, so that its directory may be missing. */
static bool is_default(const struct config_auth *config, int which)
{
	if (which == AUTH_SOCKET_DOVECOT)
		return config->socket_chosen;
	return which == AUTH_SOCKET_SASLAUTHD &&
		strcmp(options_find("auth", "saslauthd")->fallback, config->saslauthd) == 0;
}

static int check_saslauthd(const struct config_auth *config, struct errmsg *err)
{
	if (config->saslauthd[0] != '\0' && unix_path(config->saslauthd) == NULL)
		return errmsg_set(err,
			"[auth] saslauthd: it must be a unix socket, because libsasl uses no other");
	return 0;
}

int auth_sockets_check(const struct config_auth *config, struct errmsg *err)
{
	struct sockaddr_storage address;
	socklen_t len;

	if (check_saslauthd(config, err) < 0)
		return -1;
	if (config->socket[0] != '\0' && unix_path(config->socket) == NULL &&
		read_inet(config->socket, &address, &len, err) < 0)
		return errmsg_prefix(err, "[auth] socket: ");
	if (config->inet_socket[0] != '\0' && unix_path(config->inet_socket) == NULL &&
		read_inet(config->inet_socket, &address, &len, err) < 0)
		return errmsg_prefix(err, "[auth] inet_socket: ");
	return 0;
}

int auth_sockets_open(const struct config_auth *config, const struct listen_owner *owner,
	struct auth_sockets *sockets_r, struct errmsg *err)
{
	const char *const sockets[AUTH_SOCKETS] = { config->socket, config->inet_socket,
		config->saslauthd };
	struct auth_sockets made = { .fd = { -1, -1, -1 } };
	int ret = 0;

	if (check_saslauthd(config, err) < 0 || inherit_sockets(sockets, &made, err) < 0)
		return -1;
	for (int s = 0; s < AUTH_SOCKETS && ret == 0; s++) {
		const char *path = unix_path(sockets[s]);

		if (sockets[s][0] == '\0' || made.fd[s] >= 0)
			continue;
		if (path != NULL && !make_directory(path, owner) && is_default(config, s)) {
			made.without_folder = true;
		} else if (path == NULL) {
			ret = open_inet(sockets[s], &made.fd[s], err);
		} else if ((ret = open_unix(path, owner, &made.fd[s], err)) == 0) {
			listen_note_file(path, &made.file[s]);
		}
	}
	if (ret != 0) {
		for (int s = 0; s < AUTH_SOCKETS; s++) {
			listen_remove(&made.file[s], owner->uid);
			if (made.fd[s] >= 0)
				(void)close(made.fd[s]);
		}
		return -1;
	}
	*sockets_r = made;
	return 0;
}

void auth_sockets_unlink(const struct auth_sockets *sockets)
{
	for (int s = 0; s < AUTH_SOCKETS; s++)
		listen_remove(&sockets->file[s], (uid_t)-1);
}
