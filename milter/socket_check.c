/*
 * Checks for `postern -n` whether other programs serve the daemon's sockets. Owns nothing; one
 * thread calls it. t/integration/test_check_sockets.py covers it.
 */
#include "milter/socket_check.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "milter/daemon_find.h"

/* In place of the id of a process */
#define NO_SERVER 0
#define HIDDEN_SERVER (-1) /* in a namespace that this process does not see */
#define OTHER_SERVER (-2)  /* one that cannot be ours, because it does not listen for streams */

/* Report the process if it is neither a daemon with this configuration nor systemd, which holds
 * sockets for it. */
static void check_server(const struct config *config, const char *section, const char *key,
	long pid, struct files_report *report)
{
	char name[DAEMON_NAME_SIZE] = "", other[DAEMON_PATH_SIZE];
	struct errmsg err;

	if (pid == NO_SERVER || pid == 1 || (pid > 0 && !daemon_find_name(pid, name)))
		return;
	if (pid > 0 && daemon_find_is_ours(pid, name, config->user)) {
		if (!daemon_find_other_config(pid, config->path, other))
			return;
		/* Or somebody tries a copy of the daemon's configuration. */
		(void)errmsg_set(&err,
			"a daemon with another configuration (process %ld, %s) serves it, so that "
			"a daemon with this one does not start beside it",
			pid, other);
		(void)config_key_error(config, section, key, &err);
		problems_note(report->problems, "%s", err.text);
		return;
	}
	if (pid == HIDDEN_SERVER)
		(void)errmsg_set(&err,
			"a process outside of this container serves it, so that the daemon does not "
			"start; set another socket");
	else if (pid == OTHER_SERVER)
		(void)errmsg_set(&err,
			"another program uses it, so that the daemon does not start; stop that "
			"program, or set another socket");
	else
		(void)errmsg_set(&err,
			"another program (%s, process %ld) serves it, so that the daemon does not "
			"start; stop that program, or set another socket",
			name, pid);
	(void)config_key_error(config, section, key, &err);
	problems_add(report->unreadable, "%s", err.text);
}

/* ---- unix sockets -------------------------------------------------------------------------- */

/* Return the process that listens on the path, NO_SERVER, HIDDEN_SERVER or OTHER_SERVER. */
static long find_unix_server(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);
	long server = NO_SERVER;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path) ||
		(fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return server;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
		server = peer.pid > 0 ? peer.pid : HIDDEN_SERVER;
	else if (errno == EPROTOTYPE)
		server = OTHER_SERVER;
	(void)close(fd);
	return server;
}

/* ---- inet sockets -------------------------------------------------------------------------- */

static bool is_inet(const char *value)
{
	return strncmp(value, "inet:", 5) == 0 || strncmp(value, "inet6:", 6) == 0;
}

/* Look up "inet:PORT@HOST". Returns NULL if there is no such address; start_check() reports that.
 */
