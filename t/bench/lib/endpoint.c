/*
 * Parses the address of a filter's socket and connects to it without blocking, for milter_load.
 * Keeps no state.
 */
#include "t/bench/lib/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static int parse_unix(const char *path, struct endpoint *endpoint_r, struct errmsg *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
		return errmsg_set(err, "%s: longer than %zu bytes", path,
			sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	memcpy(&endpoint_r->addr, &addr, sizeof(addr));
	endpoint_r->len = sizeof(addr);
	return 0;
}

static int parse_inet(const char *text, struct endpoint *endpoint_r, struct errmsg *err)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	const char *at = strchr(text, '@'), *colon = strrchr(text, ':');
	const char *port_text = at != NULL ? text : colon != NULL ? colon + 1 : text;
	const char *host = at != NULL ? at + 1 : text;
	int host_len = at != NULL || colon == NULL ? (int)strlen(host) : (int)(colon - text);
	char host_text[64], *end;
	long port = strtol(port_text, &end, 10);

	snprintf(host_text, sizeof(host_text), "%.*s", host_len, host);
	if (strcmp(host_text, "localhost") == 0)
		strcpy(host_text, "127.0.0.1");
	if ((at == NULL && colon == NULL) || end == port_text || (*end != '\0' && end != at) ||
		port < 1 || port > 65535 || inet_pton(AF_INET, host_text, &addr.sin_addr) != 1)
		return errmsg_set(err, "inet:%s: not inet:port@address", text);
	addr.sin_port = htons((uint16_t)port);
	memcpy(&endpoint_r->addr, &addr, sizeof(addr));
	endpoint_r->len = sizeof(addr);
	return 0;
}

int endpoint_parse(const char *text, struct endpoint *endpoint_r, struct errmsg *err)
{
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, endpoint_r, err);
	if (strncmp(text, "local:", 6) == 0)
		return parse_unix(text + 6, endpoint_r, err);
	if (strncmp(text, "inet:", 5) == 0)
		return parse_inet(text + 5, endpoint_r, err);
	return errmsg_set(err, "%s: neither unix:/path nor inet:port@host", text);
}

enum endpoint_connect endpoint_connect(const struct endpoint *endpoint, int *fd_r,
	struct errmsg *err)
{
	/* Without TCP_NODELAY, as in Postfix, because that changes the figures. */
	int fd = socket(endpoint->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	enum endpoint_connect result = ENDPOINT_CONNECTED;

	if (fd == -1) {
		errmsg_set(err, "socket: %s", strerror(errno));
		return ENDPOINT_FAILED;
	}
	if (connect(fd, (const struct sockaddr *)&endpoint->addr, endpoint->len) == -1) {
		if (errno == EINPROGRESS)
			result = ENDPOINT_PENDING;
		else
			result = errno == EAGAIN ? ENDPOINT_BUSY : ENDPOINT_FAILED;
	}
	if (result == ENDPOINT_BUSY || result == ENDPOINT_FAILED) {
		errmsg_set(err, "connect: %s", strerror(errno));
		close(fd);
		return result;
	}
	*fd_r = fd;
	return result;
}
