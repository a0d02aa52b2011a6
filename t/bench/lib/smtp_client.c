/*
 * Speaks SMTP to a server on this machine: one command, one reply. A client belongs to the thread
 * that uses it.
 */
#include "t/bench/lib/smtp_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int send_all(struct smtp_client *client, const char *text, size_t len, struct errmsg *err)
{
	while (len > 0) {
		ssize_t sent = send(client->fd, text, len, MSG_NOSIGNAL);

		if (sent == -1)
			return errmsg_set(err, "send: %s", strerror(errno));
		text += sent;
		len -= (size_t)sent;
	}
	return 0;
}

/* Read more input behind that which is not used yet. */
static int fill(struct smtp_client *client, struct errmsg *err)
{
	ssize_t got;

	memmove(client->input, client->input + client->used, client->filled - client->used);
	client->filled -= client->used;
	client->used = 0;
	if (client->filled == sizeof(client->input))
		return errmsg_set(err, "a line of the server is too long");
	got = recv(client->fd, client->input + client->filled,
		sizeof(client->input) - client->filled, 0);
	if (got <= 0)
		return errmsg_set(err, "%s",
			got == 0 ? "the server closed the connection" : strerror(errno));
	client->filled += (size_t)got;
	return 0;
}

/* Read a reply of one or more lines. Returns its code, or -1 with err set. */
static int read_reply(struct smtp_client *client, struct errmsg *err)
{
	for (;;) {
		const char *line = client->input + client->used;
		const char *end = memchr(line, '\n', client->filled - client->used);

		if (end == NULL) {
			if (fill(client, err) == -1)
				return -1;
			continue;
		}
		client->used = (size_t)(end + 1 - client->input);
		if (end - line < 4)
			return errmsg_set(err, "a line of the server is too short");
		if (line[3] != '-')
			return (int)strtol(line, NULL, 10);
	}
}

int smtp_client_open(struct smtp_client *client, uint16_t port, double patience, struct errmsg *err)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval limit = { .tv_sec = (time_t)patience + 1 };
	int on = 1, code = -1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client->used = client->filled = 0;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd == -1)
		return errmsg_set(err, "socket: %s", strerror(errno));
	if (setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == -1 ||
		setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1 ||
		connect(client->fd, (const struct sockaddr *)&addr, sizeof(addr)) == -1)
		errmsg_set(err, "port %u: %s", port, strerror(errno));
	else
		code = read_reply(client, err);
	if (code == -1)
		smtp_client_close(client);
	return code;
}

int smtp_client_command(struct smtp_client *client, struct errmsg *err, const char *format, ...)
{
	char line[1024];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 2, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(line) - 2)
		return errmsg_set(err, "a command is too long");
	memcpy(line + len, "\r\n", 2);
	if (send_all(client, line, (size_t)len + 2, err) == -1)
		return -1;
	return read_reply(client, err);
}

int smtp_client_message(struct smtp_client *client, const char *text, size_t len,
	struct errmsg *err)
{
	if (send_all(client, text, len, err) == -1)
		return -1;
	return read_reply(client, err);
}

void smtp_client_close(struct smtp_client *client)
{
	if (client->fd != -1)
		close(client->fd);
	client->fd = -1;
}