static struct addrinfo *find_address(const char *value)
{
	const bool is_six = strncmp(value, "inet6:", 6) == 0;
	const struct addrinfo hints = { .ai_family = is_six ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	char text[NI_MAXHOST], *at, *host;
	struct addrinfo *found = NULL;

	(void)text_format(text, sizeof(text), "%s", strchr(value, ':') + 1);
	if ((at = strchr(text, '@')) == NULL)
		return NULL;
	*at = '\0';
	host = at + 1 + (at[1] == '[');
	host[strcspn(host, "]")] = '\0';
	return getaddrinfo(host, text, &hints, &found) == 0 ? found : NULL;
}

static unsigned port_of(const struct addrinfo *address)
{
	/* The port is at the same place in both. */
	return ntohs(((const struct sockaddr_in *)(const void *)address->ai_addr)->sin_port);
}

/* Return whether a socket at one address leaves none of its port for the other. */
static bool covers(const struct addrinfo *one, const struct addrinfo *other)
{
	static const struct in6_addr any;

	if (port_of(one) != port_of(other))
		return false;
	if (one->ai_family == AF_INET6 &&
		memcmp(&((const struct sockaddr_in6 *)(const void *)one->ai_addr)->sin6_addr, &any,
			sizeof(any)) == 0)
		return true; /* that of IPv4, too */
	if (one->ai_family != other->ai_family)
		return false;
	return (one->ai_family == AF_INET &&
		       ((const struct sockaddr_in *)(const void *)one->ai_addr)->sin_addr.s_addr ==
			       INADDR_ANY) ||
		memcmp(one->ai_addr, other->ai_addr, one->ai_addrlen) == 0;
}

bool socket_check_same_inet(const char *a, const char *b)
{
	struct addrinfo *first = NULL, *second = NULL;
	bool same = false;

	if (is_inet(a) && is_inet(b) && (first = find_address(a)) != NULL &&
		(second = find_address(b)) != NULL)
		same = covers(first, second) || covers(second, first);
	if (first != NULL)
		freeaddrinfo(first);
	if (second != NULL)
		freeaddrinfo(second);
	return same;
}

/* Read the number that follows the colon of "ADDRESS:PORT" in a table of /proc/net. */
static unsigned long port_in(const char *address)
{
	const char *colon = strchr(address, ':');

	return colon == NULL ? 0 : strtoul(colon + 1, NULL, 16);
}

/* Return the inode of the socket that listens on the port in a table below /proc/net, or 0. */
static unsigned long find_inode(const char *table, unsigned port)
{
	enum { LOCAL = 1, STATE = 3, INODE = 9, FIELDS };
	const char *fields[FIELDS];
	unsigned long inode = 0;
	char line[512], *at, *field;
	FILE *file = fopen(table, "re");
	int count;

	while (file != NULL && inode == 0 && fgets(line, sizeof(line), file) != NULL) {
		at = line;
		for (count = 0; count < FIELDS && (field = strsep(&at, " \n")) != NULL;) {
			if (field[0] != '\0')
				fields[count++] = field;
		}
		if (count == FIELDS && strcmp(fields[STATE], "0A") == 0 &&
			port_in(fields[LOCAL]) == port)
			inode = strtoul(fields[INODE], NULL, 10);
	}
	if (file != NULL)
		(void)fclose(file);
	return inode;
}

/* Return whether the process has the socket open. */
static bool has_socket(const char *pid, unsigned long inode)
{
	char path[300], wanted[40], target[40];
	const struct dirent *entry;
	bool found = false;
	ssize_t len;
	DIR *folder;

	(void)text_format(wanted, sizeof(wanted), "socket:[%lu]", inode);
	(void)text_format(path, sizeof(path), "/proc/%s/fd", pid);
	if ((folder = opendir(path)) == NULL)
		return false;
	/* cppcheck-suppress readdirCalled ; no other thread reads this stream */
	while (!found && (entry = readdir(folder)) != NULL) {
		len = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	(void)closedir(folder);
	return found;
}

/* Return a process that has the socket open; a daemon of ours or systemd if it is one of several.
 */
static long find_owner(unsigned long inode)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	char name[DAEMON_NAME_SIZE];
	long owner = 0;

	/* cppcheck-suppress readdirCalled ; no other thread reads this stream */
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
			!has_socket(entry->d_name, inode))
			continue;
		owner = strtol(entry->d_name, NULL, 10);
		if (owner == 1 || (daemon_find_name(owner, name) && strcmp(name, "postern") == 0))
			break;
	}
	if (folder != NULL)
		(void)closedir(folder);
	return owner;
}

static long find_inet_server(unsigned port)
{
	unsigned long inode = find_inode("/proc/net/tcp", port);

	if (inode == 0)
		inode = find_inode("/proc/net/tcp6", port);
	if (inode == 0)
		return access("/proc/net/tcp", R_OK) == 0 ? OTHER_SERVER : NO_SERVER;
	return find_owner(inode);
}

/* Bind a socket to the address. Returns 0 or an error. */
static int try_bind(const struct addrinfo *address)
{
	const int one = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
		bind(fd, address->ai_addr, address->ai_addrlen) != 0)
		error = errno;
	(void)close(fd);
	return error;
}

static void check_inet(const struct config *config, const char *section, const char *key,
	const char *value, struct files_report *report)
{
	struct addrinfo *address = find_address(value);
	struct errmsg err;
	int error;

	if (address == NULL)
		return;
	error = try_bind(address);
	if (error == EADDRINUSE) {
		check_server(config, section, key, find_inet_server(port_of(address)), report);
	} else if (error != 0) {
		(void)errmsg_set(&err, "cannot be opened, so that the daemon does not start: %s",
			strerror(error));
		(void)config_key_error(config, section, key, &err);
		problems_add(report->unreadable, "%s", err.text);
	}
	freeaddrinfo(address);
}

/* ---- all ----------------------------------------------------------------------------------- */

void socket_check(const struct config *config, struct files_report *report)
{
	const struct {
		const char *section, *key, *value;
	} sockets[] = { { "milter", "socket", config->milter.socket },
		{ "control", "socket", config->control.socket },
		{ "auth", "socket", config->auth.socket },
		{ "auth", "inet_socket", config->auth.inet_socket },
		{ "auth", "saslauthd", config->auth.saslauthd } };

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		const char *value = sockets[i].value;

		if (is_inet(value))
			check_inet(config, sockets[i].section, sockets[i].key, value, report);
		else if (value[0] != '\0')
			check_server(config, sockets[i].section, sockets[i].key,
				find_unix_server(value + (strncmp(value, "unix:", 5) == 0 ? 5 : 0)),
				report);
	}
}
