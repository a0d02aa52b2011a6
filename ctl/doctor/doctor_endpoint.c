/*
 * Sockets as smtpd sees them: finds them from outside of its chroot, and really connects to them as
 * its user. Owns nothing. t/integration/test_doctor_sockets.py covers it.
 */
#include "ctl/doctor/doctor_endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/doctor/doctor_names.h"
#include "ctl/doctor/doctor_run.h"
#include "lib/base/text.h"

#define CONNECT_SECONDS 5
#define GREETING_MAX 65536

/* Split "HOST:PORT" or "[HOST]:PORT". Returns 0, or -1. */
static int split_host(const char *text, struct doctor_endpoint *endpoint)
{
	const char *colon = strrchr(text, ':');
	size_t len;

	if (colon == NULL || colon[1] == '\0')
		return -1;
	len = (size_t)(colon - text);
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(endpoint->host) || strlen(colon + 1) >= sizeof(endpoint->port))
		return -1;
	(void)text_format(endpoint->host, sizeof(endpoint->host), "%.*s", (int)len, text);
	(void)text_format(endpoint->port, sizeof(endpoint->port), "%s", colon + 1);
	endpoint->is_inet = true;
	return 0;
}

int doctor_endpoint_resolve(const struct doctor_instance *instance,
	const struct doctor_service *service, const char *address, bool is_sasl,
	struct doctor_endpoint *endpoint_r)
{
	const char *queue = doctor_postfix_value(instance->values, "queue_directory");
	const char *path = address;

	*endpoint_r = (struct doctor_endpoint){ .is_inet = false };
	if (strncmp(address, "inet:", 5) == 0)
		return split_host(address + 5, endpoint_r);
	if (strncmp(address, "unix:", 5) == 0)
		path = address + 5;
	else if (!is_sasl)
		return split_host(address, endpoint_r);
	if (*path == '\0' || strlen(path) >= sizeof(endpoint_r->path) ||
		strlen(path) + strlen(queue) + 2 >= sizeof(endpoint_r->outside))
		return -1;
	(void)text_format(endpoint_r->path, sizeof(endpoint_r->path), "%s", path);
	(void)text_format(endpoint_r->outside, sizeof(endpoint_r->outside), "%s%s%s",
		path[0] == '/' && !service->is_chrooted ? "" : queue, path[0] == '/' ? "" : "/",
		path);
	return 0;
}

bool doctor_endpoint_is(const struct doctor_endpoint *endpoint, const char *setting)
{
	struct stat a, b;

	if (strncmp(setting, "inet", 4) == 0) {
		const char *colon = strchr(setting, ':');
		const size_t len = colon == NULL ? 0 : strcspn(colon + 1, "@");

		return endpoint->is_inet && len > 0 && strlen(endpoint->port) == len &&
			strncmp(endpoint->port, colon + 1, len) == 0;
	}
	if (strncmp(setting, "unix:", 5) == 0)
		setting += 5;
	else if (strncmp(setting, "local:", 6) == 0)
		setting += 6;
	if (endpoint->is_inet || setting[0] != '/')
		return false;
	if (stat(endpoint->outside, &a) == 0 && stat(setting, &b) == 0)
		return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	return strcmp(endpoint->outside, setting) == 0;
}

/* Connect to a unix socket. Returns 0 or an errno. */
static int connect_path(const char *path, int *fd_r)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = CONNECT_SECONDS };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int code = 0;

	if (fd < 0)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (strlen(path) >= sizeof(address.sun_path)) {
		(void)close(fd);
		return ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		code = errno;
	if (code == 0 && fd_r != NULL)
		*fd_r = fd;
	else
		(void)close(fd);
	return code;
}

