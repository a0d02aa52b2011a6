/*
 * The control socket: its connections, and the requests on them, which it hands to the commands of
 * a table. Owns the listener, the connections and the workers of explain. Runs on the server
 * thread. t/integration/test_control.py covers it.
 */
#include "milter/control/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "milter/control/control_private.h"
#include "milter/log/events.h"
#include "milter/log/json_text.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

#define IDLE_SECONDS 60
#define ANSWERS_MAX ((size_t)1 << 20) /* bytes of unread answers at which requests have to wait */
#define EXPLAIN_THREADS 2
#define EXPLAIN_WAITING_MAX CONTROL_CONNECTIONS_MAX /* one for each connection */

static void close_connection(struct connection *connection)
{
	struct control *control = connection->control;
	struct connection **at = &control->connections;

	while (*at != connection)
		at = &(*at)->next;
	*at = connection->next;
	control->count--;
	if (connection->is_following)
		events_unfollow();
	bufferevent_free(connection->bev);
	free(connection);
}

struct connection *control_find(struct control *control, uint64_t number)
{
	struct connection *connection = control->connections;

	while (connection != NULL && connection->number != number)
		connection = connection->next;
	return connection;
}

static size_t unread_answers(const struct connection *connection)
{
	return evbuffer_get_length(bufferevent_get_output(connection->bev));
}

static void obey_request(struct connection *connection, const char *line, size_t len)
{
	const struct control_command *command = connection->control->subject.commands;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(request, "command"));

	while (name != NULL && command->name != NULL && strcmp(name, command->name) != 0)
		command++;
	if (name == NULL)
		connection_refuse(connection, "a JSON object with a \"command\" is needed");
	else if (command->name == NULL)
		connection_refuse(connection, "there is no such command");
	else
		command->obey(connection, request);
	json_decref(request);
}

/* Run the requests that have arrived, in order, until one has to wait or too many answers are
 * unread. */
static void read_requests(struct connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->bev);
	size_t len;
	char *line;

	while (!connection->is_busy && !connection->is_following &&
		unread_answers(connection) < ANSWERS_MAX &&
		(line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF)) != NULL) {
		obey_request(connection, line, len);
		free(line);
	}
	if (connection->is_following) /* it has no further requests */
		(void)evbuffer_drain(input, evbuffer_get_length(input));
}

/* All answers have been written. */
static void on_written(struct bufferevent *bev, void *context)
{
	struct connection *connection = context;

	(void)bev;
	read_requests(connection);
	if (connection->has_ended && !connection->is_busy && unread_answers(connection) == 0)
		close_connection(connection);
}

/* Read no more requests, and close the connection once all answers have been written. */
static void end_requests(struct connection *connection)
{
	connection->has_ended = true;
	(void)bufferevent_disable(connection->bev, EV_READ);
	if (!connection->is_busy && unread_answers(connection) == 0)
		close_connection(connection);
}

static void on_read(struct bufferevent *bev, void *context)
{
	struct connection *connection = context;
	struct evbuffer *input = bufferevent_get_input(bev);

	read_requests(connection);
	if (evbuffer_get_length(input) >= CONTROL_REQUEST_MAX &&
		evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_LF).pos < 0) {
		(void)evbuffer_drain(input, evbuffer_get_length(input));
		connection_refuse(connection, "the request is too long");
		end_requests(connection);
	}
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
	struct connection *connection = context;

	(void)bev;
	/* A client that follows, or waits for an answer, may be silent for any time. */
	if ((what & BEV_EVENT_TIMEOUT) != 0 && (what & BEV_EVENT_READING) != 0 &&
		(connection->is_following || connection->is_busy))
		(void)bufferevent_enable(connection->bev, EV_READ);
	else if ((what & BEV_EVENT_EOF) != 0 && !connection->is_following)
		end_requests(connection); /* the client may have closed only its side */
	else
		close_connection(connection);
}

void connection_answer(struct connection *connection, json_t *answer)
{
	static const char no_memory[] = "{\"ok\": false, \"error\": \"out of memory\"}\n";
	char *text = NULL;

	if (answer != NULL)
		text = json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(answer);
	if (text == NULL)
		(void)bufferevent_write(connection->bev, no_memory, sizeof(no_memory) - 1);
	else if (bufferevent_write(connection->bev, text, strlen(text)) == 0)
		(void)bufferevent_write(connection->bev, "\n", 1);
	free(text);
	connection->is_busy = false;
}

void connection_refuse(struct connection *connection, const char *why)
{
	connection_answer(connection,
		json_pack("{s:b, s:o}", "ok", 0, "error", json_text(why, strlen(why))));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
	int len, void *context)
{
	const struct timeval idle = { .tv_sec = IDLE_SECONDS };
	struct control *control = context;
	struct connection *connection = NULL;

	(void)address;
	(void)len;
	if (control->count < CONTROL_CONNECTIONS_MAX)
		connection = calloc(1, sizeof(*connection));
	if (connection != NULL)
		connection->bev = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
			BEV_OPT_CLOSE_ON_FREE);
	if (connection == NULL || connection->bev == NULL) {
		free(connection);
		(void)close(fd);
		return;
	}
	connection->control = control;
	connection->number = ++control->last_number;
	connection->next = control->connections;
	control->connections = connection;
	control->count++;
	bufferevent_setcb(connection->bev, on_read, on_written, on_event, connection);
	bufferevent_setwatermark(connection->bev, EV_READ, 0, CONTROL_REQUEST_MAX);
	(void)bufferevent_set_timeouts(connection->bev, &idle, &idle);
	(void)bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

static void on_accept_error(struct evconnlistener *listener, void *context)
{
	(void)context;
	(void)listener; /* out of descriptors: the listener tries again at the next connection */
	quote_log(LOG_LEVEL_ERROR, "error", strerror(errno), "control accept");
}

int control_new(struct server *server, int listen_fd, const struct control_subject *subject,
	struct control **control_r, struct errmsg *err)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL) {
		(void)close(listen_fd);
		return errmsg_set(err, "out of memory for the control socket");
	}
	control->server = server;
	control->listen_fd = listen_fd;
	control->subject = *subject;
	*control_r = control;
	return 0;
}

int control_serve(struct control *control, struct cache *cache, struct auth *auth,
	struct errmsg *err)
{
	control->cache = cache;
	control->auth = auth;
	if (workers_start(EXPLAIN_THREADS, EXPLAIN_WAITING_MAX, &control->workers, err) != 0)
		return -1;
	control->listener = evconnlistener_new(server_base(control->server), on_accept, control,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, control->listen_fd);
	if (control->listener == NULL)
		return errmsg_set(err, "cannot serve the control socket");
	control->listen_fd = -1;
	evconnlistener_set_error_cb(control->listener, on_accept_error);
	return 0;
}

void control_free(struct control **control)
{
	struct control *gone = *control;
	struct connection *c, *next;

	*control = NULL;
	if (gone == NULL)
		return;
	workers_stop(&gone->workers);
	for (c = gone->connections; c != NULL; c = next) {
		next = c->next;
		close_connection(c);
	}
	if (gone->listener != NULL)
		evconnlistener_free(gone->listener);
	if (gone->listen_fd >= 0)
		(void)close(gone->listen_fd);
	free(gone);
}
