#include "ctl/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct control_client {
	FILE *in, *out; /* two streams: one that turns round would want to seek */
	char *line;
	size_t size;
};

static int connect_to(const char *path, struct errmsg *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (path[0] == '\0')
		return errmsg_set(err, "[control] socket is empty: the daemon can't be asked");
	if (strlen(path) >= sizeof(address.sun_path))
		return errmsg_set(err, "%s: too long for a socket's path", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return errmsg_set(err, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	(void)errmsg_set(err, "%s: %s%s", path, strerror(errno),
		errno == EACCES ? " (ask as root, or as a member of the socket's group)" :
				  "; does postern run, and with this configuration?");
	(void)close(fd);
	return -1;
}

int control_client_open(const char *path, struct control_client **client_r, struct errmsg *err)
{
	struct control_client *client = calloc(1, sizeof(*client));
	int fd, out_fd;

	if (client == NULL)
		return errmsg_set(err, "out of memory");
	if ((fd = connect_to(path, err)) < 0) {
		free(client);
		return -1;
	}
	out_fd = dup(fd);
	client->in = fdopen(fd, "r");
	client->out = out_fd < 0 ? NULL : fdopen(out_fd, "w");
	if (client->in == NULL || client->out == NULL) {
		(void)errmsg_set(err, "%s: %s", path, strerror(errno));
		if (client->in == NULL)
			(void)close(fd);
		if (client->out == NULL && out_fd >= 0)
			(void)close(out_fd);
		control_client_close(&client);
		return -1;
	}
	*client_r = client;
	return 0;
}

void control_client_close(struct control_client **client)
{
	if (*client == NULL)
		return;
	if ((*client)->in != NULL)
		(void)fclose((*client)->in);
	if ((*client)->out != NULL)
		(void)fclose((*client)->out);
	free((*client)->line);
	free(*client);
	*client = NULL;
}

int control_client_next(struct control_client *client, json_t **line_r, struct errmsg *err)
{
	ssize_t len = getline(&client->line, &client->size, client->in);
	json_error_t where;

	if (len <= 0)
		return errmsg_set(err, "the daemon closed the connection");
	*line_r = json_loadb(client->line, (size_t)len, 0, &where);
	if (*line_r == NULL)
		return errmsg_set(err, "the daemon's answer is no JSON: %s", where.text);
	return 0;
}

int control_client_ask(struct control_client *client, json_t *request, json_t **answer_r,
	struct errmsg *err)
{
	json_t *answer;
	const char *why;

	if (json_dumpf(request, client->out, JSON_COMPACT) != 0 ||
		fputc('\n', client->out) == EOF || fflush(client->out) != 0)
		return errmsg_set(err, "the daemon can't be asked: %s", strerror(errno));
	if (control_client_next(client, &answer, err) != 0)
		return -1;
	if (json_is_true(json_object_get(answer, "ok"))) {
		*answer_r = answer;
		return 0;
	}
	why = json_string_value(json_object_get(answer, "error"));
	(void)errmsg_set(err, "%s", why != NULL ? why : "the daemon refused without a word");
	json_decref(answer);
	return -1;
}