/* Connect to a host. Returns 0 or an errno; EHOSTUNREACH if its name is not found. */
static int connect_host(const struct doctor_endpoint *endpoint, int *fd_r)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval limit = { .tv_sec = CONNECT_SECONDS };
	struct addrinfo *found;
	int code = EHOSTUNREACH;

	if (getaddrinfo(endpoint->host, endpoint->port, &hints, &found) != 0)
		return code;
	for (const struct addrinfo *at = found; at != NULL && code != 0; at = at->ai_next) {
		const int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);

		code = fd < 0 ? errno : 0;
		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		if (connect(fd, at->ai_addr, at->ai_addrlen) != 0)
			code = errno == EINPROGRESS ? ETIMEDOUT : errno;
		if (code == 0 && fd_r != NULL)
			*fd_r = fd;
		else
			(void)close(fd);
	}
	freeaddrinfo(found);
	return code;
}

/* Set the identity that Postfix's master gives the service. Returns 0, or -1 with err set. */
static int find_identity(const struct doctor_instance *instance,
	const struct doctor_service *service, struct doctor_identity *identity_r,
	struct errmsg *err)
{
	const char *owner = doctor_postfix_value(instance->values, "mail_owner");
	const char *queue = doctor_postfix_value(instance->values, "queue_directory");

	*identity_r = (struct doctor_identity){ .root = service->is_chrooted ? queue : NULL,
		.folder = service->is_chrooted ? NULL : queue };
	if (service->is_privileged)
		return 0;
	if (!doctor_find_user(owner, &identity_r->uid, &identity_r->gid))
		return errmsg_set(err, "the user %s (mail_owner) does not exist", owner);
	identity_r->name = owner;
	return 0;
}

static int connect_in_child(void *context)
{
	return connect_path(context, NULL);
}

int doctor_endpoint_connect(const struct doctor_instance *instance,
	const struct doctor_service *service, const struct doctor_endpoint *endpoint,
	struct errmsg *err)
{
	struct doctor_identity identity;

	if (endpoint->is_inet)
		return connect_host(endpoint, NULL);
	if (find_identity(instance, service, &identity, err) != 0)
		return -1;
	return doctor_run_as(&identity, connect_in_child, (void *)(uintptr_t)endpoint->path, err);
}

int doctor_endpoint_try(const struct doctor_endpoint *endpoint)
{
	return endpoint->is_inet ? connect_host(endpoint, NULL) :
				   connect_path(endpoint->outside, NULL);
}

int doctor_endpoint_greet(const struct doctor_endpoint *endpoint, struct strbuf *greeting)
{
	static const char hello[] = "VERSION\t1\t1\nCPID\t1\n";
	struct pollfd polled = { .fd = -1, .events = POLLIN };
	char text[4096];
	ssize_t got = 0;
	int ret = -1;

	if ((endpoint->is_inet ? connect_host(endpoint, &polled.fd) :
				 connect_path(endpoint->outside, &polled.fd)) != 0)
		return -1;
	if (send(polled.fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL) < 0)
		got = -1;
	while (got >= 0 && ret != 0 && greeting->len < GREETING_MAX && !greeting->failed &&
		poll(&polled, 1, CONNECT_SECONDS * 1000) == 1 &&
		(got = read(polled.fd, text, sizeof(text))) > 0) {
		strbuf_add(greeting, text, (size_t)got);
		if (!greeting->failed && strstr(greeting->text, "\nDONE\n") != NULL)
			ret = 0;
	}
	(void)close(polled.fd);
	return ret;
}

static int search_in_child(void *context)
{
	return access(context, X_OK) == 0 ? 0 : errno;
}

void doctor_endpoint_obstacle(const struct doctor_instance *instance,
	const struct doctor_service *service, const struct doctor_endpoint *endpoint,
	char folder_r[2048])
{
	const size_t hidden = strlen(endpoint->outside) - strlen(endpoint->path);
	struct doctor_identity identity;
	struct errmsg err;
	char folder[1024];

	folder_r[0] = '\0';
	if (find_identity(instance, service, &identity, &err) != 0)
		return;
	for (const char *slash = strchr(endpoint->path + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		const int len = (int)(slash - endpoint->path);

		(void)text_format(folder, sizeof(folder), "%.*s", len, endpoint->path);
		if (doctor_run_as(&identity, search_in_child, folder, &err) == EACCES) {
			(void)text_format(folder_r, 2048, "%.*s", (int)hidden + len,
				endpoint->outside);
			return;
		}
	}
}
