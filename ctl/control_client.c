/*
 * A connection to the daemon's control socket. Owns the socket, as two streams.
 * t/integration/test_control.py covers it.
 */
#include "ctl/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/control_path.h"

struct control_client {
	FILE *in, *out; /* the same socket */
	char *line;
	size_t size;
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

	if (errno == ENOENT || errno == ECONNREFUSED)
		hint = "; is postern running?";
	else if (errno == EACCES)
		hint = "; become root, or a member of [control] socket_group";
	(void)errmsg_set(err, "%s: %s%s", address->sun_path, strerror(errno), hint);
}

/* Take over fd. NULL when out of memory or descriptors. */
static struct control_client *control_client_new(int fd)
{
	struct control_client *client = calloc(1, sizeof(*client));
	int second = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (client != NULL && second >= 0 && (client->in = fdopen(fd, "r")) != NULL &&
		(client->out = fdopen(second, "w")) != NULL)
		return client;
	if (client != NULL && client->in != NULL)
		(void)fclose(client->in);
	else
		(void)close(fd);
	if (second >= 0)
		(void)close(second);
	free(client);
	return NULL;
}

int control_client_open(const struct ctl *ctl, struct control_client **client_r, struct errmsg *err)
{
	struct sockaddr_un address = { 0 };
	struct control_client *client;
	int fd, ret;

	if ((ret = find_socket(ctl, &address, err)) != CTL_OK)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		describe_errno(&address, err);
		if (fd >= 0)
			(void)close(fd);
		return CTL_UNREACHABLE;
	}
	if ((client = control_client_new(fd)) == NULL) {
		(void)errmsg_set(err, "out of memory");
		return CTL_FAILED;
	}
	*client_r = client;
	return CTL_OK;
}

void control_client_close(struct control_client **client)
{
	if (*client == NULL)
		return;
	(void)fclose((*client)->out);
	(void)fclose((*client)->in);
	free((*client)->line);
	free(*client);
	*client = NULL;
}

const char *control_client_next_line(struct control_client *client)
{
	ssize_t len = getline(&client->line, &client->size, client->in);

	if (len <= 0 || client->line[len - 1] != '\n')
		return NULL;
	client->line[len - 1] = '\0';
	return client->line;
}

int control_client_ask(struct control_client *client, json_t *request, json_t **answer_r,
	struct errmsg *err)
{
	const char *line, *why;
	json_t *answer = NULL;
	int sent = -1;

	*answer_r = NULL;
	if (request != NULL)
		sent = json_dumpf(request, client->out, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(request);
	if (sent != 0 || fputc('\n', client->out) == EOF || fflush(client->out) != 0) {
		(void)errmsg_set(err, "cannot send the request: %s", strerror(errno));
		return CTL_UNREACHABLE;
	}
	if ((line = control_client_next_line(client)) == NULL) {
		(void)errmsg_set(err, "the daemon closed the connection without an answer");
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
		command_print_json(answer);
	else
		print(ctl, answer);
	json_decref(answer);
	return ret;
}
