/*
 * A connection to the daemon's control socket. Owns the socket.
 * t/integration/test_control.py covers it.
 */
#include "ctl/control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/control_path.h"

/* A daemon that is silent for this long is asked for a sign of life, and has as long to give one.
 */
#define SILENCE_SECONDS 5
#define SILENCE_TEXT "the daemon has not answered for 10 s; it may hang"

struct control_client {
	struct sockaddr_un address;
	FILE *out;   /* the socket, for requests */
	char *text;  /* what has arrived: the last line, and the beginning of the next */
	size_t line; /* length of the last line with its LF; 0: none */
	size_t len, size;
};

static int find_socket(const struct ctl *ctl, struct sockaddr_un *address, struct errmsg *err)
{
	char *path;
	int ret = control_path(ctl, &path, err);

	if (ret != CTL_OK)
		return ret;
	if (path[0] == '\0') {
		(void)errmsg_set(err,
			"%s: [control] socket is empty, so the daemon has no control socket",
			ctl->config_path);
		ret = CTL_UNREACHABLE;
	} else if (strlen(path) >= sizeof(address->sun_path)) {
		(void)errmsg_set(err, "socket %s: the path is too long", path);
		ret = EX_CONFIG;
	} else {
		address->sun_family = AF_UNIX;
		memcpy(address->sun_path, path, strlen(path) + 1);
	}
	free(path);
	return ret;
}

static void describe_errno(const struct sockaddr_un *address, struct errmsg *err)
{
	const char *hint = "";

	if (errno == EAGAIN) { /* the time limit of sending */
		(void)errmsg_set(err, "%s: " SILENCE_TEXT, address->sun_path);
		return;
	}
	if (errno == ENOENT || errno == ECONNREFUSED)
		hint = "; is postern running?";
	else if (errno == EACCES)
		hint = "; become root, or a member of [control] socket_group";
	(void)errmsg_set(err, "%s: %s%s", address->sun_path, strerror(errno), hint);
}

/* Connect; connecting and sending fail with EAGAIN after `seconds`. Returns a descriptor, or -1
 * with errno set. */
static int connect_to(const struct sockaddr_un *address, time_t seconds)
{
	const struct timeval limit = { .tv_sec = seconds };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), saved;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
		connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	saved = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return -1;
}

int control_client_open(const struct ctl *ctl, struct control_client **client_r, struct errmsg *err)
{
	struct sockaddr_un address = { 0 };
	struct control_client *client;
	int fd, ret;

	if ((ret = find_socket(ctl, &address, err)) != CTL_OK)
		return ret;
	if ((fd = connect_to(&address, (time_t)2 * SILENCE_SECONDS)) < 0) {
		describe_errno(&address, err);
		return CTL_UNREACHABLE;
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL || (client->out = fdopen(fd, "w")) == NULL) {
		free(client);
		(void)close(fd);
		(void)errmsg_set(err, "out of memory");
		return CTL_FAILED;
	}
	client->address = address;
	*client_r = client;
	return CTL_OK;
}

void control_client_close(struct control_client **client)
{
	if (*client == NULL)
		return;
	(void)fclose((*client)->out);
	free((*client)->text);
	free(*client);
	*client = NULL;
}

/* Whether the daemon answers another connection, or at least closes it. */
static bool is_alive(const struct sockaddr_un *address)
{
	static const char request[] = "{\"command\": \"\"}\n";
	struct pollfd answer = { .fd = connect_to(address, SILENCE_SECONDS), .events = POLLIN };
	bool alive;

	if (answer.fd < 0)
		return errno != EAGAIN;
	alive = send(answer.fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0 ||
		poll(&answer, 1, SILENCE_SECONDS * 1000) != 0;
	(void)close(answer.fd);
	return alive;
}

/* Wait until there is something to read. A reload may take any time, so the length of the wait
 * alone does not show that the daemon hangs. Returns 0, or -1 with errno ETIMEDOUT if it does. */
static int wait_for_input(const struct control_client *client)
{
	struct pollfd input = { .fd = fileno(client->out), .events = POLLIN };

	while (poll(&input, 1, SILENCE_SECONDS * 1000) == 0) {
		if (!is_alive(&client->address)) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return 0;
}

/* Read what has arrived. Returns 0, or -1 at the end or without memory. */
static int read_more(struct control_client *client)
{
	size_t size = client->size < 4096 ? 8192 : client->size * 2;
	ssize_t got;
	char *grown;

	if (client->size - client->len < 4096) {
		if ((grown = realloc(client->text, size)) == NULL)
			return -1;
		client->text = grown;
		client->size = size;
	}
	do {
		got = recv(fileno(client->out), client->text + client->len,
			client->size - client->len, 0);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return -1;
	client->len += (size_t)got;
	return 0;
}

static const char *read_line(struct control_client *client, bool may_hang)
{
	size_t searched = 0;
	char *end = NULL;

	if (client->line > 0) {
		client->len -= client->line;
		memmove(client->text, client->text + client->line, client->len);
		client->line = 0;
	}
	errno = 0;
	for (;;) {
		if (client->len > searched)
			end = memchr(client->text + searched, '\n', client->len - searched);
		if (end != NULL)
			break;
		searched = client->len;
		if ((!may_hang && wait_for_input(client) != 0) || read_more(client) != 0)
			return NULL;
	}
	*end = '\0';
	client->line = (size_t)(end - client->text) + 1;
	return client->text;
}

const char *control_client_next_line(struct control_client *client)
{
	return read_line(client, true);
}

int control_client_ask(struct control_client *client, json_t *request, json_t **answer_r,
	struct errmsg *err)
{
	const char *line, *why;
	json_t *answer = NULL;
	int sent;

	*answer_r = NULL;
	if (request == NULL) {
		(void)errmsg_set(err, "an argument is not UTF-8, or memory ran out");
		return EX_DATAERR;
	}
	sent = json_dumpf(request, client->out, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(request);
	if (sent != 0 || fputc('\n', client->out) == EOF || fflush(client->out) != 0) {
		(void)errmsg_set(err, "cannot send the request: %s",
			errno == EAGAIN ? SILENCE_TEXT : strerror(errno));
		return CTL_UNREACHABLE;
	}
	if ((line = read_line(client, false)) == NULL) {
		(void)errmsg_set(err, "%s",
			errno == ETIMEDOUT ? SILENCE_TEXT :
					     "the daemon closed the connection without an answer");
		return CTL_UNREACHABLE;
	}
	if ((answer = json_loads(line, 0, NULL)) == NULL) {
		(void)errmsg_set(err, "the daemon's answer is not JSON");
		return CTL_FAILED;
	}
	*answer_r = answer;
	if (json_is_true(json_object_get(answer, "ok")))
		return CTL_OK;
	why = json_string_value(json_object_get(answer, "error"));
	(void)errmsg_set(err, "%s", why == NULL ? "the daemon refused without a reason" : why);
	return CTL_FAILED;
}

int control_client_once(const struct ctl *ctl, json_t *request, json_t **answer_r,
	struct errmsg *err)
{
	struct control_client *client = NULL;
	int ret;

	*answer_r = NULL;
	if ((ret = control_client_open(ctl, &client, err)) != CTL_OK) {
		json_decref(request);
		return ret;
	}
	ret = control_client_ask(client, request, answer_r, err);
	control_client_close(&client);
	return ret;
}

int control_client_show(const struct ctl *ctl, json_t *request,
	void (*print)(const struct ctl *ctl, json_t *answer))
{
	struct errmsg err;
	json_t *answer;
	int ret = control_client_once(ctl, request, &answer, &err);

	if (ret != CTL_OK)
		ret = command_fail(ret, &err);
	else if (ctl->json)
		ret = command_print_json(answer);
	else
		print(ctl, answer);
	json_decref(answer);
	return ret;
}
